// The failover view: who answers what, since when, and who still has the old address.

import { $, el, keep, long, name, put } from "./dom.js";
import { count, data, isTime, plural, same } from "./format.js";
import { at, now, since, time, until } from "./time.js";
import { strip, stripText } from "./strip.js";

// rowsOf returns a row for each type of each name that has or had data.
export function rowsOf(doc) {
  const rows = [];
  for (const n of doc.names) {
    const all = setsOf(n).map((set) => rowOf(doc, n, set));
    const loud = all.filter((row) => !silent(row));
    rows.push(...(loud.length ? loud : all.slice(0, 1)));
  }
  return rows;
}

// setsOf are a name's types; of one that is forgotten, its changes are left.
function setsOf(n) {
  if (n.sets.length) return n.sets;
  const types = [...new Set(n.history.map((c) => c.type))];
  return (types.length ? types : [""]).map((type) => {
    const latest = n.history.find((c) => c.type === type)?.new ?? [];
    return { type, given: latest, upstream: latest, said: latest, ttl: null, since: "", pinned: "", varies: false };
  });
}

function rowOf(doc, n, set) {
  const ours = (x) => x.type === set.type;
  return {
    key: `${n.name} ${set.type}`, name: n.name, type: set.type, watched: n.watched, set, probe: n.probe,
    override: n.overrides.find(ours), history: n.history.filter(ours), ledger: n.ledger.filter(ours),
    strip: n.strip.filter(ours), cached: (n.cached ?? []).find(ours), peers: doc.peers.map((p) => ({ ...p, name: peerName(p, n.name, set.type) })),
  };
}

const peerName = (peer, name, type) => [...peer.disagreeing, ...peer.given].find((n) => n.name === name && n.type === type);

// silent is a type without data that nothing happened to.
const silent = (row) => !row.set.given.length && !row.set.upstream.length && !row.override && !row.history.length;

// why says who is behind what is given.
export const why = (row) => row.set.pinned || row.strip.at(-1)?.why || "upstream";

// begun is since when that is given, as far as is known.
function begun(row) {
  const own = row.strip;
  let i = own.length - 1;
  while (i > 0 && same(own[i - 1].data, row.set.given)) i--;
  if (i > 0 && same(own[i].data, row.set.given)) return own[i].from;
  const change = row.history.find((c) => same(c.new, row.set.given));
  return [change?.at, row.set.since, own[0]?.from].find(isTime);
}

export function names(doc) {
  const rows = rowsOf(doc);
  $("h-peer").hidden = !doc.peers.length;
  keep($("names").tBodies[0], rows, (r) => r.key, make, fill);
  $("names").hidden = $("key").hidden = !rows.length;
  $("names-none").hidden = rows.length > 0;
  $("names-more").hidden = !doc.names_more;
  put($("names-more"), `${plural(doc.names_more, "name")} more: rndc watch list, rndc override list.`);
}

const labels = ["Given now", "Upstream says", "Last 15 minutes", "Who still has the old one", "Peer"];

// make makes an empty row. Roles are said, as the row is no table's on a narrow screen.
function make() {
  const head = el("th", "", el("p", "name mono"), el("p"));
  head.scope = "row";
  head.setAttribute("role", "rowheader");
  const row = el("tr", "", head, ...contents().map(cell));
  row.setAttribute("role", "row");
  return row;
}

function cell(children, i) {
  const td = el("td", "", el("div", "", ...children));
  td.dataset.label = labels[i];
  td.setAttribute("role", "cell");
  return td;
}

// contents are the parts of the cells.
function contents() {
  const picture = el("div", "strip");
  picture.setAttribute("role", "img");
  const lasts = el("p", "", "for ", el("b"), el("span", "quiet", ", since ", time()));
  return [
    [el("p", "given mono"), lasts, el("p", "", el("span"), " ", el("span")), el("p")],
    [el("p"), el("p", "quiet", el("span"), el("span"), el("span"))],
    [picture, el("ul", "changes")],
    [el("ul", "changes")],
    [el("ul", "changes")],
  ];
}

function fill(node, row) {
  const [head, ...cells] = node.cells;
  const [given, upstream, strips, holders, peers] = cells.map((c) => c.firstChild);
  long(head.firstChild, row.name);
  put(head.lastChild, [row.type, row.watched && "watched", row.probe.state === "on" && "probed"].filter(Boolean).join(", "));
  fillGiven(given.children, row);
  fillUpstream(upstream.children, row);
  strip(strips.firstChild, row.strip);
  strips.firstChild.setAttribute("aria-label", stripText(row.strip));
  keep(strips.lastChild, changes(row).slice(-3), (s) => s.from, change, fillChange);
  fillHolders(holders.firstChild, row);
  cells[4].hidden = !row.peers.length;
  keep(peers.firstChild, row.peers, (p) => p.address, () => el("li", "", el("span", "quiet"), " ", el("span"), " ", el("span")), fillPeer);
}

function fillGiven([value, lasts, who, ends], row) {
  long(value, row.type ? data(row.set.given) : "not asked for yet");
  const from = begun(row);
  lasts.hidden = !from;
  if (from) {
    since(lasts.children[0], from);
    at(lasts.children[1].lastChild, from);
  }
  who.hidden = !row.type;
  put(who.firstChild, why(row));
  name(who.firstChild, row.set.pinned ? "tag warn" : "tag plain");
  put(who.lastChild, explain(row));
  fillEnd(ends, row);
}

// explain says more of an override, a guard or a verification.
function explain({ set, override, probe }) {
  const { guard, verify } = set;
  if (override) return override.by ? `by ${override.by}` : "";
  if (guard) return `refuses earlier data, which came back ${plural(guard.came_back, "time")}`;
  if (verify?.running) return `upstream is asked for ${data(verify.want)}: ${count(verify.new)} new, ${count(verify.old)} old`;
  if (set.varies) return "varies: not guarded";
  return ["none", "on"].includes(probe.state) ? "" : `probe: ${probe.state}`;
}

// fillEnd counts down to the end of an override or a guard.
function fillEnd(node, { set: { guard }, override }) {
  const end = override?.lease_until ?? override?.expires ?? guard?.latest;
  node.hidden = !end;
  if (!end) return;
  if (!node.childElementCount) node.append("", el("span"), "");
  node.firstChild.data = override?.lease_until ? "a lease: unless confirmed, it ends in " : "ends in ";
  node.lastChild.data = override?.lease_until ? "" : " at the latest";
  node.title = end;
  until(node.firstElementChild, end);
}

function fillUpstream([value, note], { set, cached, override, type }) {
  value.hidden = note.hidden = !type;
  const agrees = same(set.upstream, set.given);
  long(value, agrees && set.upstream.length ? "the same" : data(set.upstream));
  name(value, agrees ? "quiet" : "mono warn");
  const said = same(set.said, set.upstream) ? "" : `last said ${data(set.said)}, not believed`;
  const agreed = override?.agreed > 0 ? `agrees for ${Math.floor(override.agreed)} of ${Math.ceil(override.need)} s` : "";
  put(note.children[0], [said, agreed, set.ttl === null ? "" : `TTL ${set.ttl} s`].filter(Boolean).join("; "));
  const left = cached && Date.parse(cached.expires) > now();
  put(note.children[1], left ? ", left " : "");
  note.children[2].hidden = !left;
  if (left) until(note.children[2], cached.expires);
}

// changes are the segments that began with other data, and who said so: the history
// knows who did at first, where a guard holds it now.
function changes({ strip: segments, history }) {
  const source = (s) => history.find((c) => same(c.new, s.data) && Math.abs(Date.parse(c.at) - Date.parse(s.from)) < 3000)?.source;
  const began = segments.map((s, i) => ({ ...s, before: segments[i - 1]?.data })).filter((s) => s.before && !same(s.data, s.before));
  return began.map((s) => ({ ...s, why: source(s) ?? s.why }));
}

const change = () => el("li", "", time(), " ", el("span", "mono"), " to ", el("span", "mono"), " ", el("span", "quiet"));

function fillChange(node, segment) {
  at(node.children[0], segment.from);
  long(node.children[1], data(segment.before));
  long(node.children[2], data(segment.data));
  put(node.children[3], `by ${segment.why}`);
}

// fillHolders lists who may hold what is no longer given.
function fillHolders(list, row) {
  const old = row.ledger.filter((h) => !h.given);
  const held = old.filter((h) => Date.parse(h.until) > now());
  const last = old.map((h) => h.until).filter(isTime).sort().at(-1);
  const items = held.length ? held : [{ nobody: true, until: last }];
  keep(list, items, (h) => (h.nobody ? "nobody" : h.since + h.data), makeHolder, fillHolder);
}

function makeHolder({ nobody }) {
  if (nobody) return el("li", "", el("span", "good", "nobody"), " ", el("span", "quiet", "since ", time()));
  return el("li", "", el("span", "warn"), " ", el("span", "mono"), el("span", "", " until ", time(), ", "), el("span"), " left");
}

function fillHolder(node, holding) {
  if (holding.nobody) {
    node.lastChild.hidden = !holding.until;
    if (holding.until) at(node.lastChild.lastChild, holding.until);
    return;
  }
  const many = holding.clients || !holding.more ? plural(holding.clients, "client") + (holding.more ? " and more" : "") : "clients";
  put(node.children[0], `${many} may hold`);
  put(node.children[1], holding.data?.length ? data(holding.data) : "what was given before the watch");
  at(node.children[2].children[0], holding.until);
  until(node.children[3], holding.until);
  node.title = (holding.names ?? []).map((h) => `${h.client} until ${h.until}`).join("\n");
}

// told is what is said of a peer's answer in a word or two.
const told = { agrees: "", differs: "differs, as TTLs allow", disagrees: "disagrees", unknown: "not cached at both", varies: "varies" };

const peerSays = (n) => (n.state === "unknown" && n.fault ? `answers with ${n.fault}` : told[n.state] ?? n.state);

function fillPeer(node, peer) {
  const [who, what, state] = node.children;
  const { name: n } = peer;
  const agrees = n && same(n.theirs, n.ours);
  put(who, peer.address);
  long(what, !n || n.state === "unknown" ? "" : agrees ? "the same" : data(n.theirs));
  name(what, agrees ? "" : "mono");
  put(state, peer.state === "down" ? peer.fault || "does not answer" : n ? peerSays(n) : "not asked");
  name(state, peer.state === "down" || n?.state === "disagrees" ? "bad" : "quiet");
}
