package sizing

import (
	"container/list"
	"math/rand/v2"
	"time"
)

// Scenario is a workload before a forwarder and its upstream.
type Scenario struct {
	Workload
	Upstream
	Warm      time.Duration // not measured
	Flush     bool          // all that is cached is forgotten at the end of that
	PPS       int           // packets a second of all interfaces together; 0 is no limit
	Prefetch  bool          // as in BIND's defaults
	Watched   int           // the most popular names: handed out with TTL 0
	Probed    int           // watched names with a wildcard, asked each second
	Verifying int           // watched names that have just changed
}

// CheckedPackets are those to upstream a second for a watched name while it is verified:
// forwarder measures it in a test.
const CheckedPackets = 2.6

// The rules of the package forwarder, by the same names.
const (
	repeatFor        = 100 * time.Millisecond
	prefetchTrigger  = 2 * time.Second
	prefetchEligible = 9 // seconds
	prefetchEvery    = time.Second
	prefetchRest     = time.Minute
)

// fetch is a question that is being asked.
type fetch struct {
	key     int
	refresh bool // nobody waits
	began   time.Duration
	tries   int
	sent    time.Duration // the last of them, which
	ttl     uint32        // was answered with that TTL
	waiters []int         // clients

	line
	place *list.Element // nil: it does not wait for a packet
	due   time.Duration // when it is given up, if it does
}

// entry is what the forwarder knows of a key.
type entry struct {
	expires  time.Duration // 0: nothing is kept
	again    time.Duration // until when an answer without TTL is given again
	prefetch time.Duration // before which it is not prefetched again
	ttl      uint32        // seconds
	fetch    *fetch
}

// model is a scenario that runs.
type model struct {
	Scenario
	now      time.Duration
	random   *rand.Rand
	upstream *caches
	budget   budget
	entries  []entry
	held     [][]time.Duration // until when each client holds the answer to each key
	events   events
	armed    bool          // drain is among the events
	pending  int           // questions being asked
	rest     time.Duration // until when nothing is prefetched
	carried  float64       // of checks, less than a packet
	result   Result
}

// Run simulates s.
func Run(s Scenario) *Result {
	m := newModel(s)
	m.run()
	return &m.result
}

func newModel(s Scenario) *model {
	ttls := s.keyTTLs()
	m := &model{Scenario: s, random: s.random(3), upstream: newCaches(s.Upstream, ttls, s.random(4)), entries: make([]entry, len(ttls))}
	m.budget.limit(s.PPS)
	for range s.Clients {
		m.held = append(m.held, make([]time.Duration, len(ttls)))
	}
	seconds := int((s.Length - s.Warm) / time.Second)
	m.result.Seconds, m.result.Waiting = make([]int, seconds), make([]int, seconds)
	m.at(0, (*model).second, nil)
	if s.Flush {
		m.at(s.Warm, (*model).flush, nil)
	}
	return m
}

func (m *model) run() {
	for q := range m.Queries() {
		m.advance(q.At)
		m.ask(q.Key)
	}
	m.advance(m.Length)
}

// measured reports whether what happens now counts, and in which second.
func (m *model) measured() (second int, ok bool) {
	second = int((m.now - m.Warm) / time.Second)
	return second, m.now >= m.Warm && second < len(m.result.Seconds)
}

// ask takes a user's query, which a client that caches may answer.
func (m *model) ask(key int) {
	who := 0
	if m.Clients > 0 {
		who = m.random.IntN(m.Clients)
	}
	_, counts := m.measured()
	m.result.Users += one(counts)
	if m.Clients > 0 && m.now < m.held[who][key] {
		return
	}
	m.result.Queries += one(counts)
	m.query(key, who, one(counts))
}

// query takes a client's query, which counts 1 or 0.
func (m *model) query(key, who, counts int) {
	e := &m.entries[key]
	switch {
	case m.now < e.expires:
		m.result.Hits += counts
		m.give(who, key)
		m.prefetchInTime(key, e)
	case m.now < e.again:
		m.result.Hits += counts
	case e.fetch != nil:
		m.result.Joined += counts
		m.join(e, who)
	default:
		m.result.Misses += counts
		f := &fetch{key: key, began: m.now, waiters: []int{who}, line: client}
		if e.expires > 0 {
			f.line = hot
		}
		m.start(f)
	}
}

// give lets a client that caches hold the answer to a key: TTLs are rounded up.
func (m *model) give(who, key int) {
	if m.Clients > 0 && key/m.Types >= m.Watched {
		left := m.entries[key].expires - m.now
		m.held[who][key] = m.now + (left + time.Second - 1).Truncate(time.Second)
	}
}

// join adds a client to a question that is being asked.
func (m *model) join(e *entry, who int) {
	f := e.fetch
	to := shared
	if e.expires > 0 {
		to = hot
	}
	if f.refresh && e.expires == 0 {
		to = client
	}
	f.refresh = false
	f.waiters = append(f.waiters, who)
	if f.line == retried || to >= f.line {
		return
	}
	waits := f.place != nil
	if waits {
		m.budget.remove(f)
	}
	if f.line = to; waits {
		m.budget.put(f)
	}
}

func (m *model) prefetchInTime(key int, e *entry) {
	if !m.Prefetch || e.expires-m.now > prefetchTrigger || e.ttl < prefetchEligible || m.now < e.prefetch {
		return
	}
	e.prefetch = m.now + prefetchEvery
	if e.fetch == nil && m.now >= m.rest && !m.budget.strained(m.now) {
		m.start(&fetch{key: key, began: m.now, refresh: true, line: prefetch})
	}
}

// start asks f's question, or queues it, or gives up another for it.
func (m *model) start(f *fetch) {
	m.entries[f.key].fetch = f
	if m.pending++; m.pending > mostPending {
		victim := m.budget.oldest(f.line)
		if victim == nil {
			victim = f
		}
		if m.fail(victim); victim == f {
			return
		}
	}
	m.try(f)
}

// try sends f's next packet, or makes it wait for one.
func (m *model) try(f *fetch) {
	if !m.budget.ahead(f.line) && m.budget.spend(m.now) {
		m.send(f)
		return
	}
	if f.due = f.began + firstWait; f.tries > 0 {
		f.due = f.began + wait
	}
	m.budget.put(f)
	m.noteWaiting()
	m.at(f.due, (*model).giveUp, f)
	m.drainSoon()
}

func (m *model) giveUp(f *fetch) {
	if f.place != nil && m.now >= f.due {
		m.fail(f)
	}
}

// send sends f's packet, which is answered or lost.
func (m *model) send(f *fetch) {
	f.tries++
	second, counts := m.measured()
	m.packet(second, counts)
	switch {
	case f.tries > 1:
		m.result.Retries += one(counts)
	case f.refresh:
		m.result.Prefetches += one(counts)
	}
	if m.Loss > 0 && m.random.Float64() < m.Loss {
		m.at(m.now+m.timeout(f.tries), (*model).retry, f)
		return
	}
	f.sent, f.ttl = m.now, m.upstream.answer(f.key, m.now+m.RTT/2)
	m.at(m.now+m.RTT, (*model).answer, f)
}

func (m *model) packet(second int, counts bool) {
	if counts {
		m.result.Packets++
		m.result.Seconds[second]++
	}
}

// timeout is how long the n-th try waits for its answer on a path that is known.
func (m *model) timeout(n int) time.Duration {
	const least, pause = 50 * time.Millisecond, time.Second
	rto := m.RTT + least
	switch {
	case n <= 1:
		return rto
	case n <= 3:
		return min(rto, max(rto/2, 2*m.RTT))
	}
	return min(rto<<min(n-3, 4), max(rto, pause))
}

func (m *model) retry(f *fetch) {
	if m.now >= f.began+wait {
		m.fail(f)
		return
	}
	f.line = retried
	m.try(f)
}

// answer keeps the answer to f's packet, and gives it to those who wait.
func (m *model) answer(f *fetch) {
	e := &m.entries[f.key]
	if m.pending--; e.fetch == f {
		e.fetch = nil
		m.keep(f, e)
	}
	for _, who := range f.waiters {
		m.give(who, f.key)
	}
}

// keep puts an answer into the cache: TTLs count from when it was asked for.
func (m *model) keep(f *fetch, e *entry) {
	if f.ttl == 0 {
		e.expires, e.again = 0, m.now+repeatFor
		return
	}
	expires := f.sent + time.Duration(f.ttl)*time.Second
	if f.refresh && m.now < e.expires && expires < e.expires+time.Second {
		m.rest = m.now + prefetchRest
	}
	e.expires, e.ttl = expires, f.ttl
}

// fail ends f without an answer.
func (m *model) fail(f *fetch) {
	if _, counts := m.measured(); counts {
		m.result.Failed += len(f.waiters)
	}
	if f.place != nil {
		m.budget.remove(f)
		m.noteWaiting()
	}
	if e := &m.entries[f.key]; e.fetch == f {
		e.fetch = nil
	}
	m.pending--
}

// flush forgets what is cached; what is being asked is not kept.
func (m *model) flush(*fetch) {
	for i := range m.entries {
		m.entries[i] = entry{}
	}
}

// second is what happens once a second: checks of watched names.
func (m *model) second(*fetch) {
	m.carried += float64(m.Probed) + CheckedPackets*float64(m.Verifying)
	m.budget.owed += int(m.carried)
	m.carried -= float64(int(m.carried))
	m.sendWaiting()
	m.at(m.now+time.Second, (*model).second, nil)
}

func (m *model) drainSoon() {
	if !m.armed && m.budget.waiting()+m.budget.owed > 0 {
		m.armed = true
		m.at(m.now+max(drainEvery, m.budget.interval), (*model).drain, nil)
	}
}

// drain is the event that is armed.
func (m *model) drain(*fetch) {
	m.armed = false
	m.sendWaiting()
}

// sendWaiting sends what waits, as far as the packets last.
func (m *model) sendWaiting() {
	for ; m.budget.owed > 0 && m.budget.spend(m.now); m.budget.owed-- {
		second, counts := m.measured()
		m.packet(second, counts)
		m.result.Checks += one(counts)
	}
	for m.budget.owed == 0 {
		f := m.budget.next(m.now)
		if f == nil || !m.budget.spend(m.now) {
			break
		}
		m.budget.remove(f)
		m.send(f)
		m.noteWaiting()
	}
	m.drainSoon()
}

// noteWaiting notes how many wait for a packet.
func (m *model) noteWaiting() {
	second, counts := m.measured()
	if !counts {
		return
	}
	n := m.budget.waiting()
	m.result.Waiting[second] = max(m.result.Waiting[second], n)
	m.result.Waited, m.result.Settled, m.result.Until = true, m.now-m.Warm, m.result.Packets
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (m *model) at(at time.Duration, do func(*model, *fetch), f *fetch) {
	m.events.push(event{at: at, do: do, f: f})
}

// advance lets all happen that is due until then.
func (m *model) advance(until time.Duration) {
	for len(m.events.heap) > 0 && m.events.heap[0].at <= until {
		e := m.events.pop()
		m.now = e.at
		e.do(m, e.f)
	}
	m.now = until
}
