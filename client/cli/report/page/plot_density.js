// Densities of outputs in training and in inference: a panel for each method and batch size.
'use strict';

function densityPanels(report) {
  const sizes = [...new Set(report.plots.densities.map((density) => density.batch_size))].sort(d3.descending);
  const panels = [];
  for (const size of sizes) {
    for (const method of report.methods) {
      const own = report.plots.densities.filter((density) => density.method === method.index);
      const training = own.find((density) => density.training && density.batch_size === size);
      const inference = own.find((density) => !density.training && density.batch_size === size) ||
        own.find((density) => !density.training);
      if (training || inference) panels.push({method, size, training, inference});
    }
  }
  return panels;
}

// The share of outputs that lie elsewhere: half the sum of the bins' differences.
function densityDifference({training, inference}) {
  if (!training || !inference || training.shares.length !== inference.shares.length) return null;
  if (training.low !== inference.low || training.high !== inference.high) return null;
  return d3.sum(training.shares, (value, bin) => Math.abs(value - inference.shares[bin])) / 2;
}

function densityFinding(panels) {
  const parts = [];
  const alike = [];
  for (const method of new Set(panels.map((panel) => panel.method))) {
    const differences = panels.filter((panel) => panel.method === method)
        .map((panel) => ({panel, difference: densityDifference(panel)})).filter(({difference}) => difference !== null);
    if (!differences.length) continue;
    if (differences.every(({difference}) => difference === 0)) alike.push(`${method.title}\u2019s`);
    else parts.push(joined(differences.map((found, index) => differenceInWords(found, index ? '' : ` of ${method.title}\u2019s outputs`))));
  }
  const moved = parts.length ? `Between training and inference, ${parts.join('; ')} come to lie elsewhere.` : '';
  return alike.length ? `${moved} ${capitalized(joined(alike))} are distributed alike in both.`.trim() : moved;
}

function differenceInWords({panel, difference}, whose) {
  return `${share(difference)}${whose} in ${panel.size ? `batches of ${count(panel.size)}` : 'batches as they came'}`;
}

function stepLine(density, x, y) {
  const width = (density.high - density.low) / density.shares.length;
  const corners = density.shares.flatMap((value, bin) =>
    [[density.low + bin * width, value], [density.low + (bin + 1) * width, value]]);
  return {
    line: linePath(corners, (corner) => x(corner[0]), (corner) => y(corner[1])),
    area: areaPath(corners, (corner) => x(corner[0]), y(0), (corner) => y(corner[1])),
  };
}

function drawDensityPanel(group, width, panel, highest, domain) {
  const area = {left: 9, right: width - 9, top: 52, bottom: 152};
  const x = d3.scaleLinear(domain, [area.left, area.right]);
  const y = d3.scaleLinear([0, highest], [area.bottom, area.top]).clamp(true);
  writeText(group, 0, 14, panel.method.title, 'label strong');
  writeText(group, 0, 31, `${width < 200 ? 'n =' : 'batches of'} ${count(panel.size)}`, 'small');
  const difference = densityDifference(panel);
  if (difference !== null) {
    writeText(group, width, 31, difference === 0 ? 'alike' : `${share(difference)} elsewhere`,
        difference === 0 ? 'small end' : 'small strong end');
  }
  drawHorizontalAxis(group, x, x.ticks(5), area.bottom, figure);
  if (panel.training) {
    const step = stepLine(panel.training, x, y);
    group.append('path').attr('class', `density ${methodClass(panel.method.index)}`).attr('d', step.area)
        .append('title').text(`${panel.method.title} in training`);
    nameCutBins(group, panel.training, x, highest, area.top);
  }
  if (panel.inference) {
    group.append('path').attr('class', 'density-inference').attr('d', stepLine(panel.inference, x, y).line)
        .append('title').text(`${panel.method.title} in inference`);
  }
}

// Bins that reach above the panel say how much they hold.
function nameCutBins(group, density, x, highest, top) {
  const width = (density.high - density.low) / density.shares.length;
  let freeFrom = -Infinity;
  density.shares.forEach((value, bin) => {
    if (value <= highest || density.shares[bin - 1] > value || density.shares[bin + 1] >= value) return;
    const place = x(density.low + (bin + 0.5) * width);
    if (place - 20 < freeFrom) return;
    freeFrom = place + 20;
    writeText(group, place, top - 4, `\u2191${share(value)}`, 'note middle');
  });
}

// Panels of one batch size share their scale; bins far above what occurs in inference are cut.
function highestDrawn(panels, size) {
  const own = panels.filter((panel) => panel.size === size);
  const highest = d3.max(own.flatMap((panel) => [panel.training, panel.inference]).filter(Boolean), (density) => d3.max(density.shares));
  const peak = d3.max(own, (panel) => d3.max((panel.inference || panel.training).shares));
  return Math.min(highest, 2 * peak) * 1.04 || 1;
}

function drawDensities(svg, width, report, panels) {
  const legend = drawLegend(svg, width, [
    {name: 'in training, by its batch', draw: (group) => group.append('rect').attr('class', 'density method-0')
        .attr('x', 2).attr('y', -6).attr('width', 20).attr('height', 12)},
    {name: 'in inference', draw: (group) => group.append('line').attr('class', 'density-inference').attr('x1', 2).attr('x2', 22)},
  ]);
  const methods = new Set(panels.map((panel) => panel.method.index)).size;
  const columns = Math.max(1, Math.min(methods, Math.floor(width / 165)));
  const gap = 30;
  const panelWidth = (width - gap * (columns - 1)) / columns;
  const densities = panels.flatMap((panel) => [panel.training, panel.inference]).filter(Boolean);
  const domain = [d3.min(densities, (density) => density.low), d3.max(densities, (density) => density.high)];
  // Where not all methods stand side by side, a method's batch sizes stay together.
  const placed = columns === methods ? panels : [...panels].sort((one, other) => one.method.index - other.method.index);
  placed.forEach((panel, index) => {
    const place = [(index % columns) * (panelWidth + gap), legend + 8 + Math.floor(index / columns) * 196];
    const group = svg.append('g').attr('transform', `translate(${place})`);
    drawDensityPanel(group, panelWidth, panel, highestDrawn(panels, panel.size), domain);
  });
  return legend + Math.ceil(panels.length / columns) * 196;
}

function densityPlot(report) {
  const panels = densityPanels(report);
  return {
    id: 'density',
    title: 'Do outputs look the same in training and in inference?',
    finding: densityFinding(panels),
    reading: 'Filled is how often each output occurs in training, the line how often in inference; ' +
      'where they part, a model is used on other inputs than it learned from. Panels of one batch size ' +
      'share their scale, the outermost bins hold all that lies beyond, and an arrow names the share of a bin that is cut.',
    absent: panels.length ? null : 'there is no batch of 2 tokens.',
    draw: (svg, width) => drawDensities(svg, width, report, panels),
  };
}
