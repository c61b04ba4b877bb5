package forwarder

import (
	"time"

	"vpcdns/cache"
	"vpcdns/forwarder/wire"
)

// prefetchEvery is how often a name is refreshed at most: an answer that does
// not come is asked for again by the next hit.
const prefetchEvery = time.Second

// prefetchRest is how long nothing is prefetched of a zone after it was in vain.
const prefetchRest = time.Minute

// prefetchInTime prefetches what a fresh entry says, when it is about to expire.
func (w *worker) prefetchInTime(e cache.Entry, q *query) {
	if p := &w.st.cfg.Cache; e.Expires()-w.now <= p.PrefetchTrigger && p.PrefetchTrigger > 0 {
		w.prefetch(e, q)
	}
}

// prefetch asks upstream for q's answer, which e holds, in the background (BIND's
// prefetch): the eligible ones are those that upstream gave a long enough TTL. Who does
// not want recursion has upstream asked for nothing (RFC 1035, 4.1.1), as in BIND.
func (w *worker) prefetch(e cache.Entry, q *query) {
	o := &w.st.cfg.Cache
	isFresh := w.now < e.Expires()
	if isFresh && time.Duration(e.TTL())*time.Second < o.PrefetchEligible || !q.may.recurse || q.Flags&wire.RD == 0 || w.draining.Load() {
		return
	}
	if !w.prefetches.First(q.hash, w.now, prefetchEvery) {
		return
	}
	zone := w.st.routes.find(q.name(), q.Type)
	if zone == nil || len(zone.servers) == 0 || isFresh && w.tooEarly(zone) {
		return
	}
	w.misses.push(w.refresh(q, zone))
}

// refresh returns a waiter for the question of q, but for none of its client's
// options.
func (w *worker) refresh(q *query, z *zone) *waiter {
	plain := query{zone: z, hash: q.hash, Query: wire.Query{
		Flags: q.Flags & wire.CD, Type: q.Type, Class: q.Class, Question: q.Question,
		EDNS: wire.EDNS{DO: q.EDNS.DO},
	}}
	r := w.waiters.get(&plain, w.st)
	r.refresh, r.since = true, w.now
	return r
}

// tooEarly reports whether what is good still is better not asked for: others
// need the packets, or it was in vain for the zone.
func (w *worker) tooEarly(z *zone) bool {
	return w.st.upstream.Strained() || w.now < time.Duration(z.prefetchFrom.Load())
}

// restPrefetch lets f's zone rest when f, which was asked before its time, will
// not be kept for longer than what the cache has: upstream is a cache itself, as
// the VPC resolver is, and hands out nothing but what it has left. Each name would
// cost two packets of its limit instead of one. inflight.mu is held.
func (r *resolver) restPrefetch(f *fetch, t cache.Times) {
	const rounding = time.Second // of upstream
	e, ok := r.cache.Get(f.hash, f.key)
	if !ok || r.now >= e.Expires() {
		return
	}
	if t.Stored+time.Duration(t.TTL)*time.Second < e.Expires()+rounding {
		f.zone.prefetchFrom.Store(int64(r.now + prefetchRest))
	}
}
