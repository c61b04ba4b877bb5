// The stream of events from the forwarder: it is opened again whenever it ends, fails
// or falls silent.

const silence = 5000; // ms: a document comes every second
const again = [500, 1000, 2000, 4000]; // ms before the next try

// follow calls on[EVENT](data) for each event, and on.lost(why) when the connection is;
// why is what the forwarder says of it, if it does.
export function follow(url, on) {
  let source, timer;
  let failures = 0;

  function open() {
    source = new EventSource(url);
    for (const event of ["history", "status"]) source.addEventListener(event, (e) => receive(event, e.data));
    source.onerror = fail;
    wait();
  }

  function receive(event, text) {
    failures = 0;
    wait();
    on[event](JSON.parse(text));
  }

  function wait() {
    clearTimeout(timer);
    timer = setTimeout(fail, silence);
  }

  async function fail() {
    clearTimeout(timer);
    const refused = source.readyState === EventSource.CLOSED; // else it would try again
    source.close();
    const { why, after } = refused ? await refusal(url) : {};
    on.lost(why);
    const pause = after ? 1000 * after : again[Math.min(failures++, again.length - 1)];
    timer = setTimeout(open, pause * (0.75 + Math.random() / 2)); // viewers come back one by one
  }

  open();
}

// refusal asks why there are no events, and in how many seconds there may be.
async function refusal(url) {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(silence) });
    if (!answer.ok) return { why: (await answer.text()).trim(), after: Number(answer.headers.get("Retry-After")) };
    answer.body.cancel(); // there is a place now
  } catch {
    // it does not answer
  }
  return {};
}
