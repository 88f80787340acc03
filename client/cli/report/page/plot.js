// What all plots share: the frame with its words, axes, marks of methods, labels.
'use strict';

const drawings = [];

// plot: {id, title, finding, reading, label, absent, draw}. draw(svg, width) returns the height; `absent`
// says why there is nothing to draw.
function addFigure(parent, plot) {
  const figureElement = element('figure', {id: plot.id, class: plot.absent ? 'without-data' : 'plot'});
  figureElement.append(element('h3', {}, plot.title));
  if (plot.absent) {
    figureElement.append(element('p', {class: 'absent'}, `Not drawn: ${plot.absent}`));
    parent.append(figureElement);
    return;
  }
  if (plot.finding) figureElement.append(element('p', {class: 'finding'}, plot.finding));
  const holder = element('div', {class: 'drawing'});
  figureElement.append(holder, element('figcaption', {}, element('b', {}, 'How to read it. '), plot.reading));
  parent.append(figureElement);
  drawings.push({holder, plot, width: 0});
}

// To the width that there is, or to the given one.
function redraw(given) {
  for (const drawing of drawings) {
    const width = given || Math.max(260, Math.floor(drawing.holder.clientWidth));
    if (width === drawing.width) continue;
    drawing.width = width;
    const svg = d3.create('svg').attr('role', 'img')
        .attr('aria-label', drawing.plot.label || `${drawing.plot.title}. ${drawing.plot.finding}`);
    const height = Math.ceil(drawing.plot.draw(svg, width));
    svg.attr('viewBox', `0 0 ${width} ${height}`).attr('width', width).attr('height', height);
    drawing.holder.replaceChildren(svg.node());
  }
}

function writeText(parent, x, y, words, classes) {
  return parent.append('text').attr('x', x).attr('y', y).attr('class', classes || '').text(words);
}

// Lines of at most so many letters.
function wrapped(words, letters) {
  const lines = [''];
  for (const word of words.split(' ')) {
    const last = lines[lines.length - 1];
    if (last && last.length + word.length + 1 > letters) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines;
}

function drawHorizontalGrid(svg, scale, ticks, left, right, format) {
  for (const tick of ticks) {
    const y = scale(tick);
    svg.append('line').attr('class', 'grid').attr('x1', left).attr('x2', right).attr('y1', y).attr('y2', y);
    writeText(svg, left - 6, y + 4, format(tick), 'tick end');
  }
}

function drawHorizontalAxis(svg, scale, ticks, y, format) {
  const [left, right] = scale.range();
  svg.append('line').attr('class', 'axis').attr('x1', left).attr('x2', right).attr('y1', y).attr('y2', y);
  for (const tick of ticks) {
    const x = scale(tick);
    svg.append('line').attr('class', 'axis').attr('x1', x).attr('x2', x).attr('y1', y).attr('y2', y + 5);
    const words = format(tick);
    writeText(svg, x, y + 18, words, x + 4 * words.length > right + 8 ? 'tick end' : 'tick middle');
  }
}

function shortCount(value) {
  if (value >= 1e6) return `${figure(value / 1e6)}M`;
  return value >= 1e4 ? `${figure(value / 1e3)}k` : count(value);
}

// Ticks of a logarithmic axis: 1, 2 and 5 of each power of ten.
function logarithmicTicks(low, high) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); ++power) {
    for (const digit of [1, 2, 5]) {
      const tick = Number(`${digit}e${power}`);
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  return ticks.length > 9 ? ticks.filter((tick) => /^1|^0\.0*1$/.test(String(tick))) : ticks;
}

// Moves labels apart so that none lies on another; each has y, and gets `place`.
function spreadLabels(labels, distance, top, bottom) {
  const sorted = [...labels].sort((one, other) => one.y - other.y);
  sorted.forEach((label, index) => {
    label.place = Math.max(label.y, index ? sorted[index - 1].place + distance : top);
  });
  for (let index = sorted.length - 1, limit = bottom; index >= 0; --index, limit -= distance) {
    sorted[index].place = Math.min(sorted[index].place, limit);
    limit = sorted[index].place;
  }
}

const methodSymbols = [d3.symbolCircle, d3.symbolSquare, d3.symbolTriangle, d3.symbolDiamond, d3.symbolWye, d3.symbolStar];

function methodClass(index) {
  return `method-${index % 6}`;
}

function symbolPath(type, size) {
  return d3.symbol().type(type).size(size)();
}

function linePath(points, x, y) {
  return d3.line().x(x).y(y)(points);
}

function areaPath(points, x, y0, y1) {
  return d3.area().x(x).y0(y0).y1(y1)(points);
}

function drawSymbol(parent, type, size, x, y, classes, words) {
  const mark = parent.append('path').attr('class', classes).attr('d', symbolPath(type, size))
      .attr('transform', `translate(${x},${y})`);
  if (words) mark.append('title').text(words);
  return mark;
}

// A row of symbols with their names, wrapped to the width; returns its height. entries: {name, draw(group)},
// which draws around (12, 0).
function drawLegend(svg, width, entries) {
  let x = 0;
  let y = 10;
  for (const entry of entries) {
    const length = 30 + 7.2 * entry.name.length;
    if (x > 0 && x + length > width) {
      x = 0;
      y += 20;
    }
    const group = svg.append('g').attr('transform', `translate(${x},${y})`);
    entry.draw(group);
    writeText(group, 28, 4, entry.name, 'small');
    x += length + 10;
  }
  return y + 14;
}

const noBatchMethod = 'none of the methods takes its statistics from batches.';
