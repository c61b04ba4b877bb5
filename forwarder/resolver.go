package forwarder

import (
	"bytes"
	"errors"
	"slices"
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
	msg    *wire.Message     // upstream's answer
	chain  wire.Chain        // of it
	class  scrub.Class       // of it
	req    *upstream.Request // that msg answers
	asOf   time.Duration     // when msg was asked for, from which its TTLs count
	begun  bool              // begin was called for this batch of answers
	parted bool              // addresses of watched names were left out of msg
	former cache.Entry       // what the cache had for msg's question, if that is to be compared; or ""
	keeper keeper
	key    [maxKey]byte // scratch, as tail
	tail   [maxKey]byte

	elsewhere, foreign, apart wire.Elsewhere // isElsewhere, isForeign and isApart, bound once
}

func (e *engine) newResolver() *resolver {
	r := new(resolver)
	r.sender.init(e)
	r.keeper.signed = &e.sawSigned
	r.elsewhere, r.foreign, r.apart = r.isElsewhere, r.isForeign, r.isApart
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
			r.answerTimeouts()
		case <-quit:
			return
		}
		if at, ok := r.inflight.nextTimeout(r.state.Load()); ok {
			timeout.Reset(at - r.clock.now())
		}
	}
}

// askBatch is how many questions leave together.
const askBatch = 64

// askAll asks for what a list of waiters wants, and turns away those that had to
// make room.
func (r *resolver) askAll(l, evicted waiterList) {
	r.begin()
	for evicted.n > 0 {
		r.turnAway(evicted.pop(), false)
	}
	var client *upstream.Client
	for i := 0; l.n > 0; i++ {
		w := l.pop()
		if client != nil && (client != w.st.upstream || i%askBatch == 0) {
			client.FlushAndDeliver()
		}
		client = w.st.upstream
		r.ask(w)
	}
	client.FlushAndDeliver()
	r.flush()
}

// ask starts a fetch for w, or lets it join one, unless it can be answered now.
func (r *resolver) ask(w *waiter) {
	key, refresh := w.asks().AppendKey(r.q.buf[:0]), w.refresh
	back, zone, from := w.comesBack(), w.zone.id, w.addr.Addr()
	if !refresh && r.isPinned(key) {
		r.sendAll(w, response{})
		return
	}
	j := r.inflight.join(w, key, r.st, r.now)
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
		if back {
			r.damage.Loop(zone, from)
		}
	case fresh:
		r.sendAll(w, fromCache(j.entry))
	case stale:
		r.sendAll(j.waiters, j.instead)
	case full:
		r.damage.Full(zone)
		r.turnAway(w, j.drop)
	case overdue:
		if refresh {
			r.waiters.put(w)
			break
		}
		r.expire(w)
	}
}

// answerTimeouts gives those whose question has lasted long enough the stale answer, and
// those who cannot wait longer that, or none.
func (r *resolver) answerTimeouts() {
	r.begin()
	for w, i := r.inflight.clientTimeouts(r.st, r.now); w != nil; w, i = r.inflight.clientTimeouts(r.st, r.now) {
		r.sendAll(w, i)
	}
	for w := r.inflight.overdue(r.now); w != nil; w = r.inflight.overdue(r.now) {
		r.expire(w)
	}
	r.flush()
}

// expire answers w, whose client can wait no longer. w.next is nil.
func (r *resolver) expire(w *waiter) {
	i, ok := insteadOf(r.cache, r.st, w.hash, w.asks().AppendKey(r.q.buf[:0]), r.now, edeStaleFailure)
	if !ok {
		i = failure(SourceMiss, edeOf(upstream.ErrTimeout))
	}
	r.sendAll(w, i)
}

// Check makes an answer fit to be kept (upstream.Checker): what is not is asked for
// elsewhere.
func (r *resolver) Check(req *upstream.Request, m *wire.Message) (err error) {
	r.beginBatch()
	r.req, r.msg, r.parted = req, m, false
	f := req.Tag.(*fetch)
	r.class, r.chain, err = scrub.Scrub(m, scrub.Rules{Elsewhere: r.elsewhere, Foreign: r.foreign, Apart: r.apart, Minimal: f.st.cfg.MinimalResponses})
	if err == nil && r.class == scrub.Referral {
		return errReferral
	}
	return err
}

var errReferral = errors.New("upstream is not recursive: it answered with a referral")

// isElsewhere reports whether a name is asked for by itself: it is foreign, or watched.
func (r *resolver) isElsewhere(name []byte) bool {
	f := r.req.Tag.(*fetch)
	if r.watches.Wants(name) && !bytes.Equal(name, f.key.Name()) {
		return true
	}
	return r.isForeign(name)
}

// isForeign reports whether a name belongs to another source than the server that
// answered: to a zone here, or to a forward zone that does not ask it.
func (r *resolver) isForeign(name []byte) bool {
	f := r.req.Tag.(*fetch)
	if z := f.st.zoneAt(name, f.key.Type()); z != nil && !z.Delegates(name) {
		return true
	}
	z := f.st.routes.find(name, f.key.Type())
	return z != nil && z != f.zone && !slices.Contains(z.servers, r.req.From)
}

// Answer takes what Check has seen, or that upstream said nothing
// (upstream.Handler).
func (r *resolver) Answer(req *upstream.Request, _ []byte, err error) {
	f := req.Tag.(*fetch)
	r.beginBatch()
	if err != nil {
		r.fail(f, err)
		return
	}
	r.asOf = r.now - req.Took
	r.servfails.Answered()
	r.damage.Answered(f.zone.id)
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

// resolve takes the step that the answer in r.msg leads to.
func (r *resolver) resolve(f *fetch) {
	if r.noName(f) && !f.verified && hasData(r.cache, append(r.key[:0], f.key...), r.now) {
		r.verify(f)
		return
	}
	r.finish(f)
}

// noName reports whether the answer in r.msg says that f's name does not exist.
func (r *resolver) noName(f *fetch) bool {
	return r.msg.Rcode() == wire.NXDomain && r.chain.Hops == 0 && !r.chain.Data && anyType(f.key.Type())
}

// verify asks f's question again: what is said not to exist has live data.
func (r *resolver) verify(f *fetch) {
	f.verified = true
	if r.now >= f.ends {
		r.fail(f, upstream.ErrTimeout)
		return
	}
	r.inflight.again(f, r.now)
	up := f.st.upstream
	up.Start(&f.req) // from here on f may be answered, and used again
	up.Flush()
}

// finish keeps the answer in r.msg, and replies to all who waited.
func (r *resolver) finish(f *fetch) {
	r.former = ""
	r.observe(f)
	if r.class == scrub.Negative && r.chain.Hops == 0 && r.exists(f.key.Name()) {
		r.msg.SetRcode(wire.NoError)
	}
	r.cutAlias(f)
	ttl, err := r.fill(f, r.msg, f.zone.id)
	if err != nil {
		r.fail(f, err)
		return
	}
	var a answers
	forgotten := true
	w := r.inflight.finish(f, func() { a, forgotten = r.keep(f, ttl), false })
	if forgotten {
		a = r.checkedAgain(f)
	}
	r.noteChange(f, a.plain)
	r.sendAll(w, response{answers: a, asOf: r.asOf, from: SourceMiss})
	r.inflight.recycle(f)
}

// checkedAgain returns the answer in r.msg, which is not kept: what it passes through
// may be pinned since it was checked.
func (r *resolver) checkedAgain(f *fetch) answers {
	if r.watches.Pins() != nil && r.Check(&f.req, r.msg) == nil {
		r.cutAlias(f)
		r.fill(f, r.msg, f.zone.id) // an error leaves what was there
	}
	return r.keeper.answers()
}

// fail ends a fetch without answer: stale if that may be, else SERVFAIL.
func (r *resolver) fail(f *fetch, err error) {
	r.observeFailure(f)
	r.logFailure(f, err)
	r.damage.Failed(f.zone.id, err)
	defer r.inflight.recycle(f)
	if i, ok := insteadOf(r.cache, r.st, f.hash, f.key, r.now, edeStaleFailure); ok {
		if i.stale {
			r.unanswered.Note(f.hash, r.now)
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
		r.servfails.Note(f.hash, r.now)
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
