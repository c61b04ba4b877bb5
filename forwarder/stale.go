package forwarder

import (
	"slices"
	"time"

	"vpcdns/cache"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/wire"
)

// Stale answers are BIND's (stale-answer-enable and what belongs to it) and
// RFC 8767's: only as configured, and only after upstream failed or kept the
// client waiting.

// ServeStale is what an operator says of stale answers, over the configuration.
type ServeStale int32

// What is said of them (rndc serve-stale).
const (
	StaleAsConfigured ServeStale = iota
	StaleOn                      // given, if they are kept (stale-cache-enable)
	StaleOff
)

// SetServeStale holds from now on, for who waits already too, and over reloads.
func (s *Server) SetServeStale(to ServeStale) {
	s.serveStale.Store(int32(to))
	s.servfails.Clear() // who failed a moment ago may have a stale answer now
	s.reviewTimeouts()
}

// ServesStale reports whether stale answers are given where upstream fails.
func (s *Server) ServesStale() bool {
	return s.state.Load().givesStale()
}

// givesStale reports whether what is kept past its TTL may be given.
func (st *state) givesStale() bool {
	if !st.cfg.Cache.StaleEnable {
		return false
	}
	switch ServeStale(st.serveStale.Load()) {
	case StaleOn:
		return true
	case StaleOff:
		return false
	}
	return st.cfg.Cache.StaleAnswer
}

// staleNow reports whether the expired entry e is to be given at once: upstream
// failed a moment ago (stale-refresh-time). It is asked all the same: who keeps
// quiet for all of that time, as BIND does, gives an address that failed over
// long after upstream is back.
func (w *worker) staleNow(e cache.Entry, q *query) bool {
	o := &w.st.cfg.Cache
	return w.now < e.StaleUntil() && w.st.givesStale() && w.unanswered.Has(q.hash, w.now, o.StaleRefresh)
}

// staleAfter is how long a question is asked before its clients get a stale answer
// (stale-answer-client-timeout); ok is false when they do not.
func (st *state) staleAfter() (_ time.Duration, ok bool) {
	after := st.cfg.Cache.StaleClientTimeout
	return after, st.givesStale() && after > 0 && after < config.MaxClientWait
}

// insteadOf returns what f's clients get at a client timeout.
func (f *fetch) insteadOf(c *cache.Cache, st *state, now time.Duration) (response, bool) {
	return insteadOf(c, st, f.hash, f.key, now, edeStaleTimeout)
}

// insteadOf returns what is given in place of upstream's answer to a question: a
// stale answer, for that reason, or one that came meanwhile to others, after a
// flush.
func insteadOf(c *cache.Cache, st *state, hash uint64, key wire.Key, now time.Duration, why ede) (r response, ok bool) {
	if !st.givesStale() {
		return r, false
	}
	e, ok := c.Get(hash, key)
	if !ok && key.Bits()&wire.KeyCD != 0 { // what was asked without is as good
		key = slices.Clone(key) // others may read it
		key.SetBits(key.Bits() &^ wire.KeyCD)
		e, ok = c.Get(c.Hash(key), key)
	}
	if !ok || now >= e.StaleUntil() {
		return r, false
	}
	r = response{answers: answersOf(c, key, e), asOf: e.Stored(), from: SourceHit}
	if now >= e.Expires() {
		r.stale, r.from, r.why = true, SourceStale, why
	}
	return r, true
}

// staleAging gives stale answers their TTL (stale-answer-ttl).
func (w *worker) staleAging() wire.Aging {
	return wire.Aging{Bound: wire.Exactly, Fixed: max(1, seconds(w.st.cfg.Cache.StaleAnswerTTL))}
}

// Why an answer is stale, in BIND's words.
var (
	edeStaleRefresh = ede{wire.EDEStale, "query within stale refresh time window"}
	edeStaleFailure = ede{wire.EDEStale, "resolver failure"}
	edeStaleTimeout = ede{wire.EDEStale, "client timeout"}
)

// staleRefresh is the expired entry as it is given in stale-refresh-time.
func (w *worker) staleRefresh(e cache.Entry, q *query) response {
	return response{answers: answersOf(w.cache, q.key, e), stale: true, from: SourceStale, why: edeStaleRefresh}
}
