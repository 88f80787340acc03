// One token's output among different batch-mates.
'use strict';

function matesRows(report) {
  return report.plots.mates
      .map((entry) => ({...entry, outputs: entry.outputs.filter(Number.isFinite), described: report.methods[entry.method]}))
      .filter((entry) => entry.outputs.length && entry.described)
      .sort((one, other) => one.method - other.method || one.batch_size - other.batch_size || one.channel - other.channel);
}

function matesFinding(rows) {
  const spreads = [...new Set(rows.map((row) => row.method))].map((method) => widestRow(rows.filter((row) => row.method === method)));
  const steady = spreads.filter((spread) => spread.low === spread.high).map((spread) => spread.row.described.title);
  const parts = spreads.filter((spread) => spread.low !== spread.high).map(({row, low, high}) =>
    `${row.described.title} gives from ${figure(low)} to ${figure(high)} with ${plural(row.outputs.length, 'set')} of mates in batches of ${count(row.batch_size)}`);
  if (steady.length) parts.push(`${joined(steady)} ${steady.length > 1 ? 'give' : 'gives'} one output, whatever the mates`);
  return `For the same token, ${parts.join('; ')}.`;
}

function widestRow(rows) {
  const spreads = rows.map((row) => {
    const [low, high] = d3.extent(row.outputs);
    return {row, low, high};
  });
  return spreads.sort((one, other) => (other.high - other.low) - (one.high - one.low))[0];
}

function drawMates(svg, width, rows) {
  const left = 64;
  const right = width - (width >= 560 ? 156 : 16);
  const [low, high] = d3.extent(rows.flatMap((row) => row.outputs));
  const margin = (high - low) * 0.06 || 1;
  const x = d3.scaleLinear([low - margin, high + margin], [left, right]).nice(10);
  let y = 0;
  const places = rows.map((row, index) => {
    const begins = index === 0 || rows[index - 1].method !== row.method;
    y += begins ? 54 : 30;
    return {row, y, begins};
  });
  const bottom = y + 22;
  for (const tick of x.ticks(width >= 560 ? 7 : 5)) {
    svg.append('line').attr('class', 'grid').attr('x1', x(tick)).attr('x2', x(tick)).attr('y1', 28).attr('y2', bottom);
  }
  for (const {row, y: place, begins} of places) {
    if (begins) writeText(svg, 0, place - 22, row.described.title, 'label strong halo');
    drawMatesRow(svg, width, x, row, place, left, right);
  }
  drawHorizontalAxis(svg, x, x.ticks(width >= 560 ? 7 : 5), bottom, figure);
  writeText(svg, right, bottom + 38, `output of the token, in channel ${rows[0].channel} \u2192`, 'small end');
  return bottom + 46;
}

function drawMatesRow(svg, width, x, row, y, left, right) {
  const [low, high] = d3.extent(row.outputs);
  writeText(svg, left - 10, y + 4, `n = ${count(row.batch_size)}`, 'tick end');
  svg.append('line').attr('class', 'rail').attr('x1', left).attr('x2', right).attr('y1', y).attr('y2', y);
  svg.append('line').attr('class', `span ${methodClass(row.method)}`).attr('x1', x(low)).attr('x2', Math.max(x(high), x(low) + 0.5))
      .attr('y1', y).attr('y2', y);
  row.outputs.forEach((output, index) => {
    drawSymbol(svg, methodSymbols[row.method % 6], 70, x(output), y, `mate ${methodClass(row.method)}`,
        `${row.described.title}, ${index + 1} of ${row.outputs.length} batches of ${count(row.batch_size)}, channel ${row.channel}: ${figure(output)}`);
  });
  if (width >= 560) {
    const words = low === high ? `${row.outputs.length} batches, one output` : `${figure(high - low)} wide`;
    writeText(svg, right + 10, y + 4, words, low === high ? 'small strong' : 'small');
  }
}

function matesPlot(report) {
  const rows = matesRows(report);
  return {
    id: 'mates',
    title: 'Does a token\u2019s output depend on who shares its batch?',
    finding: rows.length ? matesFinding(rows) : '',
    reading: 'Every mark is the output of the same token in one channel, in a batch with other, random mates; ' +
      'what the method should make of the token is one place, so the width of a row is what the mates decide.',
    absent: rows.length ? null : 'there are too few tokens to draw other batches from.',
    draw: (svg, width) => drawMates(svg, width, rows),
  };
}
