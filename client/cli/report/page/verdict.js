// The verdict, its reasons, and the measures that it goes by beside their limits.
'use strict';

const verdicts = {
  KIND_BATCH_NORM_IS_FINE: {
    words: 'BatchNorm is fine here', mark: 'good',
    icon: 'M14 25 L21 32 L35 16',
  },
  KIND_USE_LAYER_NORM: {
    words: 'Use LayerNorm, not BatchNorm', mark: 'bad',
    icon: 'M16 16 L32 32 M32 16 L16 32',
  },
  KIND_USE_FROZEN_STATISTICS: {
    words: 'Use running statistics, frozen', mark: 'frozen',
    icon: 'M24 11 V37 M12.7 17.5 L35.3 30.5 M35.3 17.5 L12.7 30.5 M20.5 13 L24 16.5 L27.5 13 M20.5 35 L24 31.5 L27.5 35',
  },
  KIND_NOT_ENOUGH_DATA: {
    words: 'Not enough data to say', mark: 'open',
    icon: 'M18 19 C18 11 30 11 30 18.5 C30 23 24 23 24 28.5 M24 34 V34.6',
  },
  KIND_UNSPECIFIED: {words: 'No verdict', mark: 'open', icon: 'M16 24 H32'},
};

const verdictMeanings = {
  good: 'BatchNorm: yes',
  bad: 'BatchNorm: no',
  frozen: 'BatchNorm: only with statistics that are frozen',
  open: 'BatchNorm: open',
};

function verdictIcon(verdict) {
  const icon = d3.create('svg').attr('viewBox', '0 0 48 48').attr('class', `icon ${verdict.mark}`)
      .attr('aria-hidden', 'true');
  if (verdict.mark === 'good' || verdict.mark === 'frozen') {
    icon.append('circle').attr('cx', 24).attr('cy', 24).attr('r', 22);
  } else if (verdict.mark === 'bad') {
    icon.append('path').attr('class', 'plate').attr('d', 'M15 2 H33 L46 15 V33 L33 46 H15 L2 33 V15 Z');
  } else {
    icon.append('rect').attr('x', 4).attr('y', 4).attr('width', 40).attr('height', 40).attr('rx', 8);
  }
  icon.append('path').attr('class', 'sign').attr('d', verdict.icon);
  return icon.node();
}

// What is measured, beside its limit: {label, value, low, high, limit, floor, format}.
function verdictMeasures(report) {
  const {thresholds} = report.verdict;
  const cell = cellInUse(report);
  const method = firstKeeper(report);
  const found = finalMean(cell, method);
  const gap = cell && method && cell.methods[method.index].gap;
  const measures = [];
  if (found && found.ratio) {
    measures.push({label: 'Batches\u2019 means from the final ones, in multiples of chance',
      ...found.ratio, limit: thresholds.ratio, floor: 1, format: times});
    const {low, high, value} = found.ratio;
    if (hasInterval(found.ratio) && value > 0) {
      measures.push({label: 'Width of that figure\u2019s interval, as part of it', value: (high - low) / value,
        limit: thresholds.width, format: share});
    }
  }
  if (gap) {
    measures.push({label: `${method.title}\u2019s outputs in training, from those in inference`,
      value: gap.overall, limit: thresholds.gap, format: share});
  }
  if (report.drift) {
    measures.push({label: 'Drift from the first to the last quarter beyond chance, in deviations',
      value: report.drift.excess, limit: thresholds.drift, format: figure});
  }
  return measures.filter((measure) => measure.limit > 0 && Number.isFinite(measure.limit) && Number.isFinite(measure.value));
}

function isBeyond(measure) {
  return measure.value > measure.limit;
}

// Strips on which every limit stands at the same place: left of it is within, right is beyond.
function drawMeasures(svg, width, measures) {
  const top = 34;
  const position = d3.scaleLinear().domain([0, 2.2]).range([8, width - 14]).clamp(true);
  const limit = position(1);
  const letters = (limit - 16) / 6.6;
  const rows = measures.map((measure) => ({measure, lines: wrapped(measure.label, letters)}));
  let height = top;
  for (const row of rows) {
    row.y = height;
    height += 15 * row.lines.length + 60;
  }
  svg.append('rect').attr('class', 'beyond-ground').attr('x', limit).attr('y', top - 10)
      .attr('width', width - limit).attr('height', height - top + 4);
  svg.append('line').attr('class', 'limit').attr('x1', limit).attr('x2', limit).attr('y1', 4).attr('y2', height - 6);
  writeText(svg, limit - 8, 14, '\u2190 within the limit', 'note end');
  writeText(svg, limit + 8, 14, 'beyond \u2192', 'note');
  for (const row of rows) {
    const group = svg.append('g').attr('transform', `translate(0,${row.y})`);
    row.lines.forEach((line, index) => writeText(group, 0, 13 + 15 * index, line, 'small'));
    drawMeasure(group, width, 15 * row.lines.length + 26, row.measure, (value) => position(value / row.measure.limit));
  }
  return height;
}

function drawMeasure(group, width, middle, measure, position) {
  const outcome = isBeyond(measure) ? 'bad' : 'good';
  const place = position(measure.value);
  const limit = position(measure.limit);
  group.append('line').attr('class', 'rail').attr('x1', 0).attr('x2', width).attr('y1', middle).attr('y2', middle);
  if (measure.floor && Number.isFinite(measure.floor)) {
    const chance = position(measure.floor);
    group.append('line').attr('class', 'chance').attr('x1', chance).attr('x2', chance).attr('y1', middle - 7).attr('y2', middle + 7)
        .append('title').text(`chance: ${measure.format(measure.floor)}`);
    writeText(group, chance, middle + 20, 'chance', chance < 30 ? 'note' : 'note middle');
  }
  if (hasInterval(measure)) drawWhisker(group, position(measure.low), position(measure.high), middle, outcome);
  group.append('path').attr('class', `measure ${outcome}`)
      .attr('d', symbolPath(outcome === 'bad' ? d3.symbolDiamond : d3.symbolCircle, 130))
      .attr('transform', `translate(${place},${middle})`).append('title').text(measureInWords(measure));
  const range = width >= 560 ? interval(measure, measure.format) : '';
  const words = measure.format(measure.value) + (range ? ` (${range})` : '');
  const right = place + 14 + 7.6 * words.length;
  const toLeft = place < limit ? right > limit && place > right - place : right > width;
  writeText(group, place + (toLeft ? -13 : 13), middle - 11, words, toLeft ? 'value end halo' : 'value');
  writeText(group, limit + 6, middle + 19, `limit ${measure.format(measure.limit)}`, 'note');
}

// With ends, so that it is seen where it is narrower than the mark.
function drawWhisker(group, low, high, middle, outcome) {
  group.append('path').attr('class', `interval ${outcome}`)
      .attr('d', `M${low},${middle - 11} V${middle + 11} M${low},${middle} H${high} M${high},${middle - 11} V${middle + 11}`);
}

function measureInWords(measure) {
  const range = interval(measure, measure.format);
  const parts = [`${measure.label}: ${measure.format(measure.value)}`];
  if (range) parts.push(`95${thinSpace}% interval ${range}`);
  if (measure.floor) parts.push(`chance ${measure.format(measure.floor)}`);
  parts.push(`limit ${measure.format(measure.limit)}, ${isBeyond(measure) ? 'beyond' : 'within'}`);
  return parts.join('; ');
}

function intervalSentence(report) {
  const cell = cellInUse(report);
  const found = finalMean(cell, firstKeeper(report));
  if (!found) return 'No method here takes its statistics from batches, so there is no discrepancy to state.';
  const parts = [`The means of ${batchesInWords(cell)} lie ${figure(found.measured.value)} deviations from the final ones`];
  const range = interval(found.measured, figure);
  parts.push(range ? ` (95${thinSpace}% interval ${range})` : ' (too few batches for an interval)');
  if (found.ratio) {
    parts.push(`: ${times(found.ratio.value)} what chance gives`);
    const ratioRange = interval(found.ratio, times);
    if (ratioRange) parts.push(` (${ratioRange})`);
  }
  return parts.join('') + '.';
}

function thresholdSentence(report) {
  const {thresholds} = report.verdict;
  const parts = [];
  if (thresholds.ratio !== null) parts.push(`a discrepancy up to ${times(thresholds.ratio)} chance counts as chance`);
  if (thresholds.gap !== null) parts.push(`an output gap up to ${share(thresholds.gap)} as harmless`);
  if (thresholds.drift !== null) parts.push(`a shift beyond chance up to ${figure(thresholds.drift)} deviations as steady`);
  if (thresholds.width !== null) parts.push(`an interval up to ${share(thresholds.width)} of its figure as narrow`);
  return parts.length ? `Thresholds, all of which can be set: ${joined(parts)}.` : '';
}

function showVerdict(section, report) {
  const verdict = verdicts[report.verdict.kind] || verdicts.KIND_UNSPECIFIED;
  const about = report.verdict.batchSize
    ? `For batches of ${plural(report.verdict.batchSize, 'token')}` : 'For this stream';
  section.append(element('div', {class: `verdict ${verdict.mark}`},
    verdictIcon(verdict),
    element('div', {},
      element('p', {class: 'kicker'}, `${about} \u00b7 ${verdictMeanings[verdict.mark]}`),
      element('h2', {}, verdict.words),
      element('p', {class: 'summary'}, report.verdict.summary))));
  if (report.verdict.tokensNeeded) {
    section.append(element('p', {}, element('strong', {}, `About ${count(report.verdict.tokensNeeded)} tokens would do; `),
      `this stream has ${count(report.tokens)}.`));
  }
  if (report.verdict.reasons.length) {
    section.append(element('h3', {}, 'Why'),
      element('ol', {class: 'reasons'}, report.verdict.reasons.map((reason) => element('li', {}, reason))));
  }
  section.append(element('p', {}, intervalSentence(report)));
  const measures = verdictMeasures(report);
  if (measures.length) {
    addFigure(section, {
      id: 'measures',
      title: 'What the verdict goes by',
      label: measures.map(measureInWords).join('. '),
      reading: 'Each measure beside its own limit, which always stands at the same place; brackets are the ' +
        `95${thinSpace}% interval, a tick is what chance gives. A disc is within, a diamond beyond.`,
      draw: (svg, width) => drawMeasures(svg, width, measures),
    });
  }
  section.append(element('p', {class: 'muted'}, thresholdSentence(report)));
}
