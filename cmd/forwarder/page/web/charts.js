// The charts: uPlot draws on a canvas, so colours are read from the style sheet, again
// whenever the scheme changes.

import { $, el, figure, keep, put } from "./dom.js";
import { clock } from "./format.js";
import { charts as specs } from "./series.js";

const length = 900; // s
const height = 140; // px
const gap = 5; // s without a point, after which some are missing
const dashes = [[], [6, 4], [2, 3]];

let times = [];
let columns = {}; // by name, each as long as times
const drawn = [];

export function start() {
  for (const spec of specs) drawn.push(frame(spec));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach(rebuild));
}

// frame makes the room of a chart: its title, its legend, its canvas.
function frame(spec) {
  const chart = { spec, legend: el("ul", "legend"), box: el("div", "plot"), lines: [] };
  chart.figure = el("figure", "", el("figcaption", "", spec.title), chart.box, chart.legend);
  chart.figure.hidden = true;
  $("charts").append(chart.figure);
  new ResizeObserver(() => chart.plot?.setSize({ width: chart.box.clientWidth, height })).observe(chart.box);
  return chart;
}

export function history(h) {
  times = h.times.slice(-length);
  columns = {};
  for (const [name, values] of Object.entries(h.columns)) columns[name] = values.slice(-length);
  drawn.forEach(draw);
}

// point adds a moment. Columns come and go with servers and interfaces. Where the clock was
// set, the forwarder has moved all points with it.
export function point(p) {
  const t = Date.parse(p.time) / 1000;
  const last = times.at(-1) ?? t - 1;
  if (t < last - 1 || t > last + gap) return again();
  if (t <= last) return;
  for (const name of Object.keys(p.columns)) columns[name] ??= times.map(() => null);
  times.push(t);
  for (const [name, values] of Object.entries(columns)) values.push(p.columns[name] ?? null);
  const old = times.findIndex((x) => x > t - length);
  times.splice(0, old);
  for (const [name, values] of Object.entries(columns)) {
    values.splice(0, old);
    if (values.every((v) => v === null)) delete columns[name];
  }
  drawn.forEach(draw);
}

// again asks for all of it; where that fails, the next point does so too.
async function again() {
  const answer = await fetch("api/v1/history").catch(() => null);
  if (answer?.ok) history(await answer.json());
}

function draw(chart) {
  const lines = chart.spec.lines(columns);
  const changed = lines.map((l) => l.column).join() !== chart.lines.map((l) => l.column).join();
  chart.lines = lines;
  chart.figure.hidden = !lines.length;
  if (changed || !chart.plot) rebuild(chart);
  else chart.plot.setData(data(chart));
  legend(chart);
}

const data = (chart) => [times, ...chart.lines.map((l) => columns[l.column])];

function rebuild(chart) {
  chart.plot?.destroy();
  chart.plot = null;
  if (times.length) chart.plot = new uPlot(options(chart), data(chart), chart.box);
}

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function options({ spec, lines, box, ...chart }) {
  const axis = { stroke: color("--quiet"), grid: { stroke: color("--grid"), width: 1 }, ticks: { stroke: color("--grid"), width: 1 }, font: "12px system-ui, sans-serif" };
  return {
    width: box.clientWidth, height,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: "page" }, points: { size: 6 } },
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), "Etc/UTC"),
    scales: { x: { range }, y: spec.log ? { distr: 3, range: spec.range } : { range: (_, min, max) => spec.range?.(max) ?? [0, Math.max(1, max * 1.08)] } },
    axes: [{ ...axis, values: (_, list) => list.map(moment), space: 60, size: 28 }, { ...axis, size: 58, space: 26, splits: spec.splits, values: (_, list) => list.map((v) => (v === null ? "" : spec.unit(v))) }],
    series: [{}, ...lines.map((l, i) => ({ label: l.label, stroke: color(l.color), width: 1.5, dash: dashes[l.dash ?? i % 3], points: { show: false }, spanGaps: false }))],
    hooks: { setCursor: [(u) => legend({ spec, lines, ...chart }, u.cursor.idx)] },
  };
}

// range is what the charts show: what there is of the 15 minutes, and a minute at least.
function range() {
  const last = times.at(-1);
  return [Math.max(last - length, Math.min(times[0], last - 60)), last];
}

// moment writes seconds where the marks are closer than minutes.
const moment = (t) => clock(new Date(t * 1e3).toISOString(), t * 1e3).slice(0, t % 60 ? 8 : 5);

// legend names the lines with the values under the cursor, else the latest.
function legend({ spec, lines, legend: list }, index) {
  const i = index ?? times.length - 1;
  keep(list, lines, (l) => l.column, makeKey, (node, l) => {
    const value = columns[l.column]?.[i];
    node.firstChild.style.borderColor = `var(${l.color})`;
    node.firstChild.className = ["", "dash", "dot"][l.dash ?? lines.indexOf(l) % 3];
    put(node.children[1], l.label);
    figure(node.children[2], value ?? "", value == null ? "–" : spec.unit(value));
  });
}

const makeKey = () => el("li", "", el("i"), el("span"), " ", el("span"));
