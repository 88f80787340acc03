// Discrepancy over the stream's time, beside chance.
'use strict';

function segmentsOf(plots) {
  return plots.discrepancy.map((value, index) => ({
    begin: index ? plots.ends[index - 1] : 0,
    end: plots.ends[index],
    value,
    floor: plots.floor[index],
  })).filter((segment) => Number.isFinite(segment.value) && segment.end > segment.begin);
}

function middleOf(segment) {
  return (segment.begin + segment.end) / 2;
}

function timeFinding(report, segments) {
  const measured = mean(segments.map((segment) => segment.value));
  const floors = segments.map((segment) => segment.floor).filter(Number.isFinite);
  const parts = [`The ${segments.length} parts of the stream are ${figure(measured)} standard deviations off on average`];
  if (floors.length) {
    const ratio = measured / mean(floors);
    const limit = report.verdict.thresholds.ratio || 1.5;
    parts.push(`, ${times(ratio)} what chance gives: ${ratio > limit ? 'its parts are not alike' : 'little more than chance'}`);
  }
  if (report.drift && report.drift.changePoint !== null) {
    parts.push(`. The mean changes at token ${count(report.drift.changePoint)}, ` +
      `${share(report.drift.changePoint / report.tokens)} into the stream`);
  }
  return parts.join('') + '.';
}

function drawQuarters(svg, x, top, tokens) {
  for (const [begin, words] of [[0, 'first quarter'], [0.75, 'last quarter']]) {
    const left = x(begin * tokens) + 1;
    const right = x((begin + 0.25) * tokens) - 1;
    svg.append('path').attr('class', 'bracket').attr('d', `M${left},${top + 5} V${top} H${right} V${top + 5}`);
    writeText(svg, (left + right) / 2, top - 6, words, 'note middle');
  }
}

function drawChangePoint(svg, x, changePoint, top, bottom) {
  const place = x(changePoint);
  svg.append('line').attr('class', 'change').attr('x1', place).attr('x2', place).attr('y1', top).attr('y2', bottom);
  const left = place > (x.range()[0] + x.range()[1]) / 2;
  writeText(svg, place + (left ? -6 : 6), top + 12, 'the mean changes', left ? 'small end halo' : 'small halo');
}

function drawTime(svg, width, report, segments) {
  const wide = width >= 560;
  const area = {left: 44, right: width - (wide ? 84 : 8), top: 58, bottom: 318};
  const tokens = segments[segments.length - 1].end;
  const highest = d3.max(segments, (segment) => Math.max(segment.value, Number.isFinite(segment.floor) ? segment.floor : 0)) || 1;
  const x = d3.scaleLinear([0, tokens], [area.left, area.right]);
  const y = d3.scaleLinear([0, highest * 1.12], [area.bottom, area.top]).nice(5);
  writeText(svg, 0, 14, '\u2191 off the mean of all tokens, in standard deviations', 'small');
  drawHorizontalGrid(svg, y, y.ticks(5), area.left, area.right, figure);
  drawHorizontalAxis(svg, x, x.ticks(wide ? 7 : 4), area.bottom, shortCount);
  writeText(svg, area.right, area.bottom + 38, 'tokens of the stream \u2192', 'small end');
  drawQuarters(svg, x, area.top - 8, tokens);

  const floored = segments.filter((segment) => Number.isFinite(segment.floor));
  const middle = (segment) => x(middleOf(segment));
  svg.append('path').attr('class', 'excess').attr('d', areaPath(floored, middle,
      (segment) => y(Math.min(segment.floor, segment.value)), (segment) => y(segment.value)));
  svg.append('path').attr('class', 'floor').attr('d', linePath(floored, middle, (segment) => y(segment.floor)));
  svg.append('path').attr('class', 'measured').attr('d', linePath(segments, middle, (segment) => y(segment.value)));
  for (const segment of segments) {
    svg.append('circle').attr('class', 'measured-point').attr('cx', middle(segment)).attr('cy', y(segment.value)).attr('r', 3)
        .append('title').text(`tokens ${count(segment.begin + 1)} to ${count(segment.end)}: ` +
          `${figure(segment.value)}; chance ${figure(segment.floor)}`);
  }
  if (report.drift && report.drift.changePoint !== null) {
    drawChangePoint(svg, x, report.drift.changePoint, area.top, area.bottom);
  }
  const last = segments[segments.length - 1];
  const labels = [{y: y(last.value), words: 'measured', classes: 'label strong'}];
  if (floored.length) labels.push({y: y(floored[floored.length - 1].floor), words: 'chance', classes: 'label quiet'});
  spreadLabels(labels, 16, area.top, area.bottom);
  for (const label of labels) {
    if (wide) writeText(svg, area.right + 8, label.place + 4, label.words, label.classes);
    else writeText(svg, area.right - 2, label.place - 8, label.words, `${label.classes} end halo`);
  }
  return area.bottom + 46;
}

function timePlot(report) {
  const segments = report.drift ? segmentsOf(report.plots) : [];
  return {
    id: 'time',
    title: 'Does the stream stay what it is?',
    finding: segments.length ? timeFinding(report, segments) : '',
    reading: 'The line is how far the mean of each part of the stream lies from the mean of all of it; the dashed ' +
      'line is what independent tokens would give, so what is shaded is more than chance.',
    absent: segments.length ? null : 'fewer than 16 tokens, or none that differ.',
    draw: (svg, width) => drawTime(svg, width, report, segments),
  };
}
