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
	msg   wire.Message
	asOf  time.Duration // when msg was asked for, from which its TTLs count
	value []byte        // scratch: an entry's value
	begun bool          // begin was called for this batch of answers
}

func (e *engine) newResolver() *resolver {
	r := new(resolver)
	r.sender.init(e)
	return r
}

// run asks for what is queued until quit is closed.
func (r *resolver) run(quit <-chan struct{}) {
	timeout := time.NewTimer(1<<63 - 1)
	defer timeout.Stop()
	for {
		select {
		case <-r.queue.wake:
			for l := r.queue.take(); l.n > 0; l = r.queue.take() {
				r.askAll(l)
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

// askAll asks for what a list of waiters wants.
func (r *resolver) askAll(l waiterList) {
	r.begin()
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
		r.send(w, func(dst []byte, q *query) []byte { q.setKey(r.cache); return r.hit(dst, j.entry, q) })
	case stale:
		r.sendStale(w, j.entry, edeStaleTimeout)
	case full:
		r.turnAway(w, j.drop)
	}
}

// answerClientTimeouts gives those who have waited long enough the stale answer.
func (r *resolver) answerClientTimeouts() {
	r.begin()
	for w, e := r.inflight.clientTimeouts(r.now); w != nil; w, e = r.inflight.clientTimeouts(r.now) {
		r.sendStale(w, e, edeStaleTimeout)
	}
	r.flush()
}

func (r *resolver) sendStale(w *waiter, e cache.Entry, why ede) {
	_, ans := splitValue(e.Value())
	r.sendAll(w, ans, r.staleAging(), SourceStale, why)
}

// Answer takes what upstream said, or that it said nothing (upstream.Handler).
func (r *resolver) Answer(req *upstream.Request, msg []byte, err error) {
	f := req.Tag.(*fetch)
	if !r.begun {
		r.begin()
		r.begun = true
	}
	r.asOf = r.now - req.Took
	if err == nil {
		err = r.read(f, msg)
	}
	if err != nil {
		r.fail(f, err)
		return
	}
	r.servfails.answered()
	r.resolve(f)
}

// Flush sends the replies to a batch of answers (upstream.Handler).
func (r *resolver) Flush() {
	r.flush()
	r.begun = false
}

// read parses what upstream said, with the links before it.
func (r *resolver) read(f *fetch, msg []byte) (err error) {
	if f.walk != nil {
		if msg, err = f.walk.join(f.question, msg, r.asOf); err != nil {
			return err
		}
	}
	if !r.msg.Parse(msg) {
		return scrub.ErrMalformed
	}
	return nil
}

var errReferral = errors.New("upstream is not recursive: it answered with a referral")

// resolve takes the step that the answer in r.msg leads to.
func (r *resolver) resolve(f *fetch) {
	chain := r.msg.Chain()
	class := scrub.Classify(&r.msg, chain)
	switch class {
	case scrub.Referral:
		r.fail(f, errReferral)
		return
	case scrub.Partial:
		next, err := r.nextLink(f, chain)
		switch {
		case errors.Is(err, errEndless):
			r.finish(f, f.st.ttls, seconds(f.st.cfg.Cache.ServfailTTL), edeLoop)
			return
		case err != nil:
			r.fail(f, err)
			return
		case next.zone != nil:
			r.follow(f, next)
			return
		}
		class = scrub.Negative // there is no more to be had
	}
	if err := scrub.Scrub(&r.msg, chain, class, r.st.cfg.MinimalResponses); err != nil {
		r.fail(f, err)
		return
	}
	bounds := f.st.ttls
	if class != scrub.Positive {
		bounds.Min = 0 // min-ncache-ttl it is
	}
	r.finish(f, bounds, r.ttlOf(f, class), ede{})
}

// finish keeps the answer in r.msg, for ttl seconds at most, and replies to all
// who waited.
func (r *resolver) finish(f *fetch, bounds wire.TTLPolicy, ttl uint32, why ede) {
	value, least := r.msg.AppendAnswer(appendZone(r.value[:0], f.zone.id), bounds)
	r.value = value
	var e cache.Entry
	w := r.inflight.finish(f, func() { e = r.keep(f, value, min(ttl, least)) })
	_, ans := splitValue(stored(e, value))
	r.sendAll(w, ans, wire.Aging{Sub: elapsed(r.now - r.asOf)}, SourceMiss, why)
	r.inflight.recycle(f)
}

// stored returns value as the cache has it, or a copy when e is "".
func stored(e cache.Entry, value []byte) string {
	if e == "" {
		return string(value)
	}
	return e.Value()
}

// ttlOf returns for how many seconds the answer in r.msg may be kept beyond what
// its records say.
func (r *resolver) ttlOf(f *fetch, class scrub.Class) uint32 {
	if class == scrub.Positive {
		return ^uint32(0)
	}
	o := &f.st.cfg.Cache
	return scrub.NegativeTTL(&r.msg, wire.TTLPolicy{Min: seconds(o.MinNTTL), Max: seconds(o.MaxNTTL)})
}

// keep stores an answer unless it is good for this once only, and returns the
// entry, or "". inflight.mu is held.
func (r *resolver) keep(f *fetch, value []byte, ttl uint32) cache.Entry {
	t := cache.Times{Stored: r.asOf, TTL: ttl}
	if f.st.cfg.Cache.StaleEnable && r.msg.Rcode() == wire.NoError { // not NXDOMAIN, as in BIND
		t.Stale = seconds(f.st.cfg.Cache.MaxStaleTTL)
	}
	if ttl == 0 && t.Stale == 0 || r.underLocalZone(f) {
		return ""
	}
	if f.state == refreshing {
		r.restPrefetch(f, t)
	}
	return r.cache.Put(f.hash, f.key, value, t)
}

// underLocalZone reports whether a reload has put a local zone over f's name: its
// answer must not hide that. inflight.mu is held, so that what the reload
// flushes after it is in force includes all that was kept before.
func (r *resolver) underLocalZone(f *fetch) bool {
	st := r.state.Load()
	return st != f.st && st.local.Find(f.key[:len(f.key)-5]) != nil
}

// fail ends a fetch without answer: stale if that may be, else SERVFAIL.
func (r *resolver) fail(f *fetch, err error) {
	r.logFailure(f, err)
	defer r.inflight.recycle(f)
	if e, ok := staleEntry(r.cache, f, r.now); ok {
		if r.now >= e.Expires() {
			r.unanswered.note(f.hash, r.now)
		}
		r.sendStale(r.inflight.finish(f, func() {}), e, edeStaleFailure)
		return
	}
	w := r.inflight.finish(f, func() { r.keepFailure(f, err) })
	r.sendAll(w, servfail, wire.Aging{}, SourceMiss, edeOf(err))
}

// keepFailure remembers for servfail-ttl that upstream answered with a failure,
// unless f was to refresh what is good still. Silence is not remembered: the
// first query after it must get through.
func (r *resolver) keepFailure(f *fetch, err error) {
	var answered upstream.ErrServFail
	if !errors.As(err, &answered) {
		return
	}
	if e, ok := r.cache.Get(f.hash, f.key); !ok || r.now >= e.Expires() {
		r.servfails.note(f.hash, r.now)
	}
}

// edeOf says in EDNS why there is no answer.
func edeOf(err error) ede {
	switch {
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
