// What methods remove, by name: whose mean they center, and whose scale they divide by.
'use strict';

const removals = {
  batch_norm: {centers: 'channel', scales: 'channel'},
  standardization: {centers: 'channel', scales: 'channel'},
  min_max: {centers: null, scales: 'channel'},
  layer_norm: {centers: 'token', scales: 'token'},
  rms_norm: {centers: null, scales: 'token'},
  group_norm: {centers: 'token', scales: 'token', byGroup: true},
  scale_norm: {centers: null, scales: 'token'},
  lp_norm: {centers: null, scales: 'token'},
  dynamic_tanh: {centers: null, scales: null},
  row_min_max: {centers: null, scales: 'token'},
  row_standardization: {centers: 'token', scales: 'token'},
};

// A name may end in a number, "batch_norm #2".
function removalOf(name) {
  return removals[name.split(' #')[0]] || {centers: null, scales: null, unknown: true};
}
