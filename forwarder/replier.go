package forwarder

import (
	"errors"
	"time"

	"vpcdns/cache"
	"vpcdns/forwarder/scrub"
	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// replier answers those who waited. Each goroutine that brings answers has its
// own; it gathers their replies and sends them in batches.
type replier struct {
	answerer
	p    *slowpath
	msg  wire.Message
	asOf time.Duration // when msg was asked for, from which its TTLs count
	kept []byte        // scratch: an entry's value

	fresh bool // begin was called for this batch
	outs  []pendingOut

	tallies [2]tally // of replies over UDP and over TCP
}

// pendingOut is what will leave from one socket.
type pendingOut struct {
	conn udp.Conn
	out  *udp.Out
}

func (p *slowpath) newReplier() *replier {
	r := &replier{p: p}
	r.init(p.s, nil)
	r.tallies[0].to, r.tallies[1].to = p.s.udpCounters, p.s.tcpCounters
	r.tally = &r.tallies[0]
	return r
}

// out returns the batch that leaves from conn, with room for a reply.
func (r *replier) out(conn udp.Conn) *udp.Out {
	for i := range r.outs {
		if o := &r.outs[i]; o.conn == conn {
			if o.out.Full() {
				conn.WriteBatch(o.out)
			}
			return o.out
		}
	}
	r.outs = append(r.outs, pendingOut{conn, udp.NewOut()})
	return r.outs[len(r.outs)-1].out
}

// maxOuts is how many sockets keep a batch with an idle replier: one for each
// address that is served, as a rule.
const maxOuts = 32

// Flush sends the replies that were gathered.
func (r *replier) Flush() {
	for i := range r.outs {
		if o := &r.outs[i]; o.out.Len() > 0 {
			o.conn.WriteBatch(o.out)
		}
	}
	if len(r.outs) > maxOuts {
		r.outs = nil
	}
	r.s.slow.submit(&r.misses)
	r.tallies[0].publish()
	r.tallies[1].publish()
	r.fresh = false
}

// writer appends one reply to the query that the answerer holds.
type writer func(a *answerer, dst []byte, c *client) []byte

// send gives w its reply and frees it.
func (r *replier) send(w *waiter, write writer) {
	r.q = w.q
	r.rightsOf(w.addr.Addr())
	r.zone = w.zone
	r.tally = &r.tallies[0]
	if w.over != nil {
		r.tally = &r.tallies[1]
		w.over.Reply(func(dst []byte) []byte { return write(&r.answerer, dst, &w.client) })
	} else {
		r.sendUDP(w, write)
	}
	r.p.free(w)
}

func (r *replier) sendUDP(w *waiter, write writer) {
	out, what := r.out(w.conn), replied
	reply := write(&r.answerer, out.Room(), &w.client)
	if r.st.rates != nil {
		reply, what = r.limitRate(reply, 0, &w.client)
	}
	if what == replied {
		out.Add(reply, w.peer)
	}
}

// answerHit replies to a query whose answer came while it was queued.
func (r *replier) answerHit(w *waiter, e cache.Entry) {
	r.send(w, func(a *answerer, dst []byte, c *client) []byte { return a.hit(dst, e, c) })
}

// turnAway replies to a query whose zone has too many under way, unless it is to
// be dropped.
func (r *replier) turnAway(w *waiter, drop bool) {
	switch {
	case w.refresh:
		r.p.free(w)
		return
	case drop:
		r.tally.dropped++
		r.p.drop(w)
		return
	}
	r.replyAll(w, servfail, wire.Aging{}, SourceLocal, edeOf(upstream.ErrBusy))
}

// Answer takes what upstream said, or that it said nothing (upstream.Handler).
func (r *replier) Answer(req *upstream.Request, msg []byte, err error) {
	f := req.Tag.(*fetch)
	if !r.fresh {
		r.begin()
		r.fresh = true
	}
	r.asOf = r.now - req.Took
	if err == nil && f.chase != nil {
		msg, err = f.chase.join(msg, r.asOf)
	}
	if err == nil && !r.msg.Parse(msg) {
		err = scrub.ErrMalformed
	}
	if err != nil {
		r.fail(f, err)
		return
	}
	r.s.servfails.answered()
	r.judge(f)
}

var errReferral = errors.New("upstream is not recursive: it answered with a referral")

// judge decides what the answer in r.msg means.
func (r *replier) judge(f *fetch) {
	chain := r.msg.Chain()
	switch v := scrub.Classify(&r.msg, chain); v {
	case scrub.Partial:
		r.follow(f, chain)
	case scrub.Referral:
		r.fail(f, errReferral)
	default:
		r.conclude(f, chain, v)
	}
}

// conclude takes the answer in r.msg for whole.
func (r *replier) conclude(f *fetch, c wire.Chain, v scrub.Class) {
	if err := scrub.Scrub(&r.msg, c, v, r.st.cfg.MinimalResponses); err != nil {
		r.fail(f, err)
		return
	}
	bounds := f.st.ttls
	if v != scrub.Positive {
		bounds.Min = 0 // min-ncache-ttl it is
	}
	r.settle(f, bounds, r.ttlOf(f, v), ede{})
}

// ttlOf returns for how many seconds the answer in r.msg may be kept beyond what
// its records say.
func (r *replier) ttlOf(f *fetch, class scrub.Class) uint32 {
	if class == scrub.Positive {
		return ^uint32(0)
	}
	o := &f.st.cfg.Cache
	return scrub.NegativeTTL(&r.msg, wire.TTLPolicy{Min: seconds(o.MinNTTL), Max: seconds(o.MaxNTTL)})
}

// settle keeps the answer in r.msg, for ttl seconds at most, and replies to all
// who waited.
func (r *replier) settle(f *fetch, bounds wire.TTLPolicy, ttl uint32, why ede) {
	value := appendZone(r.kept[:0], f.zone.id)
	value, least := r.msg.AppendAnswer(value, bounds)
	r.kept = value
	var e cache.Entry
	w := r.p.finish(f, func() { e = r.keep(f, value, min(ttl, least)) })
	_, ans := splitValue(stored(e, value))
	r.replyAll(w, ans, wire.Aging{Sub: elapsed(r.now - r.asOf)}, SourceMiss, why)
	r.p.recycle(f)
}

// stored returns value as the cache has it, or a copy when e is "".
func stored(e cache.Entry, value []byte) string {
	if e == "" {
		return string(value)
	}
	return e.Value()
}

// keep stores an answer unless it is good for this once only, and returns the
// entry, or "".
func (r *replier) keep(f *fetch, value []byte, ttl uint32) cache.Entry {
	t := cache.Times{Stored: r.asOf, TTL: ttl}
	if f.st.cfg.Cache.StaleEnable && r.msg.Rcode() == wire.NoError { // not NXDOMAIN, as in BIND
		t.Stale = seconds(f.st.cfg.Cache.MaxStaleTTL)
	}
	if ttl == 0 && t.Stale == 0 || r.shadowed(f) {
		return ""
	}
	if f.idle {
		r.ripen(f, t)
	}
	return r.s.cache.Put(f.hash, f.key, value, t)
}

// shadowed reports whether a reload has put a static zone over f's name: its
// answer must not hide that. slowpath.mu is held, so that what the reload
// flushes after it is in force includes all that was kept before.
func (r *replier) shadowed(f *fetch) bool {
	st := r.s.state.Load()
	return st != f.st && st.local.Find(f.key[:len(f.key)-5]) != nil
}

// replyAll gives one answer to a list of waiters; those behind the first are
// counted as joined.
func (r *replier) replyAll(w *waiter, ans wire.Answer, g wire.Aging, src Source, e ede) {
	for w != nil {
		next := w.next
		r.send(w, func(a *answerer, dst []byte, c *client) []byte {
			a.count(a.zoneID(), src, ans.Rcode())
			return a.reply(dst, ans, g, c, e)
		})
		if src == SourceMiss {
			src = SourceJoined
		}
		w = next
	}
}
