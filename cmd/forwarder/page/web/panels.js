// What stands below the names: upstreams, queries, clients, cache, configuration.

import { $, name, put, texts } from "./dom.js";
import { clock, count, data, isTime, latency, octets, percent, plural, rate } from "./format.js";
import { now, since } from "./time.js";
import { facts, table } from "./table.js";

export function panels(doc) {
  tiles(doc);
  upstreams(doc);
  peers(doc.peers);
  queries(doc);
  hot(doc.hot);
  clients(doc.clients);
  cache(doc.cache);
  config(doc);
  members(doc.members);
}

// tiles are the figures of now.
function tiles({ queries: q, latency: l, upstreams, clients: c }) {
  const worst = (list) => Math.max(0, ...list.map((x) => x.p99));
  facts($("tiles"), [
    ["Replies a second", rate(q.per_second["10s"]), q.per_second["10s"]],
    ["From the cache", percent(q.hit_ratio), q.hit_ratio],
    ["Hits, p99", latency(l.clients.hit?.p99), l.clients.hit?.p99 ?? 0],
    ["Misses, p99", latency(l.clients.miss?.p99), l.clients.miss?.p99 ?? 0],
    ["Upstream, p99", latency(worst(upstreams.map((u) => u.latency))), worst(upstreams.map((u) => u.latency))],
    ["Clients, about", count(c.distinct), c.distinct],
  ]);
}

// counted is a column of a counter that is a metric too.
const counted = (head, of, metric, far) => ({ head, value: of, text: (x) => count(of(x)), metric: metric && ((x) => `forwarder_${metric(x)}`), far });

const server = (family) => (u) => `${family}{server="${label(u.server)}"}`;

// label writes a server as the labels of metrics do.
function label(address) {
  const [host, port] = address.split("#");
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

const upstreamColumns = [
  { head: "Server", text: (u) => u.server, long: true },
  { head: "State", show: showState },
  { head: "For", show: (cell, u) => since(cell, u.since) },
  { head: "p50", value: (u) => u.latency.p50, text: (u) => latency(u.latency.p50), far: true },
  { head: "p99", value: (u) => u.latency.p99, text: (u) => latency(u.latency.p99) },
  counted("Asked", (u) => u.sent, server("upstream_queries_total"), true),
  counted("Answered", (u) => u.answered, server("upstream_answers_total"), true),
  counted("Timeouts", (u) => u.timeouts, server("upstream_timeouts_total")),
  counted("Failures", (u) => u.failures, server("upstream_failures_total"), true),
  { head: "Zones", text: (u) => (u.zones ?? []).join(", "), far: true, long: true },
];

function showState(cell, { state }) {
  put(cell, state);
  name(cell, state === "up" ? "good" : state === "down" ? "bad" : "warn");
}

const budgetColumns = [
  { head: "Interface", text: (b) => b.interface || "any" },
  { head: "Sent in a second", value: (b) => b.sent, text: (b) => count(b.sent) },
  { head: "Limit", value: (b) => b.limit, text: (b) => (b.limit ? count(b.limit) : "none"), metric: (b) => `forwarder_upstream_budget_packets_per_second{interface="${b.interface}"}` },
  { head: "Waiting", value: (b) => b.waiting, text: (b) => count(b.waiting) },
  { head: "Given up", value: (b) => b.refused, text: (b) => count(b.refused) },
];

function upstreams(doc) {
  table($("upstreams"), "Servers", upstreamColumns, doc.upstreams, (u) => u.server);
  table($("budgets"), "Packet budget", budgetColumns, doc.budgets, (b) => b.interface);
}

function showPeer(cell, { state, fault, names, compared }) {
  const alone = state === "agrees" && names > 0 && !compared; // not both have one cached
  put(cell, alone ? "nothing to compare" : fault ? `${state}: ${fault}` : state);
  name(cell, alone ? "quiet" : state === "agrees" ? "good" : state === "waiting" ? "quiet" : "bad");
}

const peerColumns = [
  { head: "Peer", text: (p) => p.address, long: true },
  { head: "State", show: showPeer },
  { head: "For", show: (cell, p) => since(cell, p.since) },
  { head: "Last answer", text: (p) => (isTime(p.last) ? clock(p.last, now()) : "none"), far: true },
  { head: "Round trip", value: (p) => p.rtt, text: (p) => latency(p.rtt), far: true },
  { head: "Names", value: (p) => p.names, text: (p) => count(p.names), far: true },
  { head: "Compared", value: (p) => p.compared ?? 0, text: (p) => count(p.compared), far: true },
  { head: "Disagrees about", text: (p) => p.disagreeing.map((n) => `${n.name} ${n.type}: ${data(n.theirs)}, here ${data(n.ours)}`).join("; ") || "nothing", long: true },
];

function peers(list) {
  $("peers-section").hidden = !list.length;
  table($("peers"), "Asked once a second", peerColumns, list, (p) => p.address);
}

const sums = (head, metric) => [{ head, text: (x) => x[0] }, counted("Replies", (x) => x[1], (x) => metric(x[0])), { head: "Share", value: (x) => x[2], text: (x) => percent(x[2]) }];

const sourceColumns = sums("Source", (s) => `queries_total{source="${s}"}`);
const rcodeColumns = sums("Response code", (r) => `responses_total{rcode="${r}"}`);

// shares are the counts that are not 0, the greatest first, each with its share.
function shares(counts) {
  const list = Object.entries(counts).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
  const all = list.reduce((sum, [, n]) => sum + n, 0);
  return list.map(([key, n]) => [key, n, n / all]);
}

function queries({ queries: q }) {
  table($("sources"), "", sourceColumns, shares(q.by_source), (x) => x[0]);
  put($("sources").caption, `${count(q.total)} replies, by where they came from`);
  table($("rcodes"), "By response code", rcodeColumns, shares(q.by_rcode), (x) => x[0]);
  facts($("losses"), [
    ["Malformed", count(q.malformed), q.malformed, "forwarder_malformed_queries_total"],
    ["Dropped on purpose", count(q.dropped), q.dropped, "forwarder_dropped_queries_total"],
    ["Lost for want of room", count(q.overflowed), q.overflowed, "forwarder_overflowed_queries_total"],
    ["Lost by the kernel", count(q.lost), q.lost, "forwarder_udp_receive_buffer_drops_total"],
    ["Being asked upstream", count(q.pending), q.pending, "forwarder_pending_questions"],
  ]);
}

const hotColumns = [
  { head: "Name", text: (h) => h.name, long: true },
  { head: "Type", text: (h) => h.type },
  { head: "A second", value: (h) => h.per_second, text: (h) => rate(h.per_second) },
  { head: "Share", value: (h) => h.share, text: (h) => percent(h.share) },
];

function hot(list) {
  $("hot-none").hidden = list.length > 0;
  table($("hot"), "Of the last minutes, about", hotColumns, list.slice(0, 15), (h) => `${h.name} ${h.type}`);
}

const clientColumns = [
  { head: "Client", text: (c) => c.client || "not shown", long: true },
  { head: "Queries", value: (c) => c.count, text: (c) => count(c.count) },
  { head: "Latest", text: (c) => (isTime(c.last) ? clock(c.last, now()) : "") },
];

function clients(c) {
  facts($("clients"), [
    ["In the last minute, about", count(c.distinct), c.distinct],
    ["TCP connections", count(c.tcp), c.tcp, "forwarder_tcp_connections"],
    ["Refused by access lists", count(c.refused.total), c.refused.total, "forwarder_acl_refused_queries_total"],
  ]);
  const key = (x) => x.client || x.key;
  table($("refused"), "Refused", clientColumns, numbered(c.refused.clients), key);
  table($("busiest"), "Busiest", clientColumns, numbered(c.busiest), key);
  $("clients-hint").hidden = c.shown;
}

// numbered gives clients without an address a key.
const numbered = (list) => list.slice(0, 10).map((c, i) => ({ ...c, key: String(i) }));

function cache(c) {
  facts($("cache"), [
    ["Answers", count(c.entries), c.entries, "forwarder_cache_entries"],
    ["Size", octets(c.bytes), c.bytes, "forwarder_cache_size_bytes"],
    ["May take", c.max_bytes ? octets(c.max_bytes) : "no limit", c.max_bytes, "forwarder_cache_max_size_bytes"],
    ["Dropped before their time", count(c.evictions), c.evictions, "forwarder_cache_evictions_total"],
  ]);
}

function config({ config: c, server, logs }) {
  const result = c.ok ? "in force" : `failed; that of ${clock(c.loaded, now())} is in force`;
  facts($("config"), [
    ...(c.file ? [["File", c.file]] : []), // the demo's is its own
    ["Loaded", clock(c.loaded, now())],
    ["Last reload", [result, c.said].filter(Boolean).join(": ")],
    ["Reloads", `${count(c.succeeded)} done, ${count(c.failed)} failed`],
    ["Serves", server.served.join(", ")],
    ...(server.unserved.length ? [["Does not serve", server.unserved.join(", ")]] : []),
    ["Runs since", clock(server.started, now())],
    ...logs.filter((l) => l.lost > 0).map((l) => [`Log ${l.channel}`, `${plural(l.lost, "line")} lost`]),
    ["Warnings", c.warnings.length ? plural(c.warnings.length + c.warnings_more, "warning") : "none"],
  ]);
  texts($("errors"), more(c.errors, c.errors_more));
  texts($("warnings"), more(c.warnings, c.warnings_more));
}

const more = (list, n) => (n ? [...list, `and ${n} more: forwarder --check-config`] : list);

function members(m) {
  $("members-section").hidden = !m;
  if (!m) return;
  facts($("members"), [
    ["Known", count(m.known), m.known, "forwarder_members"],
    ["Answered", count(m.answered), m.answered, "forwarder_members_answered"],
    ["Last answer", isTime(m.last) ? `${clock(m.last, now())}${m.from ? ` from ${m.from}` : ""}` : "none"],
    ["Taken over", `${plural(m.overrides, "override")}, ${plural(m.watches, "watch", "watches")}, ${plural(m.guards, "guard")}; ${count(m.ended)} ended`],
    ...(m.not_ready ? [["Not ready", m.not_ready]] : []),
  ]);
}
