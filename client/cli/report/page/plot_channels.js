// The map of channels and time.
'use strict';

const heatSteps = 5;

function heatStep(rows) {
  const highest = d3.max(rows, (row) => d3.max(row.values.filter(Number.isFinite), Math.abs)) || 1;
  const raw = highest / (heatSteps + 0.5);
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10].map((digit) => digit * power).find((step) => step >= raw * 0.999);
}

function heatClass(value, step) {
  const level = Math.max(-heatSteps, Math.min(heatSteps, Math.round(value / step)));
  if (level === 0) return 'heat zero';
  return `heat ${level < 0 ? 'below' : 'above'}-${Math.abs(level)}`;
}

function quarterMeans(values) {
  const quarter = Math.max(1, Math.floor(values.length / 4));
  return [mean(values.slice(0, quarter)), mean(values.slice(-quarter))];
}

function channelsFinding(report, rows) {
  const limit = report.verdict.thresholds.drift || 0.25;
  const shifts = rows.map((row) => {
    const [first, last] = quarterMeans(row.values);
    return {channel: row.channel, first, last, shift: Math.abs(last - first)};
  }).sort((one, other) => other.shift - one.shift);
  const moved = shifts.filter((shift) => shift.shift > limit).length;
  const widest = shifts[0];
  const some = moved === 0 ? 'None' : count(moved);
  return `${some} of the ${plural(rows.length, 'channel')} drawn ${moved === 1 ? 'moves' : 'move'} by more than ${figure(limit)} standard deviations ` +
    `from the first to the last quarter; most does channel ${widest.channel}, from ${figure(widest.first)} to ${figure(widest.last)}.`;
}

function drawHeatLegend(svg, width, step) {
  const swatch = Math.min(34, Math.floor((width - 24) / (2 * heatSteps + 1)));
  writeText(svg, 0, 14, 'distance from the channel\u2019s mean, in standard deviations', 'small');
  for (let level = -heatSteps; level <= heatSteps; ++level) {
    const x = 12 + (level + heatSteps) * swatch;
    svg.append('rect').attr('class', heatClass(level * step, step)).attr('x', x).attr('y', 22).attr('width', swatch - 1).attr('height', 12);
    if (level < 0) drawBelowMark(svg, x, 22, swatch - 1, 12, -level);
    if (level % 2 || level === 0) {
      const edge = Math.abs(level) === heatSteps ? '\u2265' : '';
      const words = level < 0 ? (edge ? `\u2264${figure(level * step)}` : figure(level * step)) : edge + figure(level * step);
      writeText(svg, x + swatch / 2, 48, words, 'tick middle');
    }
  }
  return 64;
}

// On paper without colors a dash tells what is below the mean.
function drawBelowMark(svg, x, y, width, height, level) {
  svg.append('line').attr('class', level < 3 ? 'below-mark on-light' : 'below-mark').attr('x1', x + width * 0.25).attr('x2', x + width * 0.75)
      .attr('y1', y + height / 2).attr('y2', y + height / 2);
}

function drawChannels(svg, width, report, rows) {
  const step = heatStep(rows);
  const {ends} = report.plots;
  const left = 44;
  const top = drawHeatLegend(svg, width, step) + 12;
  const rowHeight = Math.max(10, Math.min(16, 420 / rows.length));
  const bottom = top + rowHeight * rows.length;
  const segments = d3.max(rows, (row) => row.values.length);
  const tokens = ends[segments - 1] || segments;
  const x = d3.scaleLinear([0, tokens], [left, width - 8]);
  const edge = (segment) => x(segment < 0 ? 0 : ends[segment] === undefined ? (segment + 1) * tokens / segments : ends[segment]);
  writeText(svg, 0, top - 5, 'channel', 'small');
  rows.forEach((row, index) => {
    const y = top + index * rowHeight;
    if (rowHeight >= 12 || index % 2 === 0) writeText(svg, left - 6, y + rowHeight / 2 + 4, String(row.channel), 'tick end');
    row.values.forEach((value, segment) => {
      if (!Number.isFinite(value)) return;
      const begin = edge(segment - 1);
      const cellWidth = Math.max(0.5, edge(segment) - begin);
      svg.append('rect').attr('class', heatClass(value, step)).attr('x', begin).attr('y', y)
          .attr('width', cellWidth).attr('height', rowHeight - 1)
          .append('title').text(`channel ${row.channel}, up to token ${count(ends[segment] || segment + 1)}: ${figure(value)}`);
      if (value < -step / 2) drawBelowMark(svg, begin, y, cellWidth, rowHeight - 1, -value / step);
    });
  });
  if (report.drift && report.drift.changePoint !== null) {
    const place = x(report.drift.changePoint);
    svg.append('line').attr('class', 'change').attr('x1', place).attr('x2', place).attr('y1', top - 8).attr('y2', bottom + 4);
    writeText(svg, place + (place > width / 2 ? -5 : 5), top - 5, 'the mean changes', place > width / 2 ? 'small end' : 'small');
  }
  drawHorizontalAxis(svg, x, x.ticks(width >= 560 ? 7 : 4), bottom + 2, shortCount);
  writeText(svg, width - 8, bottom + 40, 'tokens of the stream \u2192', 'small end');
  return bottom + 48;
}

function channelsPlot(report) {
  const rows = report.plots.channels.filter((row) => row.values.some(Number.isFinite));
  return {
    id: 'channels',
    title: 'Which channels move, and when?',
    finding: rows.length ? channelsFinding(report, rows) : '',
    reading: 'A row is a channel, those that vary most over the stream; a cell is the mean of one part of the stream, in the ' +
      'channel\u2019s own standard deviations from its mean. A row of one shade is a channel that batches from anywhere agree on. ' +
      'On paper, a dash marks what is below the mean.',
    absent: rows.length ? null : 'there is no channel that varies.',
    draw: (svg, width) => drawChannels(svg, width, report, rows),
  };
}
