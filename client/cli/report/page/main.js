// Reads the report and shows it.
'use strict';

function showWhat(report) {
  const parts = [plural(report.tokens, 'token')];
  if (report.channels && report.channels.count) parts.push(`of ${plural(report.channels.count, 'channel')}`);
  if (report.sequences) parts.push(`in ${plural(report.sequences, 'sequence')}`);
  const names = joined(report.methods.map((method) => method.title));
  document.getElementById('what').textContent = `${parts.join(' ')} \u00b7 ${names}. A token is what is normalized, ` +
    'one value of every channel (feature).';
}

function showPlots(section, report) {
  section.append(element('h2', {}, 'What it looks like'));
  for (const plot of [timePlot, batchSizePlot, densityPlot, channelsPlot, matesPlot, removedPlot, gapPlot]) {
    addFigure(section, plot(report));
  }
}

const paperWidth = 680;

// On paper nothing is folded, and plots have its width whatever the screen's.
function prepareForPaper() {
  let closed = [];
  window.addEventListener('beforeprint', () => {
    closed = [...document.querySelectorAll('main details:not([open])')];
    for (const details of closed) details.open = true;
    redraw(paperWidth);
  });
  window.addEventListener('afterprint', () => {
    for (const details of closed) details.open = false;
    redraw();
  });
}

function showReport() {
  const report = readReport(JSON.parse(document.getElementById('report').textContent));
  showWhat(report);
  showVerdict(document.getElementById('verdict'), report);
  showComparisonTable(document.getElementById('table'), report);
  showPlots(document.getElementById('plots'), report);
  showDetails(document.getElementById('details'), report);
  redraw();
  prepareForPaper();
  let waiting = 0;
  window.addEventListener('resize', () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => redraw());
  });
}

showReport();
