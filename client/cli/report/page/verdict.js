// The verdict, its reasons, and the measures that it goes by beside their limits.
'use strict';

const verdicts = {
  KIND_BATCH_NORM_IS_FINE: {mark: 'good', meaning: 'BatchNorm: yes', icon: 'M14 25 L21 32 L35 16'},
  KIND_USE_LAYER_NORM: {mark: 'bad', meaning: 'BatchNorm: no', icon: 'M16 16 L32 32 M32 16 L16 32'},
  KIND_USE_FROZEN_STATISTICS: {
    mark: 'frozen', meaning: 'BatchNorm: only with statistics that are frozen',
    icon: 'M24 11 V37 M12.7 17.5 L35.3 30.5 M35.3 17.5 L12.7 30.5 M20.5 13 L24 16.5 L27.5 13 M20.5 35 L24 31.5 L27.5 35',
  },
  KIND_NOT_ENOUGH_DATA: {
    mark: 'open', meaning: 'BatchNorm: open',
    icon: 'M18 19 C18 11 30 11 30 18.5 C30 23 24 23 24 28.5 M24 34 V34.6',
  },
  KIND_UNSPECIFIED: {mark: 'open', meaning: 'nothing to judge', icon: 'M16 24 H32'},
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

// What decides, beside its limit: {label, value, low, high, limit, format}.
function verdictMeasures(report) {
  const {thresholds} = report.verdict;
  const cell = cellInUse(report);
  const method = methodInUse(report);
  const gap = cell && method && cell.methods[method.index].gap;
  const measures = [];
  const isOpen = (verdicts[report.verdict.kind] || {mark: 'open'}).mark === 'open';  // then only an interval says something
  if (gap) {
    measures.push({label: `Output gap: ${method.title}\u2019s outputs in training, from those in inference`,
      value: gap.overall, low: gap.low, high: gap.high, limit: thresholds.gap, format: share});
  }
  if (report.drift && !isOpen) {
    measures.push({label: 'Drift: from the first to the last quarter of the stream, beyond chance, in standard deviations',
      value: report.drift.excess, limit: thresholds.drift, format: figure});
  }
  return measures.filter((measure) => (!isOpen || hasInterval(measure)) && measure.limit > 0 && Number.isFinite(measure.limit) && Number.isFinite(measure.value));
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
    height += 15 * row.lines.length + 66;
  }
  svg.append('rect').attr('class', 'beyond-ground').attr('x', limit).attr('y', top - 10)
      .attr('width', width - limit).attr('height', height - top + 4);
  svg.append('line').attr('class', 'limit').attr('x1', limit).attr('x2', limit).attr('y1', 4).attr('y2', height - 6);
  writeText(svg, limit - 8, 14, '\u2190 within the limit', 'note end');
  writeText(svg, limit + 8, 14, 'beyond \u2192', 'note');
  for (const row of rows) {
    const group = svg.append('g').attr('transform', `translate(0,${row.y})`);
    row.lines.forEach((line, index) => writeText(group, 0, 13 + 15 * index, line, 'small'));
    drawMeasure(group, width, 15 * row.lines.length + 32, row.measure, (value) => position(value / row.measure.limit));
  }
  return height;
}

function drawMeasure(group, width, middle, measure, position) {
  const outcome = isBeyond(measure) ? 'bad' : 'good';
  const place = position(measure.value);
  const limit = position(measure.limit);
  group.append('line').attr('class', 'rail').attr('x1', 0).attr('x2', width).attr('y1', middle).attr('y2', middle);
  if (hasInterval(measure)) drawWhisker(group, position(measure.low), position(measure.high), middle, outcome);
  group.append('path').attr('class', `measure ${outcome}`)
      .attr('d', symbolPath(outcome === 'bad' ? d3.symbolDiamond : d3.symbolCircle, 130))
      .attr('transform', `translate(${place},${middle})`).append('title').text(measureInWords(measure));
  const range = width >= 560 ? interval(measure, measure.format) : '';
  const words = measure.format(measure.value) + (range ? ` (${range})` : '') + (position(Infinity) > place ? '' : ' \u2192');
  const right = place + 14 + 7.6 * words.length;
  const toLeft = place < limit ? right > limit && place > right - place : right > width;
  writeText(group, place + (toLeft ? -13 : 13), middle - 15, words, toLeft ? 'value end halo' : 'value');
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
  parts.push(`limit ${measure.format(measure.limit)}, ${isBeyond(measure) ? 'beyond' : 'within'}`);
  return parts.join('; ');
}

function intervalSentence(report) {
  const cell = cellInUse(report);
  const found = finalMean(cell, methodInUse(report));
  if (!found) return '';
  const parts = [`The means of ${batchesInWords(cell)} lie ${figure(found.measured.value)} standard deviations from those of all tokens`];
  const range = interval(found.measured, figure);
  parts.push(range ? ` (95${thinSpace}% interval ${range})` : ' (too few batches for an interval)');
  if (found.ratio) {
    const ratioRange = interval(found.ratio, times);
    parts.push(`: ${times(found.ratio.value)}${ratioRange && ` (${ratioRange})`} chance, which is what as many independent tokens would give`);
  }
  return parts.join('') + '.';
}

function thresholdSentence(report) {
  const {thresholds} = report.verdict;
  const parts = [];
  if (thresholds.ratio !== null) parts.push(`a discrepancy up to ${times(thresholds.ratio)} chance counts as chance`);
  if (thresholds.gap !== null) parts.push(`an output gap up to ${share(thresholds.gap)} as harmless`);
  if (thresholds.drift !== null) parts.push(`a shift beyond chance up to ${figure(thresholds.drift)} standard deviations as steady`);
  if (thresholds.width !== null) parts.push(`an interval up to ${share(thresholds.width)} of its figure as narrow`);
  return parts.length ? `Thresholds, all of which can be set: ${joined(parts)}.` : '';
}

function showVerdict(section, report) {
  const verdict = verdicts[report.verdict.kind] || verdicts.KIND_UNSPECIFIED;
  const about = report.verdict.batchSize
    ? `For batches of ${plural(report.verdict.batchSize, 'token')}` : 'For this stream';
  const [, head, because] = /^([^:]*)(?:: (.*))?$/s.exec(report.verdict.summary);
  section.append(element('div', {class: `verdict ${verdict.mark}`},
    verdictIcon(verdict),
    element('div', {},
      element('p', {class: 'kicker'}, `${about} \u00b7 ${verdict.meaning}`),
      element('h2', {}, head || 'No verdict'),
      element('p', {class: 'summary'}, because ? capitalized(because) : ''))));
  if (report.verdict.reasons.length) {
    section.append(element('h3', {}, 'Why'),
      element('ol', {class: 'reasons'}, report.verdict.reasons.map((reason) => element('li', {}, capitalized(reason)))));
  }
  section.append(element('p', {}, intervalSentence(report)));
  const measures = verdictMeasures(report);
  if (measures.length) {
    addFigure(section, {
      id: 'measures',
      title: 'What the verdict goes by: gap and drift',
      label: measures.map(measureInWords).join('. '),
      reading: 'The gap within its limit: BatchNorm is fine. The gap beyond and the drift within: the statistics of the whole ' +
        `stream serve, frozen. Both beyond: LayerNorm. Brackets are the 95${thinSpace}% interval.`,
      draw: (svg, width) => drawMeasures(svg, width, measures),
    });
  }
  section.append(element('p', {class: 'muted'}, thresholdSentence(report)));
}
