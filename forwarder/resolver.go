package forwarder

import (
	"errors"
	"time"

	"vpcdns/cache"
	"vpcdns/forwarder/scrub"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// resolver acts on what inflight decides, and on what upstream answers: a
// question goes one way, from the queue to the reply. Each goroutine that brings
// answers has its own, and one more asks.
type resolver struct {
	sender
	msg    *wire.Message // upstream's answer, or joined
	chain  wire.Chain    // of it
	class  scrub.Class   // of it
	read   bool          // msg is that of the request to come
	joined wire.Message
	asOf   time.Duration // when msg was asked for, from which its TTLs count
	begun  bool          // begin was called for this batch of answers
	keeper keeper
	key    [maxKey]byte // scratch
}

func (e *engine) newResolver() *resolver {
	r := new(resolver)
	r.sender.init(e)
	r.keeper.signed = &e.sawSigned
	return r
}

// run asks for what is queued until quit is closed.
func (r *resolver) run(quit <-chan struct{}) {
	timeout := time.NewTimer(1<<63 - 1)
	defer timeout.Stop()
	for {
		select {
		case <-r.queue.wake:
			for l, evicted := r.queue.take(); l.n > 0; l, evicted = r.queue.take() {
				r.askAll(l, evicted)
			}
		case <-timeout.C:
			r.answerClientTimeouts()
		case <-quit:
			return
		}
		if at, ok := r.inflight.nextClientTimeout(); ok {
			timeout.Reset(at - r.now)
		}
	}
}

// askBatch is how many questions leave together.
const askBatch = 64

// askAll asks for what a list of waiters wants, and turns away those that had to
// make room.
func (r *resolver) askAll(l, evicted waiterList) {
	r.begin()
	r.sendAll(evicted.first, failure(SourceLocal, edeOf(upstream.ErrBusy)))
	var client *upstream.Client
	for i := 0; l.n > 0; i++ {
		w := l.pop()
		if client != nil && (client != w.st.upstream || i%askBatch == 0) {
			client.Flush()
		}
		client = w.st.upstream
		r.ask(w)
	}
	client.Flush()
	r.flush()
}

// ask starts a fetch for w, or lets it join one, unless it can be answered now.
func (r *resolver) ask(w *waiter) {
	key, refresh := w.q.AppendKey(r.q.buf[:0]), w.refresh
	j := r.inflight.join(w, key, r.now)
	switch j.decision {
	case started:
		if refresh {
			r.waiters.put(w)
		}
		j.fetch.st.upstream.Start(&j.fetch.req)
	case joined:
		if refresh {
			r.waiters.put(w)
		}
		if j.evicted != nil {
			r.turnAway(j.evicted, false)
		}
	case fresh:
		r.sendHit(w, j.entry)
	case stale:
		r.sendAll(w, j.instead)
	case full:
		r.turnAway(w, j.drop)
	}
}

// answerClientTimeouts gives those who have waited long enough the stale answer.
func (r *resolver) answerClientTimeouts() {
	r.begin()
	for w, i := r.inflight.clientTimeouts(r.now); w != nil; w, i = r.inflight.clientTimeouts(r.now) {
		r.sendAll(w, i)
	}
	r.flush()
}

// Check reports whether an answer is fit to be kept (upstream.Checker): what is
// not is asked for elsewhere.
func (r *resolver) Check(req *upstream.Request, m *wire.Message) error {
	f := req.Tag.(*fetch)
	r.beginBatch()
	r.read = false
	if f.walk != nil {
		return nil // what it is joined to decides
	}
	err := r.scrub(f, m)
	r.read = err == nil // else there is no Answer to it
	return err
}

// Answer takes what upstream said, or that it said nothing (upstream.Handler).
func (r *resolver) Answer(req *upstream.Request, msg []byte, err error) {
	f := req.Tag.(*fetch)
	r.beginBatch()
	r.asOf = r.now - req.Took
	if err == nil && !r.read {
		err = r.join(f, msg)
	}
	r.read = false
	if err != nil {
		r.fail(f, err)
		return
	}
	r.servfails.answered()
	r.resolve(f)
}

// beginBatch begins a batch of answers.
func (r *resolver) beginBatch() {
	if !r.begun {
		r.begin()
		r.begun = true
	}
}

// Flush sends the replies to a batch of answers (upstream.Handler).
func (r *resolver) Flush() {
	r.flush()
	r.begun = false
}

// join makes r.msg of what upstream said, with the links before it.
func (r *resolver) join(f *fetch, msg []byte) (err error) {
	if f.walk != nil {
		if msg, err = f.walk.join(f.question, msg, r.asOf); err != nil {
			return err
		}
	}
	if !r.joined.Parse(msg) {
		return scrub.ErrMalformed
	}
	return r.scrub(f, &r.joined)
}

// scrub makes m fit to be kept.
func (r *resolver) scrub(f *fetch, m *wire.Message) (err error) {
	r.msg = m
	r.class, r.chain, err = scrub.Scrub(m, nil, f.st.cfg.MinimalResponses)
	if err == nil && r.class == scrub.Referral {
		return errReferral
	}
	return err
}

var errReferral = errors.New("upstream is not recursive: it answered with a referral")

// resolve takes the step that the answer in r.msg leads to.
func (r *resolver) resolve(f *fetch) {
	if r.class == scrub.Partial && r.walkOn(f) {
		return
	}
	if r.noName(f) && !f.verified && hasData(r.cache, append(r.key[:0], f.key...), r.now) {
		r.verify(f)
		return
	}
	bounds := f.st.ttls
	if r.class != scrub.Positive {
		bounds.Min = 0 // min-ncache-ttl it is
	}
	r.finish(f, bounds, r.ttlOf(f), ede{})
}

// noName reports whether the answer in r.msg says that f's name does not exist.
func (r *resolver) noName(f *fetch) bool {
	return r.msg.Rcode() == wire.NXDomain && r.chain.Hops == 0 && !r.chain.Data && f.walk == nil && anyType(f.key.Type())
}

// verify asks f's question again: what is said not to exist has live data.
func (r *resolver) verify(f *fetch) {
	f.verified = true
	r.askAgain(f, f.question, f.zone)
}

// finish keeps the answer in r.msg, for ttl seconds at most, and replies to all
// who waited.
func (r *resolver) finish(f *fetch, bounds wire.TTLPolicy, ttl uint32, why ede) {
	least, err := r.keeper.fill(r.msg, f.zone.id, bounds)
	if err != nil {
		r.fail(f, err)
		return
	}
	var a answers
	forgotten := true
	w := r.inflight.finish(f, func() { a, forgotten = r.keep(f, min(ttl, least)), false })
	if forgotten {
		a = r.keeper.answers()
	}
	r.sendAll(w, response{answers: a, asOf: r.asOf, from: SourceMiss, why: why})
	r.inflight.recycle(f)
}

// ttlOf returns for how many seconds the answer in r.msg may be kept beyond what
// its records say.
func (r *resolver) ttlOf(f *fetch) uint32 {
	if r.class == scrub.Positive {
		return ^uint32(0)
	}
	o := &f.st.cfg.Cache
	return scrub.NegativeTTL(r.msg, wire.TTLPolicy{Min: seconds(o.MinNTTL), Max: seconds(o.MaxNTTL)})
}

// keep stores the answer in r.msg, and returns it. What has no TTL is given again
// for a moment. inflight.mu is held.
func (r *resolver) keep(f *fetch, ttl uint32) answers {
	if r.underLocalZone(f) {
		return r.keeper.answers()
	}
	t := cache.Times{Stored: r.asOf, TTL: ttl}
	if f.st.cfg.Cache.StaleEnable && r.msg.Rcode() == wire.NoError { // not NXDOMAIN, as in BIND
		t.Stale = seconds(f.st.cfg.Cache.MaxStaleTTL)
	}
	if f.state == refreshing && (ttl > 0 || t.Stale > 0) {
		r.restPrefetch(f, t)
	}
	var a answers
	switch noName := r.noName(f); {
	case ttl == 0 && t.Stale == 0:
		a = r.keeper.answers()
	case noName:
		a = r.keepNoName(f, t)
	default:
		a = r.keepData(f, t)
	}
	if ttl == 0 {
		r.repeats.put(f.hash, &repeat{key: string(f.key), came: r.now, asOf: r.asOf, zone: f.zone.id, answers: a})
	}
	return a
}

// keepNoName stores that f's name does not exist, for all of its types, in place
// of what there was of it.
func (r *resolver) keepNoName(f *fetch, t cache.Times) answers {
	dropData(r.cache, f.key)
	if f.key.Bits()&wire.KeyCD != 0 {
		r.sawCD.Store(true)
	}
	all := forAllTypes(r.key[:], f.key)
	return r.keeper.put(r.cache, r.cache.Hash(all), all, t)
}

// keepData stores what there is of f's name and type; that the name does not
// exist is no longer so.
func (r *resolver) keepData(f *fetch, t cache.Times) answers {
	all := forAllTypes(r.key[:], f.key)
	if _, ok := r.cache.Get(r.cache.Hash(all), all); ok || r.sawCD.Load() {
		dropBits(r.cache, all)
	}
	r.dropExpired(f)
	return r.keeper.put(r.cache, f.hash, f.key, t)
}

// dropExpired drops what has expired of f's question with CD set or not, unlike
// in f: the new answer is better than that.
func (r *resolver) dropExpired(f *fetch) {
	bits := f.key.Bits()
	if bits&wire.KeyCD != 0 {
		r.sawCD.Store(true)
	}
	if !r.sawCD.Load() {
		return
	}
	f.key.SetBits(bits ^ wire.KeyCD)
	if e, ok := r.cache.Get(r.cache.Hash(f.key), f.key); ok && r.now >= e.Expires() {
		dropBits(r.cache, f.key)
	}
	f.key.SetBits(bits)
}

// underLocalZone reports whether a reload has put a local zone over f's name: its
// answer must not hide that. inflight.mu is held, so that what the reload
// flushes after it is in force includes all that was kept before.
func (r *resolver) underLocalZone(f *fetch) bool {
	st := r.state.Load()
	return st != f.st && st.local.Find(f.key.Name(), f.key.Type()) != nil
}

// fail ends a fetch without answer: stale if that may be, else SERVFAIL.
func (r *resolver) fail(f *fetch, err error) {
	r.logFailure(f, err)
	defer r.inflight.recycle(f)
	if i, ok := insteadOf(r.cache, f, r.now, edeStaleFailure); ok {
		if i.stale {
			r.unanswered.note(f.hash, r.now)
		}
		r.sendAll(r.inflight.finish(f, func() {}), i)
		return
	}
	w := r.inflight.finish(f, func() { r.keepFailure(f, err) })
	r.sendAll(w, failure(SourceMiss, edeOf(err)))
}

// keepFailure remembers for servfail-ttl that upstream answered with a failure,
// unless f was to refresh what is good still. Silence is not remembered: the
// first query after it must get through.
func (r *resolver) keepFailure(f *fetch, err error) {
	var answered upstream.ErrServFail
	if !errors.As(err, &answered) {
		return
	}
	if !r.hasFresh(f) {
		r.servfails.note(f.hash, r.now)
	}
}

// hasFresh reports whether the cache's answer to f's question is good still.
func (r *resolver) hasFresh(f *fetch) bool {
	_, ok := findFresh(r.cache, append(r.key[:0], f.key...), f.hash, false, r.now) // a copy: others read f's
	return ok
}

// edeOf says in EDNS why there is no answer.
func edeOf(err error) ede {
	switch {
	case errors.As(err, new(upstream.ErrLocal)):
		return ede{wire.EDENetwork, err.Error()}
	case errors.Is(err, upstream.ErrTimeout):
		return ede{wire.EDENoReachable, "no answer from upstream"}
	case errors.Is(err, upstream.ErrNetwork):
		return ede{wire.EDENetwork, "upstream unreachable"}
	case errors.Is(err, upstream.ErrBusy):
		return ede{wire.EDENoReachable, "too many questions are waiting"}
	case errors.Is(err, upstream.ErrClosed):
		return ede{wire.EDENotReady, "shutting down"}
	}
	return ede{wire.EDENoReachable, err.Error()}
}
