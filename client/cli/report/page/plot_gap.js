// The output gap between training and inference, by batch size and method.
'use strict';

function canBeShown(gap) {
  return gap && [gap.p50, gap.p99, gap.largest].every(Number.isFinite);
}

// The cells that have a gap, by batch size, in order of arrival.
function gapColumns(report) {
  return report.cells.filter((cell) => cell.order === arrival && !cell.withPadding)
      .sort((one, other) => (one.size || Infinity) - (other.size || Infinity))
      .filter((cell) => cell.methods.some((method) => canBeShown(method.gap)));
}

function gapFinding(report, columns) {
  const zero = [];
  const parts = [];
  for (const method of report.methods) {
    const gaps = columns.map((cell) => ({cell, gap: cell.methods[method.index].gap}))
        .filter(({gap}) => canBeShown(gap));
    if (!gaps.length) continue;
    if (gaps.every(({gap}) => gap.largest === 0)) zero.push(method);
    else parts.push(`Half of ${method.title}\u2019s tokens are off by up to ${gapRange(gaps)}.`);
  }
  if (zero.length) {
    const exactly = zero.every((method) => method.exact) ? ', exactly,' : '';
    parts.push(`${joined(zero.map((method) => `${method.title}\u2019s`))} gap is 0${exactly} for every token and batch size.`);
  }
  return parts.join(' ');
}

function gapRange(gaps) {
  const sized = gaps.filter(({cell}) => cell.size > 0);
  const shown = sized.length ? sized : gaps;
  const ends = shown.length > 1 ? [shown[0], shown[shown.length - 1]] : [shown[0]];
  return ends.map(({cell, gap}) => `${share(gap.p50)} in ${batchesInWords(cell)}`).join(', by up to ');
}

function drawGaps(svg, width, report, columns) {
  const legend = drawLegend(svg, width, report.methods.map((method) => ({
    name: method.title,
    draw: (group) => drawSymbol(group, methodSymbols[method.index % 6], 70, 12, 0, `gap ${methodClass(method.index)}`),
  })));
  const values = columns.flatMap((cell) => cell.methods.flatMap((method) => method.gap ? [method.gap.p50, method.gap.p99] : []));
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  const limit = report.verdict.thresholds.gap;
  const area = {left: 62, right: width - 4, top: legend + 36, bottom: legend + 300};
  const zeroPlace = area.bottom + 38;
  const low = (d3.min([...positive, limit || 0.1]) || 0.01) / 1.3;
  const high = (d3.max([...positive, limit || 0.1]) || 1) * 1.3;
  const y = d3.scaleLog([low, high], [area.bottom, area.top]);
  const x = d3.scaleBand(columns.map((_, index) => index), [area.left, area.right]);
  writeText(svg, 0, legend + 16, '\u2191 |y \u2212 y\u2032| / |y\u2032|: how far a token\u2019s output is off in training', 'small');
  drawHorizontalGrid(svg, y, logarithmicTicks(low, high), area.left, area.right, share);
  svg.append('rect').attr('class', 'zero-ground').attr('x', area.left).attr('y', zeroPlace - 17)
      .attr('width', area.right - area.left).attr('height', 34);
  writeText(svg, area.left - 6, zeroPlace - 3, '0,', 'tick end strong');
  writeText(svg, area.left - 6, zeroPlace + 11, 'exactly', 'tick end strong');
  if (limit) drawGapLimit(svg, area, y(limit), limit);
  columns.forEach((cell, index) => {
    drawGapColumn(svg, report, cell, x(index), x.bandwidth(), y, area, zeroPlace);
    const middle = x(index) + x.bandwidth() / 2;
    if (cell.size > 0) writeText(svg, middle, zeroPlace + 36, shortCount(cell.size), 'tick middle');
    else if (x.bandwidth() > 84) writeText(svg, middle, zeroPlace + 36, 'as they came', 'tick middle');
    else ['as', 'they', 'came'].forEach((word, line) => writeText(svg, middle, zeroPlace + 32 + 12 * line, word, 'tick middle'));
  });
  writeText(svg, area.left, zeroPlace + 58, 'tokens in a batch, in order of arrival', 'small');
  return zeroPlace + 66;
}

function drawGapLimit(svg, area, place, limit) {
  svg.append('line').attr('class', 'limit').attr('x1', area.left).attr('x2', area.right).attr('y1', place).attr('y2', place);
  writeText(svg, area.left + 4, place - 6, `${share(limit)}, the verdict\u2019s limit for all tokens together`, 'small halo');
}

function drawGapColumn(svg, report, cell, left, width, y, area, zeroPlace) {
  const step = Math.min(26, width / (report.methods.length + 0.6));
  report.methods.forEach((method) => {
    const place = left + width / 2 + (method.index - (report.methods.length - 1) / 2) * step;
    const found = cell.methods[method.index];
    if (!found.gap) {
      if (method.keepsStatistics && cell.meanSize === 1) {
        svg.append('text').attr('class', 'note').attr('transform', `translate(${place + 4},${area.bottom - 8}) rotate(-90)`)
            .text('refused');
      }
      return;
    }
    if (canBeShown(found.gap)) drawGap(svg, method, found.gap, cell, place, y, zeroPlace);
  });
}

function drawGap(svg, method, gap, cell, x, y, zeroPlace) {
  const words = `${method.title}, ${batchesInWords(cell)}: p50 ${share(gap.p50)}, p99 ${share(gap.p99)}, ` +
    `largest ${share(gap.largest)}`;
  const symbol = methodSymbols[method.index % 6];
  const placeOf = (value) => value > 0 ? y(value) : zeroPlace;
  const own = methodClass(method.index);
  if (gap.p99 > 0) {
    svg.append('line').attr('class', `span ${own}`).attr('x1', x).attr('x2', x).attr('y1', placeOf(gap.p99)).attr('y2', placeOf(gap.p50));
    drawSymbol(svg, symbol, 62, x, placeOf(gap.p99), `gap open ${own}`, words);
  }
  drawSymbol(svg, symbol, 82, x, placeOf(gap.p50), `gap ${own}`, words);
}

function gapPlot(report) {
  const columns = gapColumns(report);
  return {
    id: 'gap',
    title: 'How far are outputs off between training and inference?',
    finding: columns.length ? gapFinding(report, columns) : '',
    reading: 'The filled mark is the gap that half of the tokens stay below, the open one what 99\u202f% stay below; the axis is ' +
      'logarithmic, and a gap of exactly 0 has a place of its own beneath it.',
    absent: columns.length ? null : 'no cell has an output gap.',
    draw: (svg, width) => drawGaps(svg, width, report, columns),
  };
}
