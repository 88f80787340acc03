// What is known of a method by its name alone.
'use strict';

// `centers`, `scales`: whose mean and whose scale the method removes.
const knownMethods = {
  batchnorm: {title: 'BatchNorm', centers: 'channel', scales: 'channel'},
  standardization: {title: 'Standardization', centers: 'channel', scales: 'channel'},
  minmax: {title: 'MinMax', centers: null, scales: 'channel'},
  layernorm: {title: 'LayerNorm', centers: 'token', scales: 'token'},
  rmsnorm: {title: 'RMSNorm', centers: null, scales: 'token'},
  groupnorm: {title: 'GroupNorm', centers: 'token', scales: 'token', byGroup: true},
  instancenorm: {title: 'InstanceNorm', centers: null, scales: null, unknown: true},
  scalenorm: {title: 'ScaleNorm', centers: null, scales: 'token'},
  lpnorm: {title: 'LpNorm', centers: null, scales: 'token'},
  dynamictanh: {title: 'DynamicTanh', centers: null, scales: null},
  rowminmax: {title: 'RowMinMax', centers: null, scales: 'token'},
};

// A name may end in a number (batch_norm #2) where a method stands twice.
function describedMethod(name) {
  const [, words, number] = /^(.*?)(\s*#\d+)?$/.exec(name);
  const known = knownMethods[words.toLowerCase().replace(/[^a-z]/g, '')];
  if (!known) return {title: name, centers: null, scales: null, unknown: true};
  return {...known, title: known.title + (number || '')};
}
