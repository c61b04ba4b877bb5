// Tables and lists of figures.

import { el, figure, keep, long, put } from "./dom.js";

// table shows items in rows. A column has a head and a text of an item; with a value it
// is a figure. long ones are broken where need be, far ones are left out on a phone.
export function table(node, caption, columns, items, keyOf) {
  if (!node.tHead) begin(node, caption, columns);
  node.hidden = !items.length;
  keep(node.tBodies[0], items, keyOf, () => row(columns), (tr, item) => columns.forEach((c, i) => fill(tr.cells[i], c, item)));
}

function begin(node, caption, columns) {
  node.append(el("caption", "", caption), el("thead", "", el("tr", "", ...columns.map(head))), el("tbody"));
}

const classes = (c) => [c.value && "number", c.long && "long", c.far && "far"].filter(Boolean).join(" ");

function head(column) {
  const th = el("th", classes(column), column.head);
  th.scope = "col";
  return th;
}

function row(columns) {
  const tr = el("tr", "", ...columns.map((c, i) => el(i ? "td" : "th", classes(c))));
  tr.cells[0].scope = "row";
  return tr;
}

function fill(cell, column, item) {
  if (column.show) column.show(cell, item);
  else if (column.value) figure(cell, column.value(item), column.text(item), column.metric?.(item));
  else (column.long ? long : put)(cell, column.text(item));
}

// facts shows a list of terms: [term, text] or [term, text, value, metric].
export function facts(node, list) {
  const cells = list.flatMap(([term, ...fact]) => [{ key: term, term }, { key: `${term}=`, fact }]);
  keep(node, cells, (c) => c.key, (c) => el(c.term ? "dt" : "dd"), (cell, { term, fact }) => {
    if (term) put(cell, term);
    else if (fact.length === 1) put(cell, fact[0]);
    else figure(cell, fact[1], fact[0], fact[2]);
  });
}
