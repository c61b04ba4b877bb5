// The forwarder's clock, and the times that go on between two documents.

import { el, put } from "./dom.js";
import { clock, span } from "./format.js";

let offset = Date.now() - performance.now();

// set takes the document's time: the viewer's own clock may be wrong.
export function set(iso) {
  offset = Date.parse(iso) - performance.now();
}

export const now = () => performance.now() + offset;

// since and until show how long something has lasted, or will last.
export const since = (node, iso) => live(node, "since", iso);
export const until = (node, iso) => live(node, "until", iso);

function live(node, kind, iso) {
  if (node.dataset[kind] !== iso) node.dataset[kind] = iso;
  show(node);
}

function show(node) {
  const { since, until } = node.dataset;
  put(node, span((until ? Date.parse(until) - now() : now() - Date.parse(since)) / 1000));
}

export const time = () => el("time");

// at shows a moment.
export function at(node, iso) {
  node.dateTime = iso;
  put(node, clock(iso, now()));
}

// tick lets all times go on.
export function tick() {
  for (const node of document.querySelectorAll("[data-since], [data-until]")) show(node);
}
