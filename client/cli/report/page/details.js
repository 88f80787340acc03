// Everything else that was measured, as tables, and what the words mean.
'use strict';

function estimateCell(found, limit) {
  if (!found) return notMeasured;
  const cell = withNote(tabular(found.measured.value), interval(found.measured, tabular));
  if (found.floor === null) return cell;
  const chance = found.ratio ? `${times(found.ratio.value)} chance, ${tabular(found.floor)}` : `chance ${tabular(found.floor)}`;
  const beyond = found.ratio && limit && found.ratio.value > limit;
  cell.append(element('small', {class: beyond ? 'ratio beyond' : 'ratio'}, chance));
  return cell;
}

// m_B and the like with the letter below the line.
function formula(words) {
  const parts = words.split(/_([A-Z])/);
  return parts.map((part, index) => index % 2 ? element('sub', {}, part) : part);
}

function rowHead(cell) {
  const notes = [];
  if (cell.size === 0) notes.push(`${figure(cell.meanSize)} tokens on average`);
  if (cell.withPadding) notes.push('with padding');
  return notes.length ? withNote(sizeInWords(cell), notes.join(', ')) : sizeInWords(cell);
}

function cellsOf(report, order) {
  return report.cells.filter((cell) => cell.order === order)
      .sort((one, other) => one.withPadding - other.withPadding || (one.size || Infinity) - (other.size || Infinity));
}

function gapFigures(gap) {
  return gap.largest === 0 ? '0, exactly' : `${share(gap.p50)} / ${share(gap.p99)} / ${share(gap.largest)}`;
}

function matesFigure(mates) {
  return mates.value === 0 ? '0' : withNote(share(mates.value), interval(mates, share));
}

function batchesTable(report, order) {
  const heads = ['Tokens in a batch', 'Batches', 'Worth independent tokens'];
  for (const method of report.methods) heads.push(`${method.title}: gap p50 / p99 / largest`, `${method.title}: moved by mates`);
  const rows = cellsOf(report, order).map((cell) => [
    rowHead(cell), count(cell.batches), cell.effectiveSize === null ? notMeasured : figure(cell.effectiveSize),
    ...report.methods.flatMap((method) => {
      const {gap, mates} = cell.methods[method.index];
      return [
        gap ? gapFigures(gap) : notMeasured,
        mates ? matesFigure(mates) : notMeasured,
      ];
    }),
  ]);
  const sampled = cellsOf(report, order).some((cell) => cell.fromSample);
  const caption = element('span', {}, element('strong', {}, capitalized(orders[order].name)), sampled ? ', tokens of the sample' : '');
  return dataTable(caption, heads, rows);
}

// Rows are batch sizes, columns orders.
function discrepancyTable(report, method, name) {
  const form = discrepancyForms[name];
  const shown = Object.keys(orders).filter((order) => cellsOf(report, order).length);
  const keys = [];
  for (const order of shown) {
    for (const cell of cellsOf(report, order)) {
      const key = `${cell.size} ${cell.withPadding}`;
      if (!keys.some((known) => known.key === key)) keys.push({key, cell});
    }
  }
  keys.sort((one, other) => one.cell.withPadding - other.cell.withPadding || (one.cell.size || Infinity) - (other.cell.size || Infinity));
  const rows = keys.map(({cell}) => {
    const head = cell.size > 0 ? count(cell.size) : 'whole, or as they came';
    return [cell.withPadding ? withNote(head, 'with padding') : head, ...shown.map((order) => {
      const own = cellsOf(report, order).find((one) => one.size === cell.size && one.withPadding === cell.withPadding);
      const found = own && own.methods[method.index].discrepancies;
      return estimateCell(found && found[name], report.verdict.thresholds.ratio);
    })];
  });
  const caption = element('span', {}, form.whole ? '' : 'Mean of ', ...formula(form.formula),
    `${form.whole ? '' : ' over channels and batches'}, beside ${form.against}`);
  return dataTable(caption, ['Tokens in a batch', ...shown.map((order) => orders[order].title)], rows);
}

function hasDiscrepancy(report, method, name) {
  return report.cells.some((cell) => {
    const found = cell.methods[method.index];
    return found.discrepancies && found.discrepancies[name];
  });
}

function showDiscrepancies(section, report) {
  section.append(element('h3', {}, 'Discrepancies between training and inference'));
  const keepers = report.methods.filter((method) => hasDiscrepancy(report, method, 'final_mean'));
  if (!keepers.length) section.append(element('p', {class: 'absent'}, `Not listed: ${noBatchMethod}`));
  for (const method of keepers) {
    section.append(element('p', {}, `${method.title}: each figure is the mean over batches, with its 95\u202f% interval, what chance gives ` +
      'for as many independent tokens, and how many times that it is; bold is beyond the limit.'));
    for (const name of Object.keys(discrepancyForms)) {
      if (!hasDiscrepancy(report, method, name)) continue;
      section.append(folded(discrepancyForms[name].title, name === 'final_mean', discrepancyTable(report, method, name)));
    }
  }
}

function showBatches(section, report) {
  section.append(element('h3', {}, 'Batches, output gaps and mates'));
  for (const order of Object.keys(orders)) {
    if (cellsOf(report, order).length) section.append(batchesTable(report, order));
  }
}

function showChannels(section, report) {
  const {channels} = report;
  section.append(element('h3', {}, 'Channels'));
  if (!channels) {
    section.append(element('p', {class: 'absent'}, 'The report says nothing of channels.'));
    return;
  }
  section.append(element('p', {}, `${capitalized(plural(channels.count, 'channel'))}: ${count(channels.without_variance)} without variance, ` +
    `${count(channels.outliers)} that stand out by deviation or magnitude; median kurtosis ${figure(channels.median_kurtosis)} (normal: 3).`));
  if (!channels.outstanding.length) return;
  const rows = channels.outstanding.map((channel) => [String(channel.index), figure(channel.mean), figure(channel.deviation),
    figure(channel.kurtosis), figure(channel.largest_magnitude)]);
  section.append(dataTable('Channels of the largest deviation, mean or kurtosis',
      ['Channel', 'Mean', 'Deviation', 'Kurtosis', 'Largest magnitude'], rows));
}

function showGrouping(section, report) {
  section.append(element('h3', {}, 'Sequences and positions'));
  const rows = [['Sequence', report.bySequence], ['Position', report.byPosition]]
      .filter(([, grouping]) => grouping)
      .map(([name, grouping]) => [name, count(grouping.groups), count(grouping.tokens), share(grouping.within_share),
        figure(grouping.intraclass_correlation), grouping.constant.length ? joined(grouping.constant.map(count)) : 'none']);
  if (!rows.length) {
    section.append(element('p', {class: 'absent'}, 'The tokens have neither sequences nor positions to be grouped by.'));
    return;
  }
  section.append(dataTable('Variance within groups', ['Grouped by', 'Groups', 'Tokens', 'Variance within groups',
    'Intra-class correlation', 'Constant, left out'], rows));
}

function showDriftAndPadding(section, report) {
  const {drift, padding} = report;
  section.append(element('h3', {}, 'Drift and padding'));
  if (drift) {
    const change = drift.changePoint === null ? 'no change point' : `a change point at token ${count(drift.changePoint)}`;
    section.append(element('p', {}, `From the first to the last quarter of the stream the mean moves by ${figure(drift.mean_shift)} standard deviations ` +
      `(chance: ${figure(drift.mean_shift_floor)}), the symmetric divergence is ${figure(drift.symmetric_divergence)} nats, and there is ${change}.`));
  }
  if (!padding) {
    section.append(element('p', {class: 'absent'}, 'There is no padding in this data.'));
    return;
  }
  section.append(dataTable(`Padding is ${share(padding.padded_share)} of the tokens; averages over channels and batches as they came`,
      ['', 'Without padding', 'With padding'], [
        ['Mean', figure(padding.mean_without), figure(padding.mean_with)],
        ['Variance', figure(padding.variance_without), figure(padding.variance_with)],
      ]));
}

function showMaking(section, report) {
  const {plan} = report;
  section.append(element('h3', {}, 'How it was made'));
  const pairs = [['Tokens', `${count(report.tokens)}, of which ${count(report.sampledTokens)} were kept as a sample`]];
  if (report.nonFiniteTokens) pairs.push(['Left out', `${plural(report.nonFiniteTokens, 'token')} that hold values which are not finite`]);
  if (report.paddedTokens) pairs.push(['Padding', plural(report.paddedTokens, 'token')]);
  if (plan) {
    if (plan.sizes.length) pairs.push(['Batch sizes', joined(plan.sizes.map((size) => size ? count(size) : 'as they came'))]);
    if (plan.orders.length) pairs.push(['Orders', joined(plan.orders.map((order) => (orders[order] || orders[arrival]).name))]);
    if (plan.batchSizeInUse) pairs.push(['Batch size in use', plural(plan.batchSizeInUse, 'token')]);
    pairs.push(['Seed', plan.seed]);
    if (plan.sampleBytes) pairs.push(['Sample', `at most ${bytes(plan.sampleBytes)}`]);
  }
  section.append(definitions(pairs), element('p', {class: 'muted'}, 'The same stream, plan and seed give the same figures, but for the cost.'));
}

const glossary = [
  ['Token', 'One value of every channel: what a method normalizes.'],
  ['Training, inference', 'In training a method may use the statistics of the batch; in inference it uses those that training ended with.'],
  ['Discrepancy', 'How far the statistics of a batch lie from those that inference uses, averaged over channels and batches. Here n is the ' +
    'tokens of batch B, m_B and s_B its mean and deviation, m and s those that they are put beside, C the number of channels, E the mean over batches, avg that over channels, and d = (m_B \u2212 m) / s.'],
  ['Chance, or noise floor', 'What independent, normally distributed tokens would give for the same formula, number of tokens and estimator. ' +
    'A small batch is always off; it says something of the data only beyond chance.'],
  ['Output gap', '|y \u2212 y\u2032| / |y\u2032| of a token: its output as in training, y, against its output as in inference, y\u2032. ' +
    'p50 and p99 are what half and 99\u202f% of the tokens stay below.'],
  ['Moved by mates', 'How much a token\u2019s output varies with the other tokens of its batch, as a part of the output.'],
  ['Worth independent tokens', 'How many independent tokens would let means vary as much as those of these batches do.'],
  ['Cold start', 'Tokens after which running statistics stay within 10\u202f% of the final ones.'],
  ['Intra-class correlation', 'How alike tokens of one group are: 0 if no more than any others, 1 if they are the same.'],
  ['Kurtosis', 'How heavy the tails are; 3 for a normal distribution.'],
  ['Interval', 'Of 95\u202f%, from blocks of neighboring batches, so that batches which resemble each other do not count twice.'],
];

function showDetails(section, report) {
  section.append(element('h2', {}, 'Details'));
  showDiscrepancies(section, report);
  showBatches(section, report);
  showChannels(section, report);
  showGrouping(section, report);
  showDriftAndPadding(section, report);
  showMaking(section, report);
  section.append(element('h3', {}, 'What the words mean'), definitions(glossary.map(([term, meaning]) => [term, element('span', {}, ...formula(meaning))])));
}
