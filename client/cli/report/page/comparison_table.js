// The article's table of properties, filled with what was measured.
'use strict';

const refused = () => withNote('refused', 'a single value is its own mean');

function gapInWords(gap, note) {
  if (gap.largest === 0 && gap.p99 === 0) return withNote('0, exactly', '');
  return withNote(`${share(gap.p50)} / ${share(gap.p99)}`, note);
}

function statisticsOf(method) {
  if (method.keepsStatistics) {
    return withNote('the batch', 'in training; in inference, what training saw');
  }
  return method.exact ? withNote('the token itself', 'nothing else enters') : withNote('what is sent together', '');
}

function agreementOf(report, method, cell) {
  if (method.exact) return withNote('exactly', 'gap 0 for every token, compared bit by bit');
  const gap = cell && cell.methods[method.index].gap;
  if (!gap) return notMeasured;
  return withNote(`off by ${share(gap.p50)} / ${share(gap.p99)}`, batchesInWords(cell));
}

function cellGap(report, method, order, size) {
  const cell = findCell(report, order, size);
  if (!cell) return notMeasured;
  const found = cell.methods[method.index];
  if (!found.gap) return cell.meanSize === 1 && method.keepsStatistics ? refused() : notMeasured;
  const discrepancy = finalMean(cell, method);
  const ratio = discrepancy && discrepancy.ratio;
  return gapInWords(found.gap, ratio ? `means ${times(ratio.value)} chance` : '');
}

function matesOf(method, cell) {
  const found = cell && cell.methods[method.index].mates;
  if (!found) return notMeasured;
  if (found.value === 0) return withNote('cannot be seen', 'same output whatever the mates');
  return withNote(`${share(found.value)} of the output`, interval(found, share));
}

function paddingOf(report, method) {
  if (!report.padding) return withNote('not in this data', '');
  if (method.paddingGap === null) return method.exact ? withNote('0, exactly', 'padding is another token') : notMeasured;
  return withNote(`${share(method.paddingGap)} off`, `with ${share(report.padding.padded_share)} padding in the batch`);
}

function coldStartOf(method) {
  if (!method.keepsStatistics) return withNote('none', 'ready at the first token');
  if (!method.coldStart) return notMeasured;
  if (method.coldStart.tokens === null) return withNote('longer than the stream', 'never stayed within 10\u202f%');
  return withNote(plural(method.coldStart.tokens, 'token'), 'until statistics stay within 10\u202f%');
}

function driftOf(report, method) {
  if (!method.keepsStatistics) return withNote('cannot matter', 'no statistics that could age');
  if (!report.drift) return notMeasured;
  return withNote(`${figure(report.drift.excess)} standard deviations`, 'first to last quarter, beyond chance');
}

function removedBy(report, method) {
  if (method.unknown || !report.split) return notMeasured;
  const {split} = report;
  const parts = [];
  if (method.centers === 'token') parts.push(`${method.byGroup ? 'at least ' : ''}tokens\u2019 means, ${share(split.token_share)}`);
  if (method.centers === 'channel') parts.push(`channels\u2019 means, ${share(split.channel_share)}`);
  const note = {
    token: `and the tokens\u2019 scale, which varies by ${share(split.token_scale_variation)}`,
    channel: `and the channels\u2019 scale, which varies by ${share(split.channel_scale_variation)}`,
  }[method.scales];
  if (!parts.length) return withNote(note ? note.replace('and ', '') : 'nothing of the kind', '');
  return withNote(parts.join(), note || '');
}

function costOf(method) {
  const state = method.stateBytes ? `${bytes(method.stateBytes)} of state` : 'no state';
  return withNote(method.nanoseconds ? `${figure(method.nanoseconds)} ns a token` : notMeasured, state);
}

// Rows: [label, what the cell of a method holds].
function comparisonRows(report) {
  const inUse = cellInUse(report);
  const rows = [
    ['Statistics come from', statisticsOf],
    ['Training and inference agree', (method) => agreementOf(report, method, inUse)],
  ];
  const gapRow = (label, order, size) => {
    if (findCell(report, order, size)) rows.push([label, (method) => cellGap(report, method, order, size)]);
  };
  gapRow('One token at a time', arrival, 1);
  for (const size of [2, 32, 128]) gapRow(`Batches of ${size}`, arrival, size);
  gapRow('Batches as they came', arrival, 0);
  gapRow('One sequence a batch', 'BATCH_ORDER_BY_SEQUENCE', 0);
  rows.push(
    ['Padding among the tokens', (method) => paddingOf(report, method)],
    ['The mates in the batch move a token\u2019s output', (method) => matesOf(method, inUse)],
    ['Cold start', coldStartOf],
    ['Drift', (method) => driftOf(report, method)],
    ['What it removes, of all sums of squares', (method) => removedBy(report, method)],
    ['Cost', costOf]);
  return rows;
}

function showComparisonTable(section, report) {
  section.append(element('h2', {id: 'table-title'}, 'The methods on this data'));
  const heads = ['', ...report.methods.map((method) => method.title)];
  const rows = comparisonRows(report).map(([label, cell]) => [label, ...report.methods.map(cell)]);
  const caption = 'Every cell is measured on this stream, in order of arrival where nothing else is said. Output gaps are ' +
    'p50 / p99: half of the tokens, and 99\u202f% of them, are off by less between training and inference; the verdict goes by all together.';
  const table = dataTable(caption, heads, rows);
  table.classList.add('comparison');
  section.append(table);
}
