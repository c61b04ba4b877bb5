package demo

import (
	"context"
	"time"
)

const (
	before = 2 * time.Second // what is asked before something happens
	after  = 2 * time.Second // and after it has
)

// byTTL changes an address, and tells nobody.
func (s *story) byTTL(ctx context.Context) {
	c := &change{name: plainName, old: plainOld, new: plainNew}
	s.begin(c.act(), "ACT 1  A failover, left to the TTL",
		"The address of myservice changes in Route 53, and nobody tells the forwarders. Its TTL is %d s: for so long every cache may keep the old address.", ttl)
	s.pass(ctx, before)
	c.begin()
	s.do(func() error { return s.site.set(c.name, c.new) })
	s.say(event, "Route 53 has %s now; %d s of the TTL are left.", c.new, c.left)
	s.follow(ctx, c)
	s.say(named, "TTL left 10 s: new at both %s, client's DNS %s", ttlAtPair.seconds(), ttlBehind.seconds())
	s.note("new address by TTL after %s", c.first[atClient])
}

// bySwitch does what failover switch does.
func (s *story) bySwitch(ctx context.Context) {
	c := &change{name: watchedName, old: watchedOld, new: watchedNew}
	s.begin(c.act(), "ACT 1, once more  The same by failover switch",
		"Both forwarders watch db: they keep it for its TTL, and hand it out with TTL 0. `failover switch` changes Route 53, which takes %.0f s here, and at the same moment tells both forwarders.", spread.Seconds())
	s.pass(ctx, before)
	c.begin()
	s.do(func() error { return s.site.switchName(c) })
	s.say(event, "failover switch: %s. Route 53 and the pair confirm it in %s.", c.new, brief(time.Since(c.at)))
	s.follow(ctx, c)
	s.spreading = c
	s.say(named, "Route 53 takes 40 s: at both %s, client's DNS %s", switchAtPair.seconds(), switchBehind.seconds())
	s.note("by failover switch after %s", c.first[atClient])
}

// act is one that is about a change.
func (c *change) act() *act { return &act{name: c.name, word: c.word, note: c.note} }

// follow waits until the new address is everywhere, and a while longer for old ones
// that come again.
func (s *story) follow(ctx context.Context, c *change) {
	s.until(ctx, c.isEverywhere, longest)
	s.pass(ctx, after)
	s.old += c.oldAfter
	s.say(seen, "new at a %s, b %s, client %s; %d old after new",
		c.first[atA], c.first[atB], c.first[atClient], c.oldAfter)
}

// showSpread tells when upstream gives at both forwarders what failover switch has set:
// their overrides end by themselves some time later.
func (s *story) showSpread() {
	c := s.spreading
	if c == nil || !s.site.pair[0].upstreamGives(c) || !s.site.pair[1].upstreamGives(c) {
		return
	}
	s.spreading = nil
	s.say(event, "Upstream gives db's new address too now, %s after failover switch.", brief(time.Since(c.at)))
}
