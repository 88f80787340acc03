// From protobuf's JSON to plain objects: 64-bit integers come as strings, zeros are left out, and what
// was not measured is null here.
'use strict';

const orders = {
  BATCH_ORDER_ARRIVAL: {name: 'in order of arrival', title: 'Arrival', whole: 'as they came'},
  BATCH_ORDER_SHUFFLED: {name: 'shuffled', title: 'Shuffled', whole: 'as they came'},
  BATCH_ORDER_BY_SEQUENCE: {name: 'by sequence', title: 'By sequence', whole: 'whole sequences'},
  BATCH_ORDER_BY_POSITION: {name: 'by position', title: 'By position', whole: 'whole positions'},
};
const arrival = 'BATCH_ORDER_ARRIVAL';

// The names of Discrepancies' fields, in words; `formula` is what is averaged,
// or where `whole`, all of it: E is the mean over batches, avg that over channels.
const discrepancyForms = {
  final_mean: {title: 'Mean, against all tokens', formula: '|m_B \u2212 m| / s', against: 'statistics of all tokens'},
  final_deviation: {title: 'Deviation, against all tokens', formula: '|s_B / s \u2212 1|', against: 'statistics of all tokens'},
  tid_mean_by_running: {title: 'Mean, by the running deviation', formula: '|m \u2212 m_B| / s', against: 'running statistics after the batch entered'},
  tid_deviation_by_running: {title: 'Deviation, by the running deviation', formula: '|s_B / s \u2212 1|', against: 'running statistics after the batch entered'},
  tid_mean_by_batch: {title: 'Mean, by the batch\u2019s deviation (Wang, Wu and Huang 2022)', formula: '|m \u2212 m_B| / s_B', against: 'running statistics after the batch entered'},
  tid_deviation_by_batch: {title: 'Deviation, by the batch\u2019s deviation (Wang, Wu and Huang 2022)', formula: '|s / s_B \u2212 1|', against: 'running statistics after the batch entered'},
  renorm_d: {title: 'd of Batch Renormalization (Ioffe 2017)', formula: '|m_B \u2212 m| / s', against: 'running statistics before the batch'},
  renorm_r: {title: 'r of Batch Renormalization, less one (Ioffe 2017)', formula: '|s_B / s \u2212 1|', against: 'running statistics before the batch'},
  powernorm_mean: {title: 'Distance of means (PowerNorm, Shen et al. 2020)', formula: '\u221a(E |m_B \u2212 m|\u00b2) / C', whole: true, against: 'running statistics before the batch'},
  powernorm_variance: {title: 'Distance of variances (PowerNorm, Shen et al. 2020)', formula: '\u221a(E |s_B\u00b2 \u2212 s\u00b2|\u00b2) / C', whole: true, against: 'running statistics before the batch'},
  powernorm_relative: {title: 'Distance of means, without width or unit', formula: '\u221a(E avg ((m_B \u2212 m) / s)\u00b2)', whole: true, against: 'running statistics before the batch'},
};

function numberIn(message, field) {
  const value = message ? message[field] : undefined;
  return value === undefined || value === null ? 0 : Number(value);
}

function optionalNumberIn(message, field) {
  return !message || message[field] === undefined || message[field] === null ? null : Number(message[field]);
}

function listIn(message, field) {
  return (message && message[field]) || [];
}

function numbersIn(message, field) {
  return listIn(message, field).map(Number);
}

function readEstimate(message) {
  if (!message) return null;
  return {
    value: numberIn(message, 'value'),
    low: optionalNumberIn(message, 'low'),
    high: optionalNumberIn(message, 'high'),
  };
}

function readDiscrepancy(message) {
  const measured = readEstimate(message.measured) || {value: 0, low: null, high: null};
  const floor = optionalNumberIn(message, 'noise_floor');
  let ratio = readEstimate(message.ratio);
  if (!ratio && floor > 0) ratio = {value: measured.value / floor, low: null, high: null};
  return {measured, floor, ratio};
}

function readDiscrepancies(message) {
  if (!message) return null;
  const found = {};
  for (const name of Object.keys(discrepancyForms)) {
    if (message[name]) found[name] = readDiscrepancy(message[name]);
  }
  return found;
}

function readGap(message) {
  if (!message) return null;
  return {
    p50: numberIn(message, 'p50'),
    p99: numberIn(message, 'p99'),
    largest: numberIn(message, 'largest'),
    overall: numberIn(message, 'overall'),
    low: optionalNumberIn(message, 'low'),
    high: optionalNumberIn(message, 'high'),
  };
}

function readCell(message) {
  const size = numberIn(message, 'batch_size');
  return {
    order: orders[message.order] ? message.order : arrival,
    size,
    meanSize: numberIn(message, 'mean_batch_size') || size,
    withPadding: Boolean(message.with_padding),
    batches: numberIn(message, 'batches'),
    fromSample: Boolean(message.from_sample),
    effectiveSize: optionalNumberIn(message, 'effective_batch_size'),
    methods: listIn(message, 'methods').map((method) => ({
      discrepancies: readDiscrepancies(method.discrepancies),
      gap: readGap(method.output_gap),
      mates: readEstimate(method.co_batch_sensitivity),
    })),
  };
}

function readMethods(messages) {
  return messages.map((message, index) => ({
    index,
    name: message.name,
    title: message.title || `method ${index + 1}`,
    ...removalOf(message.name || ''),
    keepsStatistics: numberIn(message, 'state_bytes') > 0,
    exact: Boolean(message.gap_is_exactly_zero),
    coldStart: message.cold_start ? {tokens: optionalNumberIn(message.cold_start, 'tokens')} : null,
    paddingGap: optionalNumberIn(message, 'padding_gap'),
    stateBytes: numberIn(message, 'state_bytes'),
    nanoseconds: numberIn(message, 'nanoseconds_per_token'),
  }));
}

// A message of which every figure counts, or null.
function readFigures(message, fields) {
  if (!message) return null;
  return Object.fromEntries(fields.map((field) => [field, numberIn(message, field)]));
}

function readGrouping(message) {
  const fields = ['groups', 'tokens', 'within_share', 'intraclass_correlation'];
  const grouping = readFigures(message, fields);
  return grouping && grouping.groups > 0 ? {...grouping, constant: numbersIn(message, 'constant_positions')} : null;
}

function readChannels(message) {
  const channels = readFigures(message, ['count', 'without_variance', 'outliers', 'median_kurtosis']);
  if (!channels) return null;
  const fields = ['index', 'mean', 'deviation', 'kurtosis', 'largest_magnitude'];
  channels.outstanding = listIn(message, 'outstanding').map((channel) => readFigures(channel, fields));
  return channels;
}

function readDrift(message) {
  const drift = readFigures(message, ['symmetric_divergence', 'symmetric_divergence_floor', 'mean_shift', 'mean_shift_floor', 'excess']);
  return drift && {...drift, changePoint: optionalNumberIn(message, 'change_point')};
}

function readThresholds(message) {
  return {
    gap: optionalNumberIn(message, 'largest_gap'),
    ratio: optionalNumberIn(message, 'largest_ratio'),
    drift: optionalNumberIn(message, 'largest_drift'),
    width: optionalNumberIn(message, 'widest_interval'),
  };
}

function readVerdict(message) {
  const verdict = message || {};
  return {
    kind: verdict.kind || 'KIND_UNSPECIFIED',
    summary: verdict.summary || '',
    reasons: listIn(verdict, 'reasons'),
    tokensNeeded: optionalNumberIn(verdict, 'tokens_needed'),
    batchSize: numberIn(verdict, 'batch_size'),
    method: verdict.method || '',
    thresholds: readThresholds(verdict.thresholds),
  };
}

function readSeries(message) {
  return {channel: numberIn(message, 'channel'), values: numbersIn(message, 'values')};
}

function readDensity(message) {
  return {
    ...readFigures(message, ['method', 'batch_size', 'low', 'high']),
    training: Boolean(message.training),
    shares: numbersIn(message, 'shares'),
  };
}

function canBeDrawn(density) {
  return density.low < density.high && Number.isFinite(density.high - density.low) &&
    density.shares.length > 0 && density.shares.every(Number.isFinite);
}

function readCoBatch(message) {
  return {...readFigures(message, ['method', 'batch_size', 'channel']), outputs: numbersIn(message, 'outputs')};
}

function readPlots(message) {
  return {
    ends: numbersIn(message, 'segment_ends'),
    discrepancy: message && message.discrepancy ? readSeries(message.discrepancy).values : [],
    floor: numbersIn(message, 'discrepancy_floor'),
    channels: listIn(message, 'channels').map(readSeries),
    densities: listIn(message, 'densities').map(readDensity).filter(canBeDrawn),
    mates: listIn(message, 'co_batches').map(readCoBatch),
  };
}

function readPlan(message) {
  if (!message) return null;
  return {
    sizes: numbersIn(message, 'batch_sizes'),
    orders: listIn(message, 'orders'),
    seed: message.seed === undefined ? '0' : String(message.seed),
    sampleBytes: optionalNumberIn(message, 'sample_bytes'),
    batchSizeInUse: optionalNumberIn(message, 'batch_size_in_use'),
  };
}

function readReport(message) {
  const cells = listIn(message, 'cells').map(readCell).filter((cell) => cell.batches > 0);
  const methods = readMethods(listIn(message, 'methods'));
  const splitFields = ['token_share', 'channel_share', 'residual_share', 'token_scale_variation', 'channel_scale_variation'];
  const paddingFields = ['padded_share', 'mean_without', 'mean_with', 'variance_without', 'variance_with'];
  return {
    tokens: numberIn(message, 'tokens'),
    sequences: numberIn(message, 'sequences'),
    paddedTokens: numberIn(message, 'padded_tokens'),
    nonFiniteTokens: numberIn(message, 'non_finite_tokens'),
    sampledTokens: numberIn(message, 'sampled_tokens'),
    cells,
    methods,
    split: readFigures(message.variance_split, splitFields),
    bySequence: readGrouping(message.by_sequence),
    byPosition: readGrouping(message.by_position),
    channels: readChannels(message.channels),
    drift: readDrift(message.drift),
    padding: readFigures(message.padding, paddingFields),
    plots: readPlots(message.plots),
    verdict: readVerdict(message.verdict),
    plan: readPlan(message.plan),
  };
}

function findCell(report, order, size) {
  return report.cells.find((cell) => cell.order === order && cell.size === size && !cell.withPadding) || null;
}

// What the verdict is about, a cell and a method, if there are any.
function cellInUse(report) {
  return findCell(report, arrival, report.plan && report.plan.batchSizeInUse || 0);
}

function methodInUse(report) {
  return report.methods.find((method) => method.name === report.verdict.method) || null;
}

function finalMean(cell, method) {
  const found = cell && method && cell.methods[method.index];
  return (found && found.discrepancies && found.discrepancies.final_mean) || null;
}

function sizeInWords(cell) {
  if (cell.size > 0) return count(cell.size);
  return orders[cell.order].whole;
}

function batchesInWords(cell) {
  if (cell.size > 0) return cell.size === 1 ? 'single tokens' : `batches of ${count(cell.size)}`;
  return cell.order === arrival ? 'batches as they came' : orders[cell.order].whole;
}
