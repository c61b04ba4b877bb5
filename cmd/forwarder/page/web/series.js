// What each chart shows, by the columns of the history.

import { latency, percent, rate } from "./format.js";

const colors = ["--s1", "--s2", "--s3", "--s4", "--s5", "--s6", "--s7", "--s8"];

// having returns the lines of columns that begin with a word: "source hit" is "hit". Those
// that are 0 all the time are left out, but not the first.
function having(columns, word) {
  const all = Object.keys(columns).filter((c) => c.startsWith(`${word} `)).sort();
  const shown = all.filter((c) => columns[c].some((v) => v > 0));
  return (shown.length ? shown : all.slice(0, 1)).map((column) => ({ column, label: column.slice(word.length + 1) }));
}

// fixed gives each label its own colour, whatever else is shown.
const fixed = (labels) => (line) => ({ ...line, color: colors[Math.max(0, labels.indexOf(line.label)) % 8], dash: labels.indexOf(line.label) % 3 });

const sources = ["hit", "miss", "joined", "local", "failed", "stale", "override", "refused"];
const rcodes = ["NOERROR", "NXDOMAIN", "REFUSED", "FORMERR", "SERVFAIL", "other"];

// known keeps those of a list of [column, label, colour, dash] that are there.
const known = (list) => (columns) => list.filter(([c]) => c in columns).map(([column, label, color, dash]) => ({ column, label, color, dash }));

// budget pairs what an interface sent with its limit.
const budget = (columns) => [
  ...having(columns, "budget").map((l, i) => ({ ...l, label: `${l.label} sent`.trim(), color: colors[i % 8], dash: 0 })),
  ...having(columns, "limit").map((l, i) => ({ ...l, label: `${l.label} limit`.trim(), color: i ? colors[(i + 5) % 8] : "--bad", dash: 1 })),
];

// decades are the marks of an axis that is a logarithm.
const decades = (_, __, min, max) => Array.from({ length: 8 }, (_, i) => 10 ** (i - 6)).filter((v) => v >= min && v <= max);

export const charts = [
  { title: "Replies a second, by source", unit: rate, lines: (c) => having(c, "source").map(fixed(sources)) },
  { title: "Hit ratio of the last minute", unit: percent, range: () => [0, 1], lines: known([["hit_ratio", "from the cache", "--s1", 0]]) },
  { title: "Latency", unit: latency, log: true, splits: decades, lines: known([
    ["latency_p50 hit", "hits p50", "--s1", 0], ["latency_p99 hit", "hits p99", "--s1", 1],
    ["latency_p50 miss", "misses p50", "--s3", 0], ["latency_p99 miss", "misses p99", "--s3", 1],
    ["upstream_p50", "upstream p50", "--s2", 0], ["upstream_p99", "upstream p99", "--s2", 1]]) },
  { title: "Packets to upstream, a second", unit: rate, lines: budget },
  { title: "Replies a second, by response code", unit: rate, lines: (c) => having(c, "rcode").map(fixed(rcodes)) },
  { title: "Upstream, a second", unit: rate, lines: known([
    ["upstream_answers", "answers", "--s1", 0], ["upstream_timeouts", "timeouts", "--s5", 1], ["upstream_failures", "failures", "--s2", 2]]) },
];
