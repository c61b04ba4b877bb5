package forwarder

import (
	"errors"
	"time"

	"vpcdns/cache"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// Stale answers are BIND's (stale-answer-enable and what belongs to it) and
// RFC 8767's: only as configured, and only after upstream failed or kept the
// client waiting.

// staleNow reports whether the expired entry e is to be given at once: upstream
// failed a moment ago (stale-refresh-time). It is asked all the same: who keeps
// quiet for all of that time, as BIND does, gives an address that failed over
// long after upstream is back.
func (a *answerer) staleNow(e cache.Entry) bool {
	o := &a.st.cfg.Cache
	if !o.StaleAnswer || a.now >= e.StaleUntil() || !a.s.failures.recent(a.hash, a.now, o.StaleRefresh) {
		return false
	}
	a.prefetch(e)
	return true
}

// stale replies with an expired entry, in stale-refresh-time.
func (a *answerer) stale(dst []byte, e cache.Entry, c *client) []byte {
	zone, ans := splitValue(e.Value())
	a.count(zone, SourceStale, ans.Rcode())
	return a.reply(dst, ans, a.staleAging(), c, ede{wire.EDEStale, "query within stale refresh time window"})
}

func (a *answerer) staleAging() wire.Aging {
	return wire.Aging{Stale: true, Fixed: max(1, seconds(a.st.cfg.Cache.StaleAnswerTTL))}
}

// staleFor returns the stale answer to f's question, if one may be given.
func (r *replier) staleFor(f *fetch) (wire.Answer, bool) {
	if !f.st.cfg.Cache.StaleAnswer {
		return "", false
	}
	e, ok := r.s.cache.Get(f.hash, f.key)
	if !ok || r.now >= e.StaleUntil() {
		return "", false
	}
	_, ans := splitValue(e.Value())
	return ans, true
}

// fail ends a fetch without answer: stale if that may be, else SERVFAIL.
func (r *replier) fail(f *fetch, err error) {
	r.s.logFailure(f, err)
	ans, ok := r.staleFor(f)
	if ok {
		if !r.good(f) {
			r.s.failures.note(f.hash, r.now)
		}
		w := r.p.finish(f, func() {})
		r.replyAll(w, ans, r.staleAging(), SourceStale, ede{code: wire.EDEStale, text: "resolver failure"})
		r.p.recycle(f)
		return
	}
	w := r.p.finish(f, func() { r.keepFailure(f, err) })
	r.replyAll(w, servfail, wire.Aging{}, SourceMiss, edeOf(err))
	r.p.recycle(f)
}

// keepFailure remembers for servfail-ttl that upstream answered with a failure.
// Silence is not remembered: the first query after it must get through.
func (r *replier) keepFailure(f *fetch, err error) {
	var answered upstream.ErrServFail
	if errors.As(err, &answered) && !r.good(f) {
		r.s.servfails.note(f.hash, r.now)
	}
}

// good reports whether the cache's answer to f's question is fresh still: f was
// to refresh it early, and that it failed harms nobody.
func (r *replier) good(f *fetch) bool {
	e, ok := r.s.cache.Get(f.hash, f.key)
	return ok && r.now < e.Expires()
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

// watch notes that f's clients get a stale answer if it takes longer than d.
// p.mu is held.
func (p *slowpath) watch(f *fetch, d time.Duration) {
	if p.stales.Len() == 0 {
		p.impatient.Reset(d)
	}
	f.watch = p.stales.PushBack(f)
}

// unwatch takes f out of stales. p.mu is held.
func (p *slowpath) unwatch(f *fetch) {
	if f.watch != nil {
		p.stales.Remove(f.watch)
		f.watch = nil
	}
}

// answerStale gives those who waited long enough the stale answer, if there is
// one. The fetch goes on.
func (p *slowpath) answerStale(r *replier) {
	r.begin()
	for f := p.nextImpatient(r.now); f != nil; f = p.nextImpatient(r.now) {
		ans, ok := r.staleFor(f)
		if !ok {
			continue
		}
		p.mu.Lock()
		f.stale = true
		w := f.take()
		p.mu.Unlock()
		r.replyAll(w, ans, r.staleAging(), SourceStale, ede{code: wire.EDEStale, text: "client timeout"})
	}
	r.Flush()
}

// nextImpatient returns the next fetch whose clients have waited long enough,
// or nil after setting the timer for the one after it.
func (p *slowpath) nextImpatient(now time.Duration) *fetch {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.stales.Front()
	if first == nil {
		return nil
	}
	f := first.Value.(*fetch)
	if left := f.began + f.st.cfg.Cache.StaleClientTimeout - now; left > 0 {
		p.impatient.Reset(left)
		return nil
	}
	p.unwatch(f)
	f.lent = true
	return f
}

// answerLate replies to a client that came after the others of f had to be
// given a stale answer.
func (r *replier) answerLate(w *waiter, f *fetch) {
	ans, ok := r.staleFor(f)
	if !ok {
		ans = servfail
	}
	r.replyAll(w, ans, r.staleAging(), SourceStale, ede{code: wire.EDEStale, text: "client timeout"})
}
