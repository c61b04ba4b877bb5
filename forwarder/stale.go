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
// failed a moment ago (stale-refresh-time), or stale-answer-client-timeout is 0.
func (a *answerer) staleNow(e cache.Entry) bool {
	o := &a.st.cfg.Cache
	if !o.StaleAnswer || a.now >= e.StaleUntil() {
		return false
	}
	if a.s.failures.recent(a.hash, a.now, o.StaleRefresh) {
		return true
	}
	if o.StaleClientTimeout == 0 {
		a.prefetch(e)
		return true
	}
	return false
}

// stale replies with an expired entry.
func (a *answerer) stale(dst []byte, e cache.Entry, c *client) []byte {
	zone, ans := splitValue(e.Value())
	a.count(zone, SourceStale, ans.Rcode())
	return a.reply(dst, ans, a.staleAging(), c, ede{code: wire.EDEStale})
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
	return ans, ans.Rcode() != wire.ServFail
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
	value := failure(f.zone.id)
	_, ans = splitValue(value)
	r.replyAll(w, ans, wire.Aging{}, SourceMiss, edeOf(err))
	r.p.recycle(f)
}

// keepFailure remembers for servfail-ttl that upstream answered with a failure.
// Silence is not remembered: the first query after it must get through.
func (r *replier) keepFailure(f *fetch, err error) {
	var answered upstream.ErrServFail
	if ttl := seconds(f.st.cfg.Cache.ServfailTTL); ttl > 0 && errors.As(err, &answered) && !r.good(f) {
		r.s.cache.Put(f.hash, f.key, []byte(failure(f.zone.id)), cache.Times{Stored: r.now, TTL: ttl})
	}
}

// good reports whether the cache's answer to f's question is fresh still: f was
// to refresh it early, and that it failed harms nobody.
func (r *replier) good(f *fetch) bool {
	e, ok := r.s.cache.Get(f.hash, f.key)
	return ok && r.now < e.Expires()
}

// failure is the cache value of SERVFAIL.
func failure(zone uint16) string {
	return string(appendZone(nil, zone)) + string([]byte{wire.ServFail, 0, 0, 0, 0, 0, 0, 0})
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
	if len(p.stales) == 0 {
		p.impatient.Reset(d)
	}
	p.stales = append(p.stales, f)
	f.watched = true
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
	for len(p.stales) > 0 {
		f := p.stales[0]
		if left := f.began + f.st.cfg.Cache.StaleClientTimeout - now; left > 0 && !f.done {
			p.impatient.Reset(left)
			return nil
		}
		p.stales = p.stales[1:]
		if !f.done {
			return f
		}
	}
	return nil
}

// answerLate replies to a client that came after the others of f had to be
// given a stale answer.
func (r *replier) answerLate(w *waiter, f *fetch) {
	ans, ok := r.staleFor(f)
	if !ok {
		ans = wire.Answer(failure(0)[2:])
	}
	r.replyAll(w, ans, r.staleAging(), SourceStale, ede{code: wire.EDEStale, text: "client timeout"})
}
