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

// prefetch asks upstream for the current query's answer, which e holds, in the
// background (BIND's prefetch): the eligible ones are those that upstream gave
// a long enough TTL.
func (a *answerer) prefetch(e cache.Entry) {
	o := &a.st.cfg.Cache
	fresh := a.now < e.Expires()
	if fresh && time.Duration(e.TTL())*time.Second < o.PrefetchEligible || !a.rights.recurse || a.s.draining.Load() {
		return
	}
	if !a.s.prefetches.claim(a.hash, a.now, prefetchEvery) {
		return
	}
	zone := a.st.routes.find(a.key[:len(a.key)-5], a.q.Type)
	if zone == nil || len(zone.servers) == 0 || fresh && a.tooEarly(zone) {
		return
	}
	a.zone = zone
	q := wire.Query{
		Flags: a.q.Flags & wire.CD, Type: a.q.Type, Class: a.q.Class, Question: a.q.Question,
		EDNS: wire.EDNS{DO: a.q.EDNS.DO},
	}
	w := a.s.slow.waiter(a, &q, &client{})
	w.refresh = true
	a.misses.push(w)
}

// tooEarly reports whether what is good still is better not asked for: others
// need the packets, or it was in vain for the zone.
func (a *answerer) tooEarly(z *zone) bool {
	return a.st.upstream.Strained() || a.now < time.Duration(z.ripe.Load())
}

// ripen lets f's zone rest when f, which was asked before its time, will not be
// kept for longer than what the cache has: upstream is a cache itself, as the VPC
// resolver is, and hands out nothing but what it has left. Each name would cost
// two packets of its limit instead of one. slowpath.mu is held.
func (r *replier) ripen(f *fetch, t cache.Times) {
	const rounding = time.Second // of upstream
	e, ok := r.s.cache.Get(f.hash, f.key)
	if !ok || r.now >= e.Expires() {
		return
	}
	if t.Stored+time.Duration(t.TTL)*time.Second < e.Expires()+rounding {
		f.zone.ripe.Store(int64(r.now + prefetchRest))
	}
}
