// The last 15 minutes of a name: what clients were given, from left to right.

import { el, keep, name, put } from "./dom.js";
import { clock, data, same } from "./format.js";
import { now } from "./time.js";

const width = 15 * 60 * 1000; // ms
const character = 3.2; // percent of the strip, about

// strip draws segments. Kinds differ in pattern too, and wide ones say their data.
export function strip(node, all) {
  const begin = now() - width;
  const segments = merged(all);
  keep(node, segments, (s) => (s === segments[0] ? "first" : s.from), () => el("span", "", el("b", "mono")), (span, s) => {
    const next = segments[segments.indexOf(s) + 1];
    const left = share(begin, s.from);
    const size = share(begin, endOf(s, next)) - left;
    name(span, kind(s, segments));
    span.style.left = `${left.toFixed(2)}%`;
    span.style.width = `${size.toFixed(2)}%`;
    span.title = one(s);
    const text = s.data.length ? data(s.data) : "";
    put(span.firstChild, size > character * text.length ? text : "");
    span.firstChild.hidden = !span.firstChild.textContent;
  });
}

// merged joins what was given without a break, whoever said so.
function merged(segments) {
  const list = [];
  for (const s of segments) {
    const last = list.at(-1);
    if (last && same(last.data, s.data) && endOf(last, s) === s.from) list[list.length - 1] = { ...last, until: s.until, why: last.why.includes(s.why) ? last.why : `${last.why}, ${s.why}` };
    else list.push(s);
  }
  return list;
}

const share = (begin, moment) => Math.min(100, Math.max(0, (100 * (new Date(moment) - begin)) / width));

// endOf closes the second between two looks, but no longer gap.
function endOf(segment, next) {
  const end = next?.from ?? now();
  return new Date(end) - new Date(segment.until) < 3000 ? end : segment.until;
}

// kind compares a segment with what is given now, and before that.
function kind(segment, all) {
  const current = all.at(-1);
  if (!segment.data.length) return "none";
  if (same(segment.data, current.data)) return "now";
  const before = all.findLast((s) => s.data.length && !same(s.data, current.data));
  return same(segment.data, before.data) ? "old" : "older";
}

const one = (s) => `${clock(s.from, now())} to ${clock(s.until, now())}: ${data(s.data)} (${s.why})`;

// stripText is the strip for who does not see it.
export const stripText = (segments) => segments.map(one).join("; ") || "nothing yet";
