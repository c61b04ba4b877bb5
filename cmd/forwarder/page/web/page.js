// The page: it follows the forwarder's events, and shows each document.

import { $, el, name, put } from "./dom.js";
import { history, point, start } from "./charts.js";
import { follow } from "./live.js";
import { names } from "./names.js";
import { panels } from "./panels.js";
import { summary } from "./summary.js";
import { clock } from "./format.js";
import { now, set, since, tick } from "./time.js";

const form = 1; // of the document

let program; // the forwarder's version that the page is of
let latest; // when the last document was made, as the forwarder's clock says
let lost = false;

function status(doc) {
  program ??= doc.server?.version;
  if (program !== doc.server?.version) return location.reload(); // it has another page now
  if (doc.version !== form) return outdated(doc.version);
  set(doc.now);
  latest = doc.now;
  connected(true);
  summary(doc);
  names(doc);
  panels(doc);
  point(doc.point);
  tick();
}

// outdated says that the page is not the one that goes with the document: something
// between the two has kept an old one.
function outdated(version) {
  put($("link"), `The forwarder has form ${version} of the document, this page reads form ${form}: reload the page.`);
  name($("link"), "link lost");
}

function connected(yes) {
  lost = !yes;
  document.documentElement.classList.toggle("stale", lost);
  name($("link"), lost ? "link lost" : "link");
  if (!lost) put($("link"), `Live, ${clock(latest, now())} UTC`);
}

// gone says since when the figures are of the past, and why, if that is known.
function gone(why) {
  const link = $("link");
  link.replaceChildren("Not connected");
  if (latest) {
    link.append(` since ${clock(latest, now())} UTC, for `, el("span"));
    since(link.lastChild, latest);
  }
  link.append(why ? `: ${why}` : latest ? "" : ": the forwarder does not answer");
}

function disconnected(why) {
  if (!lost) put($("announce"), "Not connected to the forwarder: what is shown is old.");
  connected(false);
  gone(why);
}

start();
follow("api/v1/events", { history, status, lost: disconnected });
setInterval(tick, 1000);
