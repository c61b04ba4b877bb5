package forwarder

import (
	"time"

	"vpcdns/cache"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/wire"
)

// Stale answers are BIND's (stale-answer-enable and what belongs to it) and
// RFC 8767's: only as configured, and only after upstream failed or kept the
// client waiting.

// staleNow reports whether the expired entry e is to be given at once: upstream
// failed a moment ago (stale-refresh-time). It is asked all the same: who keeps
// quiet for all of that time, as BIND does, gives an address that failed over
// long after upstream is back.
func (w *worker) staleNow(e cache.Entry, q *query) bool {
	o := &w.st.cfg.Cache
	return o.StaleAnswer && w.now < e.StaleUntil() && w.unanswered.has(q.hash, w.now, o.StaleRefresh)
}

// staleAfter is how long f's clients wait for upstream before they get a stale
// answer (stale-answer-client-timeout); ok is false when they do not.
func (f *fetch) staleAfter() (_ time.Duration, ok bool) {
	o := &f.st.cfg.Cache
	return o.StaleClientTimeout, o.StaleAnswer && o.StaleClientTimeout > 0 && o.StaleClientTimeout < config.MaxClientWait
}

// instead is what is given in place of upstream's answer to a question: a stale
// answer, or one that came meanwhile to others, after a flush.
type instead struct {
	answers
	isFresh bool
	stored  time.Duration
}

// insteadOf returns what may be given in place of an answer to f's question.
func insteadOf(c *cache.Cache, f *fetch, now time.Duration) (i instead, ok bool) {
	if !f.st.cfg.Cache.StaleAnswer {
		return i, false
	}
	e, ok := c.Get(f.hash, f.key)
	if !ok || now >= e.StaleUntil() {
		return i, false
	}
	return instead{answersOf(c, f.key, e), now < e.Expires(), e.Stored()}, true
}

// sendInstead gives it to a list of waiters.
func (s *sender) sendInstead(w *waiter, i instead, why ede) {
	if i.isFresh {
		s.sendAll(w, i.answers, wire.Aging{Sub: elapsed(s.now - i.stored)}, SourceHit, ede{})
		return
	}
	s.sendAll(w, i.answers, s.staleAging(), SourceStale, why)
}

// staleAging gives stale answers their TTL (stale-answer-ttl).
func (w *worker) staleAging() wire.Aging {
	return wire.Aging{Stale: true, Fixed: max(1, seconds(w.st.cfg.Cache.StaleAnswerTTL))}
}

// Why an answer is stale, in BIND's words.
var (
	edeStaleRefresh = ede{wire.EDEStale, "query within stale refresh time window"}
	edeStaleFailure = ede{wire.EDEStale, "resolver failure"}
	edeStaleTimeout = ede{wire.EDEStale, "client timeout"}
)

// replyStale replies with an expired entry, in stale-refresh-time.
func (w *worker) replyStale(dst []byte, e cache.Entry, q *query) []byte {
	a := answersOf(w.cache, q.key, e)
	ans := a.forDO(q.EDNS.DO)
	w.count(q, q.zoneNumber(), SourceStale, ans.Rcode())
	return w.reply(dst, q, ans, w.staleAging(), edeStaleRefresh)
}
