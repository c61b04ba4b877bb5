// Writes values for people. Times are UTC, as in the log of a server.

const two = (n) => String(n).padStart(2, "0");

// isTime reports whether a time of the document is one: Go's zero is none.
export const isTime = (iso) => Boolean(iso) && !iso.startsWith("0001-");

// clock writes the time of day, and the date where it is not that of now.
export function clock(iso, now) {
  const t = new Date(iso);
  const day = `${t.getUTCFullYear()}-${two(t.getUTCMonth() + 1)}-${two(t.getUTCDate())}`;
  const time = `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}:${two(t.getUTCSeconds())}`;
  return Math.abs(now - t) < 43200e3 ? time : `${day} ${time}`;
}

// span writes a duration of whole seconds.
export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${two(Math.floor(s / 60) % 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

// latency writes a duration with two digits that count.
export function latency(s) {
  if (!(s > 0)) return "–";
  if (s < 1e-3) return `${digits(s * 1e6)} µs`;
  return s < 1 ? `${digits(s * 1e3)} ms` : `${digits(s)} s`;
}

const digits = (n) => (n >= 10 ? String(Math.round(n)) : n.toFixed(1));

export const count = (n) => Number(n ?? 0).toLocaleString("en");

// rate writes a number a second.
export const rate = (n) => (n >= 10 || n === 0 ? count(Math.round(n)) : n < 0.05 ? "< 0.1" : n.toFixed(1));

export const percent = (share) => (share > 0 && share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(share > 0.1 || share === 0 ? 0 : 1)} %`);

export function octets(n) {
  if (n < 1000) return `${n} B`;
  const i = Math.min(3, Math.floor(Math.log10(n) / 3));
  return `${digits(n / 10 ** (3 * i))} ${["B", "kB", "MB", "GB"][i]}`;
}

// plural writes a count with its noun.
export const plural = (n, one, many = one + "s") => `${count(n)} ${n === 1 ? one : many}`;

// data writes a set of records.
export const data = (list) => (list && list.length ? list.join(", ") : "no data");

export const same = (a, b) => (a ?? []).length === (b ?? []).length && [...(a ?? [])].sort().join("\n") === [...(b ?? [])].sort().join("\n");
