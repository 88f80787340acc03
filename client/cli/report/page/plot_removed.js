// What each method removes, as parts of all sums of squares.
'use strict';

const removedParts = [
  {field: 'token_share', key: 'token', name: 'tokens\u2019 means'},
  {field: 'channel_share', key: 'channel', name: 'channels\u2019 means'},
  {field: 'residual_share', key: 'residual', name: 'all else'},
];

function removedRows(report) {
  const rows = [{title: 'The activations', note: 'before any method', centers: null}];
  for (const method of report.methods.filter((method) => !method.unknown)) {
    rows.push({title: method.title, note: removalInWords(report.split, method), centers: method.centers});
  }
  return rows;
}

function removalInWords(split, {centers, scales}) {
  const parts = [];
  if (centers) parts.push(`subtracts the ${centers}s\u2019 means, ${share(split[`${centers}_share`])}`);
  if (scales) parts.push(`divides by the ${scales}s\u2019 scale, which varies by ${share(split[`${scales}_scale_variation`])}`);
  return joined(parts, ', and ') || 'subtracts no means and divides by no scale';
}

function removedFinding(report) {
  const {split} = report;
  const larger = split.token_share > split.channel_share ? 'tokens' : 'channels';
  const scale = split.token_scale_variation > split.channel_scale_variation ? 'tokens' : 'channels';
  return `The tokens\u2019 means hold ${share(split.token_share)} of the variation and the channels\u2019 ${share(split.channel_share)}, ` +
    `so more is in what ${larger === 'tokens' ? 'LayerNorm' : 'BatchNorm'} subtracts; scale varies more between ${scale} ` +
    `(${share(split.token_scale_variation)} between tokens, ${share(split.channel_scale_variation)} between channels).`;
}

function drawHatching(svg) {
  const pattern = svg.append('defs').append('pattern').attr('id', 'hatching').attr('width', 7).attr('height', 7)
      .attr('patternUnits', 'userSpaceOnUse').attr('patternTransform', 'rotate(45)');
  pattern.append('line').attr('class', 'hatch').attr('x1', 0).attr('x2', 0).attr('y1', 0).attr('y2', 7);
}

function drawRemoved(svg, width, report, rows) {
  drawHatching(svg);
  const top = drawLegend(svg, width, [
    ...removedParts.map((part) => ({name: `${part.name}, ${share(report.split[part.field])}`, draw: (group) => group.append('rect').attr('class', `part ${part.key}`)
        .attr('x', 2).attr('y', -7).attr('width', 20).attr('height', 14)})),
    {name: 'subtracted', draw: (group) => group.append('rect').attr('class', 'removed')
        .attr('x', 2).attr('y', -7).attr('width', 20).attr('height', 14)},
  ]);
  const x = d3.scaleLinear().range([1, width - 1]);
  let y = top;
  for (const row of rows) {
    y += 18;
    const name = writeText(svg, 0, y, row.title, 'label strong');
    const oneLine = 8 * row.title.length + 6.6 * row.note.length + 10 < width;
    if (oneLine) name.append('tspan').attr('class', 'small aside').attr('dx', 10).text(row.note);
    for (const line of oneLine ? [] : wrapped(row.note, width / 7)) {
      y += 16;
      writeText(svg, 0, y, line, 'small');
    }
    drawRemovedBar(svg, x, y + 8, report.split, row);
    y += 54;
  }
  return y;
}

function drawRemovedBar(svg, x, y, split, row) {
  let begin = 0;
  for (const part of removedParts) {
    const value = split[part.field];
    if (!(value > 0)) continue;
    const removed = row.centers === part.key;
    const left = x(begin);
    const length = Math.max(1, x(begin + value) - left - 1.5);
    const words = `${row.title}: ${part.name}, ${share(value)}${removed ? ', subtracted' : ''}`;
    svg.append('rect').attr('class', removed ? 'removed' : `part ${part.key}`).attr('x', left).attr('y', y)
        .attr('width', length).attr('height', 30).append('title').text(words);
    const label = removed ? `${share(value)} subtracted` : share(value);
    if (label.length * 7.4 + 10 < length) {
      writeText(svg, left + length / 2, y + 20, label, removed ? 'small strong middle halo' : `middle inside ${part.key}`);
    }
    begin += value;
  }
}

function removedPlot(report) {
  const drawn = report.split && removedParts.every((part) => Number.isFinite(report.split[part.field]));
  const rows = drawn ? removedRows(report) : [];
  return {
    id: 'removed',
    title: 'What does each method take out of the activations?',
    finding: drawn ? removedFinding(report) : '',
    reading: 'A bar is all squared distances from the grand mean, split into what the tokens\u2019 means explain, what the channels\u2019 ' +
      'means explain, and the rest; hatched is what a method subtracts, and no later layer can have back.',
    absent: drawn ? null : 'the activations have no variance to split.',
    draw: (svg, width) => drawRemoved(svg, width, report, rows),
  };
}
