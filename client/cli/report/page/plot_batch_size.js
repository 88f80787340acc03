// Discrepancy against batch size, both logarithmic, beside the line of independent tokens.
'use strict';

const orderSymbols = {
  BATCH_ORDER_ARRIVAL: d3.symbolCircle,
  BATCH_ORDER_SHUFFLED: d3.symbolSquare,
  BATCH_ORDER_BY_SEQUENCE: d3.symbolTriangle,
  BATCH_ORDER_BY_POSITION: d3.symbolDiamond,
};

function orderClass(order) {
  return order.replace('BATCH_ORDER_', 'order-').replace('_', '-').toLowerCase();
}

// One for each order that has cells: its points by batch size, `whole` for batches as they came.
function orderCurves(report, method) {
  const curves = [];
  for (const order of Object.keys(orders)) {
    const points = report.cells.filter((cell) => cell.order === order && !cell.withPadding)
        .map((cell) => ({cell, found: finalMean(cell, method)}))
        .filter(({cell, found}) => found && found.measured.value > 0 && cell.meanSize > 0 &&
          Number.isFinite(found.measured.value) && Number.isFinite(cell.meanSize))
        .sort((one, other) => one.cell.meanSize - other.cell.meanSize);
    if (points.length) {
      curves.push({order, points, sized: points.filter(({cell}) => cell.size > 0)});
    }
  }
  return curves;
}

function independent(size) {
  return Math.sqrt(2 / (Math.PI * size));
}

function cellInWords(cell) {
  return cell.size > 0 ? `${batchesInWords(cell)} ${orders[cell.order].name}` : batchesInWords(cell);
}

function batchSizeFinding(report, method, curves) {
  const cell = cellInUse(report);
  const found = finalMean(cell, method);
  const parts = [];
  if (found) {
    parts.push(`${capitalized(cellInWords(cell))} miss the mean of all tokens by ` +
      `${figure(found.measured.value)} standard deviations`);
    if (found.ratio) parts.push(`, ${times(found.ratio.value)} chance`);
    if (Number.isFinite(cell.effectiveSize)) parts.push(`, as ${plural(Math.round(cell.effectiveSize), 'independent token')} would`);
    parts.push('. ');
  }
  const limit = report.verdict.thresholds.gap;
  if (limit === null) return parts.join('');
  const passing = curves.filter((curve) => [arrival, 'BATCH_ORDER_SHUFFLED'].includes(curve.order)).map(({order, sized}) => {
    const first = sized.find(({cell: {methods}}) => methods[method.index].gap && methods[method.index].gap.overall <= limit);
    return `${first ? `${plural(first.cell.size, 'token')} a batch` : 'more than any size here'} ${orders[order].name}`;
  });
  return `${parts.join('')}An output gap of at most ${share(limit)} takes ${joined(passing)}.`;
}

function pointInWords({cell, found}) {
  const parts = [`${batchesInWords(cell)}, ${orders[cell.order].name}: ${figure(found.measured.value)}`];
  const range = interval(found.measured, figure);
  if (range) parts.push(`95\u202f% interval ${range}`);
  if (found.floor !== null) parts.push(`chance ${figure(found.floor)}`);
  if (found.ratio) parts.push(`${times(found.ratio.value)} chance`);
  return parts.join('; ');
}

function drawPoint(svg, x, y, point, order) {
  const {cell, found} = point;
  const {value, low, high} = found.measured;
  if (hasInterval(found.measured) && low > 0 && high >= low) {
    svg.append('line').attr('class', `whisker ${orderClass(order)}`).attr('x1', x(cell.meanSize)).attr('x2', x(cell.meanSize))
        .attr('y1', y(low)).attr('y2', y(high));
  }
  const open = cell.size === 0 ? ' open' : '';
  drawSymbol(svg, orderSymbols[order], order === arrival ? 72 : 52, x(cell.meanSize), y(value),
      `point ${orderClass(order)}${open}`, pointInWords(point));
}

function drawBatchSizes(svg, width, report, curves) {
  const wide = width >= 600;
  const points = curves.flatMap((curve) => curve.points);
  const legend = wide ? 0 : drawLegend(svg, width, curves.map((curve) => ({
    name: orders[curve.order].name,
    draw: (group) => {
      group.append('line').attr('class', `curve ${orderClass(curve.order)}`).attr('x1', 0).attr('x2', 24);
      drawSymbol(group, orderSymbols[curve.order], 52, 12, 0, `point ${orderClass(curve.order)}`);
    },
  })));
  const area = {left: 44, right: width - (wide ? 150 : 10), top: legend + 34, bottom: legend + (wide ? 404 : 344)};
  const sizes = [...new Set(points.map(({cell}) => cell.meanSize))].sort(d3.ascending);
  const first = sizes[0] / 1.3;
  const last = sizes[sizes.length - 1] * 1.3;
  const values = points.flatMap(({cell, found}) =>
    [found.measured.value, found.measured.low, found.measured.high, found.floor, independent(cell.meanSize)]).filter((value) => value > 0 && Number.isFinite(value));
  const x = d3.scaleLog([first, last], [area.left, area.right]);
  const y = d3.scaleLog([d3.min(values) / 1.2, d3.max(values) * 1.2], [area.bottom, area.top]);
  writeText(svg, 0, legend + 14, '\u2191 off the mean of all tokens, in standard deviations', 'small');
  drawHorizontalGrid(svg, y, logarithmicTicks(...y.domain()), area.left, area.right, figure);
  drawHorizontalAxis(svg, x, apartTicks(points, x), area.bottom, shortCount);
  writeText(svg, area.right, area.bottom + 38, 'tokens in a batch \u2192', 'small end');

  svg.append('line').attr('class', 'floor').attr('x1', x(first)).attr('x2', x(last))
      .attr('y1', y(independent(first))).attr('y2', Math.min(area.bottom, y(independent(last))));
  const floors = new Map(points.filter(({found}) => found.floor > 0 && Number.isFinite(found.floor)).map(({cell, found}) => [cell.meanSize, found.floor]));
  for (const [size, floor] of floors) {
    svg.append('line').attr('class', 'chance').attr('x1', x(size) - 7).attr('x2', x(size) + 7).attr('y1', y(floor)).attr('y2', y(floor))
        .append('title').text(`chance for ${figure(size)} tokens: ${figure(floor)}`);
  }
  for (const curve of [...curves].reverse()) {
    svg.append('path').attr('class', `curve ${orderClass(curve.order)}`).attr('d', linePath(curve.sized, ({cell}) => x(cell.meanSize), ({found}) => y(found.measured.value)));
    for (const point of curve.points) drawPoint(svg, x, y, point, curve.order);
  }
  const slope = Math.atan2(y(independent(4)) - y(independent(1)), x(4) - x(1)) * 180 / Math.PI;
  const middle = Math.sqrt(first * last);
  svg.append('text').attr('class', 'small middle halo').text('chance, 1/\u221an')
      .attr('transform', `translate(${x(middle)},${y(independent(middle))}) rotate(${slope}) translate(0,18)`);
  if (wide) labelCurves(svg, curves, x, y, area);
  return area.bottom + 46;
}

// The plan's sizes, then those of batches as they came, as far as their labels do not touch.
function apartTicks(points, x) {
  const ordered = [...points].sort((one, other) => (one.cell.size === 0) - (other.cell.size === 0));
  const kept = [];
  for (const {cell} of ordered) {
    const size = Math.round(cell.meanSize);
    if (kept.every((other) => Math.abs(x(size) - x(other)) > 26)) kept.push(size);
  }
  return kept;
}

function labelCurves(svg, curves, x, y, area) {
  const labels = curves.map((curve) => {
    const end = (curve.sized.length ? curve.sized : curve.points).slice(-1)[0];
    return {x: x(end.cell.meanSize), y: y(end.found.measured.value), words: orders[curve.order].name, order: curve.order};
  });
  spreadLabels(labels, 18, area.top, area.bottom);
  for (const label of labels) {
    svg.append('line').attr('class', 'leader').attr('x1', label.x + 7).attr('y1', label.y)
        .attr('x2', area.right + 16).attr('y2', label.place);
    drawSymbol(svg, orderSymbols[label.order], 52, area.right + 24, label.place, `point ${orderClass(label.order)}`);
    writeText(svg, area.right + 34, label.place + 4, label.words, 'label');
  }
}

function batchSizePlot(report) {
  const method = methodInUse(report);
  const curves = method ? orderCurves(report, method) : [];
  const noPoint = method ? 'there is no batch to compare.' : noBatchMethod;
  return {
    id: 'batch-size',
    title: 'How large must a batch be?',
    finding: curves.length ? batchSizeFinding(report, method, curves) : '',
    reading: 'Each curve batches the same tokens in another order. On the dashed line means scatter as those of ' +
      'independent tokens; from a mark above it, go left to the line to read how many independent tokens the batch is worth. ' +
      'Short ticks are chance in a stream of this length, and open marks are batches as they came.',
    absent: curves.length ? null : noPoint,
    draw: (svg, width) => drawBatchSizes(svg, width, report, curves),
  };
}
