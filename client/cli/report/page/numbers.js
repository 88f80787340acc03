// Numbers and lists in words.
'use strict';

const minusSign = '\u2212';
const thinSpace = '\u202f';
const notMeasured = '\u2013';

// Three significant digits, without needless zeros; thousands are set apart.
function figure(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return notMeasured;
  if (!Number.isFinite(value)) return value > 0 ? '\u221e' : minusSign + '\u221e';
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  const sign = value < 0 ? minusSign : '';
  if (magnitude >= 1e7 || magnitude < 1e-4) return sign + powerOfTen(magnitude);
  if (magnitude >= 1000) return sign + count(Math.round(magnitude));
  return sign + String(Number(magnitude.toPrecision(3)));
}

// As figure(), but with every digit, for columns of them.
function tabular(value) {
  const magnitude = Math.abs(value);
  if (!(magnitude >= 1e-4 && magnitude < 1000)) return figure(value);
  return (value < 0 ? minusSign : '') + magnitude.toPrecision(3);
}

const superscripts = {'-': '\u207b', 0: '\u2070', 1: '\u00b9', 2: '\u00b2', 3: '\u00b3', 4: '\u2074',
  5: '\u2075', 6: '\u2076', 7: '\u2077', 8: '\u2078', 9: '\u2079'};

function powerOfTen(magnitude) {
  const [digits, exponent] = magnitude.toExponential(1).split('e');
  const raised = [...String(Number(exponent))].map((digit) => superscripts[digit]).join('');
  return `${Number(digits)}\u00b710${raised}`;
}

// A whole number in full.
function count(value) {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

function share(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return notMeasured;
  const percent = 100 * value;
  const digits = Math.abs(percent) >= 10 ? Math.round(percent) : Number(percent.toPrecision(2));
  return `${figure(digits)}${thinSpace}%`;
}

function times(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return notMeasured;
  const rounded = Math.abs(value) < 10 ? value.toFixed(2) : figure(value);
  return `${rounded}${thinSpace}\u00d7`;
}

function hasInterval(estimate) {
  return Boolean(estimate) && Number.isFinite(estimate.low) && Number.isFinite(estimate.high);
}

function interval(estimate, format) {
  if (!hasInterval(estimate)) return '';
  return `${format(estimate.low)} to ${format(estimate.high)}`;
}

function bytes(value) {
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  let unit = 0;
  while (value >= 1024 && unit + 1 < units.length) {
    value /= 1024;
    ++unit;
  }
  return `${figure(value)} ${units[unit]}`;
}

function plural(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

function joined(items, last = ' and ') {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')}${last}${items[items.length - 1]}`;
}

function capitalized(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
