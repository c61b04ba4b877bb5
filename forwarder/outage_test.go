package forwarder

import (
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/wire"
)

// outage is 15 s in which upstream is dead, between 12 s and 10 s of health, at
// 50 queries a second for hot names and 50 for cold ones.
type outage struct {
	*clients
	from, back, end time.Time
}

func runOutage(c *clients, mode string) outage {
	o := outage{clients: c}
	n := 0
	load := func(i int) {
		if n++; n%2 == 0 {
			c.ask(hotName(n / 2))
		} else {
			c.ask(coldName(n))
		}
	}
	c.run(12*time.Second, load)
	o.from = time.Now()
	c.vpc.change(func() { c.vpc.mode = mode })
	c.run(15*time.Second, load)
	o.back = time.Now()
	c.vpc.change(func() { c.vpc.mode = "" })
	c.run(10*time.Second, load)
	o.end = time.Now()
	c.run(5*time.Second, func(int) {})
	return o
}

// cached reports whether l was asked while the resolver's answer was still good.
func (o outage) cached(l *lookup) bool {
	return isHot(l) && l.from.Before(o.from.Add(time.Duration(o.vpc.ttl-2)*time.Second)) &&
		l.from.Before(o.lastGood(l).Add(-time.Second))
}

// lastGood is when the last answer from before the outage ended.
func (o outage) lastGood(l *lookup) (at time.Time) {
	for _, k := range o.all {
		if k.name == l.name && k.good() && k.at.Before(o.back) {
			at = k.at.Add(time.Duration(k.ttl) * time.Second)
		}
	}
	return at
}

// TestUpstreamDead holds what clients see of an outage, by the way in which
// upstream is dead.
func TestUpstreamDead(t *testing.T) {
	const instant = 2 * beat
	for _, tc := range []struct {
		mode    string
		failure time.Duration // a failure takes so long at most, once the outage has lasted two seconds
		why     []uint16
		late    time.Duration // failures end so long after the return
	}{
		{mode: "silent", failure: config.MaxClientWait + instant, why: []uint16{wire.EDENoReachable}, late: 250 * time.Millisecond},
		{mode: "refusing", failure: instant, why: []uint16{wire.EDENetwork}, late: 250 * time.Millisecond},
		{mode: "garbage", failure: config.MaxClientWait + instant, why: []uint16{wire.EDENoReachable, wire.EDENetwork}, late: 500 * time.Millisecond},
		{mode: "SERVFAIL", failure: instant, why: []uint16{wire.EDENoReachable, wire.EDECachedError}, late: 100 * time.Millisecond},
		{mode: "REFUSED", failure: instant, why: []uint16{wire.EDENoReachable, wire.EDECachedError}, late: 100 * time.Millisecond},
	} {
		t.Run(tc.mode, func(t *testing.T) {
			withClients(t, "", func(c *clients) {
				o := runOutage(c, tc.mode)
				var fromCache, failed int
				recovered := time.Duration(0)
				for _, l := range o.all {
					switch {
					case l.at.IsZero():
						t.Fatalf("%s, asked %v into the outage, was never answered", l.name, l.from.Sub(o.from))
					case l.good() && !l.from.Before(o.from) && l.at.Before(o.back):
						fromCache++
					case l.good():
					case l.rcode != dns.RcodeServerFailure || !slices.Contains(tc.why, l.why):
						t.Errorf("%s: rcode %d, extended error %d, want SERVFAIL and one of %d", l.name, l.rcode, l.why, tc.why)
					default:
						failed++
						recovered = max(recovered, l.at.Sub(o.back))
						limit := tc.failure
						if l.from.Before(o.from.Add(2 * time.Second)) {
							limit = max(limit, 1200*time.Millisecond+instant)
						}
						if l.took() > limit {
							t.Errorf("%s failed after %v, %v into the outage, want within %v", l.name, l.took(), l.from.Sub(o.from), limit)
						}
						if o.cached(l) {
							t.Errorf("%s failed %v into the outage, and had an answer until %v", l.name, l.from.Sub(o.from), o.lastGood(l).Sub(o.from))
						}
					}
					if l.good() && l.from.Before(o.back) && l.at.Sub(o.back) > 500*time.Millisecond ||
						!l.from.Before(o.back) && l.took() > 500*time.Millisecond {
						t.Errorf("%s waited until %v after the return, want 500 ms at most", l.name, l.at.Sub(o.back))
					}
				}
				if recovered > tc.late {
					t.Errorf("the last failure came %v after the return, want %v at most", recovered, tc.late)
				}
				if fromCache < 20*5 || failed == 0 {
					t.Errorf("%d answers during the outage, %d failures, want hot names to be answered from the cache, and the rest to fail", fromCache, failed)
				}
				c.checkTTLs()
				o.checkPackets()
				t.Logf("%d good answers in the outage, %d failures, the last %v after the return", fromCache, failed, recovered)
			})
		})
	}
}

// checkPackets: an outage costs no more packets than health, nor does its end
// more than what waited: 4.5 s of 100 queries a second.
func (o outage) checkPackets() {
	before, during, after := o.vpc.peak(o.from.Add(-10*time.Second), o.from), o.vpc.peak(o.from, o.back), o.vpc.peak(o.back, o.end)
	if during > 2*100+50 || after > 100*5+50 {
		o.t.Errorf("packets a second at most before, during and after: %d, %d, %d, for 100 queries a second", before, during, after)
	}
	o.t.Logf("packets a second at most before, during and after: %d, %d, %d", before, during, after)
}

// TestUpstreamDeadStale: with stale answers hot names are answered all through
// the outage, as soon as the options say; they do not delay its end.
func TestUpstreamDeadStale(t *testing.T) {
	const enable = "stale-cache-enable yes; stale-answer-enable yes; stale-answer-ttl 7; "
	for _, tc := range []struct {
		name, options string
		wait          time.Duration // of the first ones for a stale answer
		fresh         time.Duration // after the return no answer is stale any more
	}{
		{name: "after failure", options: enable + "stale-refresh-time 0;", wait: config.MaxClientWait},
		{name: "refresh time", options: enable + "stale-refresh-time 4;", wait: config.MaxClientWait, fresh: 4 * time.Second},
		{name: "client timeout", options: enable + "stale-refresh-time 0; stale-answer-client-timeout 500;", wait: 500 * time.Millisecond},
		{name: "least timeout", options: enable + "stale-refresh-time 0; stale-answer-client-timeout 0;", wait: 100 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			withClients(t, tc.options, func(c *clients) {
				o := runOutage(c, "silent")
				stale := 0
				for _, l := range o.all {
					if !isHot(l) {
						continue
					}
					if l.rcode != dns.RcodeSuccess {
						t.Errorf("%s: rcode %d %v into the outage", l.name, l.rcode, l.from.Sub(o.from))
					}
					if l.why != wire.EDEStale {
						continue
					}
					stale++
					if l.ttl != 7 || l.took() > tc.wait+2*beat || l.at.Before(o.from) {
						t.Errorf("%s: stale answer with TTL %d after %v, %v into the outage, want 7 within %v",
							l.name, l.ttl, l.took(), l.from.Sub(o.from), tc.wait)
					}
					if late := l.at.Sub(o.back); late > tc.fresh+2*beat {
						t.Errorf("%s: stale answer %v after the return, want none after %v", l.name, late, tc.fresh)
					}
				}
				if stale < 100 {
					t.Errorf("%d stale answers, want many", stale)
				}
				c.checkTTLs()
				o.checkPackets()
			})
		})
	}
}
