package forwarder

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"vpcdns/cache"
	"vpcdns/forwarder/wire"
)

// outcome is what became of a query.
type outcome uint8

const (
	replied outcome = iota // a reply was appended
	dropped                // there is none to send
	waiting                // the slow path must ask upstream
)

// client is who asks.
type client struct {
	addr  netip.AddrPort
	local netip.AddrPort // our address that was asked
	tcp   bool
}

// rights are what the access lists grant to an address.
type rights struct{ blackholed, cache, recurse bool }

// answerer turns messages of clients into replies. It belongs to one
// goroutine, and its fields about the query hold from serve to the next serve.
type answerer struct {
	s     *Server
	st    *state        // of this batch
	now   time.Duration // of this batch, on the server's clock
	tally *tally
	order wire.Order

	last   netip.Addr // whose rights are known: clients come in runs
	rights rights

	misses waiterList // of this batch, for the slow path

	q    wire.Query
	hash uint64
	zone *zone // of a query that waits
	hot  bool  // the cache has an expired answer to it

	counted uint16 // the zone under which the last reply was counted
	buf     [maxKey]byte
	key     []byte
}

// maxKey is the longest key: a name, type, class and the bits.
const maxKey = 255 + 4 + 1

// init prepares an answerer that counts in to.
func (a *answerer) init(s *Server, to *counters) {
	a.s = s
	a.tally = &tally{to: to}
	a.order.State = rand.Uint64()
}

// begin starts a batch.
func (a *answerer) begin() {
	if st := a.s.state.Load(); st != a.st {
		a.st, a.last = st, netip.Addr{}
		a.order.Mode = st.order
	}
	a.now = a.s.clock()
}

// end finishes a batch: misses go to the slow path.
func (a *answerer) end() {
	a.s.slow.submit(&a.misses)
	a.tally.publish()
}

// rightsOf returns the rights of addr.
func (a *answerer) rightsOf(addr netip.Addr) rights {
	if addr != a.last {
		sets := &a.st.sets
		a.last = addr
		a.rights = rights{sets.blackhole.Match(addr), sets.cache.Match(addr), sets.recurse.Match(addr)}
	}
	return a.rights
}

// serve appends the reply to msg, if there is one now.
func (a *answerer) serve(dst, msg []byte, c *client) ([]byte, outcome) {
	fault := a.q.Parse(msg)
	may := a.rightsOf(c.addr.Addr())
	if may.blackholed || fault == wire.Ignore {
		return a.ignore(dst, fault)
	}
	if a.s.queryLog.Load() && a.q.Question != nil {
		a.logQuery(c)
	}
	if fault != wire.Sound || !ordinary(&a.q) || a.q.EDNS.Cookie != nil && a.st.cfg.EDNS.RequireServerCookie {
		if dst, done := a.special(dst, fault, c); done != waiting {
			return dst, done
		}
	}
	if !may.cache {
		return a.denied(dst, c)
	}
	a.key = a.q.AppendKey(a.buf[:0])
	a.hash = a.s.cache.Hash(a.key)
	e, ok := a.s.cache.Get(a.hash, a.key)
	if ok && a.now < e.Expires() {
		return a.hit(dst, e, c), replied
	}
	return a.miss(dst, e, ok, c)
}

// ordinary reports whether a query is one for the cache: class IN, and a type
// of data or ANY (RFC 6895, 3.1: types 128 to 255 are not data).
func ordinary(q *wire.Query) bool {
	return q.Class == wire.ClassIN && (q.Type < 128 || q.Type >= wire.TypeANY) && q.Type != wire.TypeOPT
}

func (a *answerer) ignore(dst []byte, fault wire.Fault) ([]byte, outcome) {
	if fault == wire.Ignore {
		a.tally.malformed++
	} else {
		a.tally.dropped++
	}
	return dst, dropped
}

// hit replies with a fresh entry.
func (a *answerer) hit(dst []byte, e cache.Entry, c *client) []byte {
	zone, ans := splitValue(e.Value())
	dst = a.reply(dst, ans, wire.Aging{Sub: elapsed(a.now - e.Stored())}, c, cachedError(ans))
	a.count(zone, SourceHit, ans.Rcode())
	if p := &a.st.cfg.Cache; e.Expires()-a.now <= p.PrefetchTrigger && p.PrefetchTrigger > 0 {
		a.prefetch(e)
	}
	return dst
}

// cachedError is what is said of an answer that is kept: the only failures are
// chains without end.
func cachedError(ans wire.Answer) ede {
	if ans.Rcode() == wire.ServFail {
		return edeLoop
	}
	return ede{}
}

// miss looks for an answer elsewhere than in a fresh entry. e is an expired
// one when ok is true.
func (a *answerer) miss(dst []byte, e cache.Entry, ok bool, c *client) ([]byte, outcome) {
	name := a.key[:len(a.key)-5]
	a.zone, a.hot = a.st.routes.find(name, a.q.Type), ok
	if z := a.st.local.Find(name); z != nil && (a.zone == nil || len(a.zone.name) <= len(z.Apex)) {
		return a.fromZone(dst, z, c)
	}
	switch {
	case !a.rights.recurse:
		return a.prohibited(dst, c), replied
	case a.zone == nil || len(a.zone.servers) == 0:
		return a.refuse(dst, c, ede{wire.EDENotAuth, "no forwarders for this name"}), replied
	case a.q.Flags&wire.RD == 0:
		return a.refuse(dst, c, ede{wire.EDENotAuth, "not in cache, and recursion not desired"}), replied
	case a.s.draining.Load():
		return a.fail(dst, c, ede{wire.EDENotReady, "shutting down"}), replied
	case a.fromUs():
		return a.fail(dst, c, ede{wire.EDENetwork, "forwarding loop"}), replied
	}
	if ok {
		if a.staleNow(e) {
			return a.stale(dst, e, c), replied
		}
	}
	if a.s.servfails.recent(a.hash, a.now, a.st.cfg.Cache.ServfailTTL) {
		return a.failedLately(dst, c), replied
	}
	return dst, waiting
}

// fromUs reports whether the query is one that we sent: our client cookies are
// known to nobody but the server asked.
func (a *answerer) fromUs() bool {
	ck := a.q.EDNS.Cookie
	return len(ck) >= 8 && a.st.upstream.OwnsCookie([8]byte(ck))
}

// zoneID returns the number under which the current query's zone is counted.
func (a *answerer) zoneID() uint16 {
	if a.zone == nil {
		return 0
	}
	return a.zone.id
}

// count counts a reply.
func (a *answerer) count(zone uint16, s Source, rcode int) {
	a.counted = zone
	a.tally.reply(zone, s, rcode)
}

// A cache entry's value is the number of its zone and the answer.

func appendZone(dst []byte, id uint16) []byte { return append(dst, byte(id>>8), byte(id)) }

func splitValue(v string) (zone uint16, ans wire.Answer) {
	return uint16(v[0])<<8 | uint16(v[1]), wire.Answer(v[2:])
}
