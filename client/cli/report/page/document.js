// Pieces of the page.
'use strict';

// A new element; children may be text. Attributes that are null are left out.
function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== ''));
  return made;
}

// rows: lists of cells, each text or an element; the first heads its row.
function dataTable(caption, heads, rows) {
  const headRow = element('tr', {}, heads.map((head) => element('th', {scope: 'col'}, head)));
  const bodyRows = rows.map((row) => element('tr', {}, row.map((cell, column) =>
    element(column === 0 ? 'th' : 'td', column === 0 ? {scope: 'row'} : {}, cell))));
  const table = element('table', {}, element('caption', {}, caption),
    element('thead', {}, headRow), element('tbody', {}, bodyRows));
  return scrolling(table, typeof caption === 'string' ? caption : caption.textContent);
}

// Wide tables scroll by themselves, never the page.
function scrolling(table, label) {
  return element('div', {class: 'scrolling', role: 'region', tabindex: '0', 'aria-label': label}, table);
}

function withNote(strong, note) {
  const parts = document.createDocumentFragment();
  parts.append(element('strong', {}, strong));
  if (note) parts.append(' ', element('small', {}, note));
  return parts;
}

function definitions(pairs) {
  return element('dl', {}, pairs.flatMap(([term, meaning]) =>
    [element('dt', {}, term), element('dd', {}, meaning)]));
}

function folded(summary, open, ...children) {
  return element('details', {open: open ? '' : null}, element('summary', {}, summary), ...children);
}
