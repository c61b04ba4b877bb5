// Is all well? One line in words, the troubles, and what a screen reader hears: changes
// of state only.

import { $, el, keep, name, put } from "./dom.js";
import { count, data, plural } from "./format.js";
import { at, since, time } from "./time.js";
import { table } from "./table.js";
import { rowsOf, why } from "./names.js";

// wrong lists what is wrong, each with a key that stays while it lasts.
function wrong(doc) {
  const { server, config } = doc;
  const troubles = doc.troubles.map((t) => ({ key: `${t.kind} ${t.subject}`, text: t.text + (t.now ? "" : " (comes and goes)") }));
  const told = (text) => troubles.some((t) => t.key.includes(text));
  const others = [
    ...(server.state === "serving" ? [] : [`it is ${server.state}${server.reasons.length ? `: ${server.reasons.join(", ")}` : ""}`]),
    ...server.unserved.filter((a) => !told(a)).map((a) => `${a} is not served`),
    ...(config.ok ? [] : ["the last reload failed, and an older configuration is in force"]),
    ...doc.peers.filter((p) => ["down", "disagrees"].includes(p.state) && !told(p.address)).map((p) => `peer ${p.address} ${p.state === "down" ? p.fault || "does not answer" : "disagrees"}`),
  ];
  return [...troubles, ...others.map((text) => ({ key: text, text }))];
}

// inForce says what is not upstream's word, without being wrong.
function inForce({ watch }) {
  const parts = [[watch.overrides, "override"], [watch.guards, "guard"], [watch.verifications, "verification"]];
  const list = parts.filter(([n]) => n > 0).map(([n, what]) => plural(n, what));
  return list.length ? ` In force: ${list.join(", ")}.` : "";
}

export function summary(doc) {
  const list = wrong(doc);
  const state = list.length ? `${plural(list.length, "thing is", "things are")} wrong: ${list.map((w) => w.text).join("; ")}.` : "All is well.";
  put($("state"), state + inForce(doc));
  name($("state"), `state ${list.length ? "bad" : "good"}`);
  put($("host"), doc.server.name);
  document.title = `${list.length ? `(${list.length}) ` : ""}${doc.server.name} – forwarder`;
  put($("about"), `forwarder ${doc.server.version}, process ${doc.server.pid}. All times are UTC`);
  troubles(doc);
  tell(doc, state, list.map((w) => w.key).join("; "));
}

const failingColumns = [
  { head: "Zone", text: (f) => f.zone, long: true },
  { head: "Failed", value: (f) => f.failed, text: (f) => count(f.failed) },
  { head: "Of queries", value: (f) => f.queries, text: (f) => count(f.queries) },
  { head: "Clients", value: (f) => f.clients, text: (f) => count(f.clients) },
];

function troubles({ troubles: list, failing }) {
  $("troubles").hidden = !list.length && !failing.length;
  table($("failing"), "Failed in the last minute", failingColumns, failing, (f) => f.zone);
  keep($("trouble-list"), list, (t) => `${t.kind} ${t.subject} ${t.since}`, makeTrouble, fillTrouble);
}

const makeTrouble = () => el("li", "", el("p", "", el("span", "tag bad"), " ", el("b")), el("p", "quiet", "since ", time(), ", for ", el("span"), el("span")));

function fillTrouble(node, t) {
  const [what, when] = node.children;
  name(node, t.now ? "" : "gone");
  put(what.firstChild, t.kind);
  put(what.lastChild, t.text);
  at(when.children[0], t.since);
  since(when.children[1], t.since);
  put(when.children[2], ` · ${count(t.failed)} of ${plural(t.queries, "query", "queries")} failed · ${plural(t.clients, "client")} affected`);
}

let told = new Map(); // what was told, by what it is about: a key, and the text of then

// tell speaks of a new state, and of names that are given other data.
function tell(doc, state, key) {
  const facts = new Map([["", { key, text: state }]]);
  for (const r of rowsOf(doc)) {
    const text = `${r.key} is now ${data(r.set.given)}, by ${why(r)}.`;
    facts.set(r.key, { key: text, text });
  }
  const news = [...facts].filter(([about, f]) => (about === "" || told.has(about)) && told.get(about)?.key !== f.key);
  told = facts;
  if (news.length) put($("announce"), news.slice(0, 3).map(([, f]) => f.text).join(" "));
}
