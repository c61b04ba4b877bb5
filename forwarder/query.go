package forwarder

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"vpcdns/cache"
	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/wire"
)

// client is who asks.
type client struct {
	addr  netip.AddrPort
	local netip.AddrPort // our address that was asked
	via   via
}

// via is how a query came.
type via uint8

const (
	viaUDP via = iota
	viaTCP
	viaExchange // Server.Exchange: no access list holds for it
	numVias
)

// query is one query while it is answered. It may be used again for the next.
type query struct {
	client
	wire.Query
	may    rights
	key    wire.Key      // as upstream is asked; in buf
	hash   uint64        // of key
	zone   *zone         // whose servers are to be asked
	known  bool          // the cache has an expired answer
	walk   *walk         // nil unless its chain has more than one source
	zoneID uint16        // under which the last reply was counted
	free   bool          // the reply is none whose rate is limited
	inView bool          // BIND would have a view for it; set where messages are observed
	since  time.Duration // when it came
	logged bool          // it is one of those that are logged, with its response
	looked bool          // it is one that data is looked for; set where it is counted
	buf    [maxKey]byte
}

// maxKey is the longest key: a name, type, class and the bits.
const maxKey = 255 + 4 + 1

// name is the name asked, in lower case, of a query that has its key.
func (q *query) name() []byte { return q.key.Name() }

// setKey sets the key and its hash.
func (q *query) setKey(c *cache.Cache) {
	q.key = q.AppendKey(q.buf[:0])
	q.hash = c.Hash(q.key)
}

// outcome is what became of a query.
type outcome uint8

const (
	replied outcome = iota // a reply was appended
	dropped                // there is none to send
	waiting                // upstream must be asked
)

// serve appends the reply to msg, if there is one now. q.client is set.
func (w *worker) serve(dst, msg []byte, q *query) ([]byte, outcome) {
	fault := q.Parse(msg)
	q.zone, q.walk, q.free, q.logged, q.since = nil, nil, false, false, w.now
	if q.may = allRights; q.via != viaExchange {
		q.may = w.rightsOfClient(q)
	}
	if q.may.blackholed || fault == wire.Ignore {
		return w.ignore(dst, fault)
	}
	if q.Question != nil {
		w.noteQuery(fault, q)
	}
	if w.observers != 0 {
		w.came(fault, q, msg)
	}
	if fault != wire.Sound || !isData(&q.Query) || q.EDNS.Cookie != nil && w.st.cfg.EDNS.RequireServerCookie {
		if dst, what := w.serveUnusual(dst, fault, q); what != waiting {
			return dst, what
		}
	}
	if !q.may.cache {
		return w.deny(dst, q)
	}
	q.setKey(w.cache)
	e, ok := w.cache.Get(q.hash, q.key)
	fresh := ok && w.now < e.Expires()
	if fresh && suits(e, q.EDNS.DO) {
		return w.hit(dst, e, q)
	}
	if other, found := findOther(w.cache, q.key, q.EDNS.DO, fresh, w.now); found {
		return w.hit(dst, other, q)
	}
	return w.miss(dst, e, ok, q)
}

var allRights = rights{inView: true, cache: true, recurse: true}

// isData reports whether a query is one for the cache: class IN, and a type of
// data or ANY (RFC 6895, 3.1: types 128 to 255 are not data).
func isData(q *wire.Query) bool {
	return q.Class == wire.ClassIN && (q.Type < 128 || q.Type >= wire.TypeANY) && q.Type != wire.TypeOPT
}

func (w *worker) ignore(dst []byte, fault wire.Fault) ([]byte, outcome) {
	if fault == wire.Ignore {
		w.tally.Malformed++
	} else {
		w.tally.Dropped++
	}
	return dst, dropped
}

// noteQuery tells of a query those who want to know.
func (w *worker) noteQuery(fault wire.Fault, q *query) {
	if byQuery := w.queryLog.Load(); byQuery || w.observers&observedByLog != 0 {
		q.logged = isLogged(fault, q) && w.sampled()
		if byQuery && q.logged {
			w.logQuery(q)
		}
	}
	if w.events.Query != nil && !w.isProbe(q) {
		w.events.Query(q.info())
	}
}

// hit replies with a fresh entry.
func (w *worker) hit(dst []byte, e cache.Entry, q *query) ([]byte, outcome) {
	zone, ans := splitValue(e.Value())
	if !ans.Plain() {
		return w.hitWatched(dst, e, q)
	}
	w.countHit(e)
	dst = w.reply(dst, q, ans, wire.Aging{Sub: elapsed(w.now - e.Stored())}, ede{})
	w.count(q, zone, SourceHit, ans.Rcode())
	w.prefetchInTime(e, q)
	return dst, replied
}

// miss looks for an answer elsewhere than in a fresh entry. e is an expired
// one when ok is true.
func (w *worker) miss(dst []byte, e cache.Entry, ok bool, q *query) ([]byte, outcome) {
	z := w.zoneOf(q)
	if p := w.pinFor(q, z); p != nil {
		return w.fromPin(dst, p, q)
	}
	if z != nil {
		return w.fromZone(dst, z, q)
	}
	f := w.beyond(e, ok, q)
	switch {
	case f.rejected:
		return w.reject(dst, q, f.reason), replied
	case f.what == waiting:
		return dst, waiting
	case f.plain.Open():
		return w.walkFrom(dst, q, f)
	}
	return w.respond(dst, q, &f.response, f.zone), replied
}

// found is what is known at once of a question.
type found struct {
	what     outcome // replied: response is it; waiting: upstream is to be asked
	rejected bool    // neither, for that reason
	reason   reason
	response
	zone uint16 // under which it is counted
}

// fresh is what a fresh entry says.
func (w *worker) fresh(e cache.Entry, q *query) found {
	zone, _ := splitValue(e.Value())
	w.countHit(e)
	w.prefetchInTime(e, q)
	return found{response: fromCache(e), zone: zone}
}

// beyond looks for an answer to q elsewhere than in fresh entries. e is an expired
// one when ok is true.
func (w *worker) beyond(e cache.Entry, ok bool, q *query) found {
	q.zone, q.known = w.st.routes.find(q.name(), q.Type), ok
	if why, rejected := w.mayAsk(q); rejected {
		return found{rejected: true, reason: why}
	}
	if ok && w.staleNow(e, q) {
		w.countHit(e)
		w.prefetch(e, q)
		return found{response: w.staleRefresh(e, q), zone: q.zone.id}
	}
	if p := w.repeats.get(q.hash, q.key, w.now); p != nil {
		w.tally.Repeated++
		return found{response: response{answers: p.answers, asOf: p.asOf, from: SourceHit}, zone: p.zone}
	}
	if w.servfails.Has(q.hash, w.now, w.st.cfg.Cache.ServfailTTL) {
		return found{response: failure(SourceHit, ede{code: wire.EDECachedError}), zone: q.zone.id}
	}
	return found{what: waiting}
}

// wait returns a waiter for q. Its way back is to be set.
func (w *worker) wait(q *query) *waiter {
	r := w.waiters.get(q, w.st)
	r.since, r.logged = w.now, q.logged
	r.turn, r.from = w.turnOf(q)
	if q.walk != nil {
		r.waitFor(q.walk)
	}
	return r
}

// mayAsk returns why upstream is not asked for q, if so.
func (w *worker) mayAsk(q *query) (why reason, rejected bool) {
	switch {
	case !q.may.recurse:
		return recursionProhibited, true
	case q.zone == nil || len(q.zone.servers) == 0 && !q.zone.barred:
		return noForwarders, true
	case q.Flags&wire.RD == 0:
		return noRecursion, true
	case q.zone.barred:
		return barred, true
	case w.draining.Load():
		return shuttingDown, true
	case w.fromUs(q):
		w.damage.Loop(q.zone.id, q.zone.server(q.addr.Addr()))
		return forwardingLoop, true
	}
	return 0, false
}

// fromUs reports whether the query is one that we sent: our client cookies are
// known to nobody but the server asked.
func (w *worker) fromUs(q *query) bool {
	ck := q.EDNS.Cookie
	return len(ck) >= 8 && w.st.upstream.OwnsCookie([8]byte(ck))
}

// comesBack reports whether w asks what one of the servers of its zone is being
// asked, and is that server: they ask each other. It only leads to a line in the
// log, as addresses can be forged. All programs of this host share a loopback
// address, which tells no server from a client.
func (w *waiter) comesBack() bool {
	return !w.refresh && w.via != viaExchange && !w.addr.Addr().IsLoopback() && w.zone.server(w.addr.Addr()).IsValid()
}

// zoneNumber is the number under which the zone of q is counted.
func (q *query) zoneNumber() uint16 {
	if q.zone == nil {
		return 0
	}
	return q.zone.id
}

// countHit counts a use of an entry.
func (w *worker) countHit(e cache.Entry) {
	e.CountHit(w.roll() >> 32)
}

// count counts a reply, and tells of it those who want to know.
func (w *worker) count(q *query, zone uint16, from Source, rcode int) {
	q.zoneID = zone
	w.tally.Reply(zone, from, rcode)
	if from == SourceRefused || w.glance.late || w.glance.replies.Picks() {
		w.lookAt(q, from, rcode)
	}
	if w.events.Response != nil {
		w.noteResponse(q, from, rcode)
	}
	if w.tail.On() {
		w.noteTail(q, from, rcode)
	}
}

// worker is what a goroutine that answers queries has of its own.
type worker struct {
	*engine
	st        *state        // of this batch
	now       time.Duration // of this batch, on the server's clock
	tally     *counts.Tally
	order     wire.Order
	random    uint64     // for countHit
	misses    waiterList // of this batch, for the queue
	observers observers  // of this batch
	number    uint32     // of the worker, for clientCounts
	line      []byte     // that was logged last, to be used again

	last   netip.Addr // whose rights are known: clients come in runs
	rights rights

	glance glance
}

// rights are what the access lists grant to an address.
type rights struct{ blackholed, inView, cache, recurse bool }

// init prepares a worker that counts in to.
func (w *worker) init(e *engine, to *counts.Replies) {
	w.engine = e
	w.tally = &counts.Tally{To: to}
	w.number = e.workers.Add(1)
	w.order.State, w.random = rand.Uint64(), rand.Uint64()
	w.glance.replies.Most, w.glance.refused.Most = sampledUDP, sampledUDP
}

// begin starts a batch.
func (w *worker) begin() {
	if st := w.state.Load(); st != w.st {
		w.st, w.last = st, netip.Addr{}
		w.order.Mode = st.order
	}
	if set := w.insight.clients.Set(); set != w.glance.set {
		w.glance.set, w.last = set, netip.Addr{}
	}
	w.now = w.clock.now()
	w.observers = observers(w.observing.Load())
	w.glance.replies.Begin(w.now)
}

// end finishes a batch: misses are queued to be asked.
func (w *worker) end() {
	w.queue.submit(&w.misses)
	w.tally.Publish()
	w.left()
}

// rightsOfClient returns the rights of q's client, and counts it if it is another one
// than the last.
func (w *worker) rightsOfClient(q *query) rights {
	if q.addr.Addr() != w.last {
		w.rightsOf(q.addr.Addr())
		w.noteClientOf(q)
	}
	return w.rights
}

// rightsOf returns the rights of addr.
func (w *worker) rightsOf(addr netip.Addr) rights {
	if addr != w.last {
		sets := &w.st.sets
		w.last = addr
		w.rights = rights{sets.blackhole.Match(addr), sets.view == nil || sets.view.Match(addr), sets.cache.Match(addr), sets.recurse.Match(addr)}
	}
	return w.rights
}
