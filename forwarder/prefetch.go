package forwarder

import (
	"time"

	"vpcdns/cache"
	"vpcdns/forwarder/wire"
)

// prefetchEvery is how often a name is refreshed at most: an answer that does
// not come is asked for again by the next hit.
const prefetchEvery = time.Second

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
	if zone == nil || len(zone.servers) == 0 {
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
