package forwarder

import (
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/miekg/dns"
)

// The latency of each source is that of its replies, as far as the clock tells: hits
// cost nothing there, what upstream was asked takes as long as that took.
func TestLatencyBySource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVPC()
		n := newFakeNet("10.79.1.10/24")
		n.auto = v.take
		c := &clients{t: t, vpc: v, r: newReplay(t, testConfig(), n)}
		defer c.r.stop()
		const rtt = 30 * time.Millisecond
		v.delay = func() time.Duration { return rtt }
		for i := range 20 {
			c.ask(hotName(i))
			c.ask(hotName(i))
		}
		c.run(time.Second, func(int) {})
		for i := range 20 {
			c.ask(hotName(i))
		}
		c.run(time.Second, func(int) {})
		got := c.r.s.Latencies()
		for source, want := range map[Source]struct {
			n    uint64
			took time.Duration
		}{SourceHit: {20, 0}, SourceMiss: {20, rtt}, SourceJoined: {20, rtt}, SourceStale: {}} {
			l := got[source]
			if l.Samples != want.n || l.P50 < want.took*2/3 || l.P99 > want.took+want.took/2+time.Millisecond {
				t.Errorf("%v took %+v, want %d, about %v", source, l, want.n, want.took)
			}
		}
		c.run(2*time.Minute, func(int) {})
		for source, l := range c.r.s.Latencies() {
			if l != (Latency{}) {
				t.Errorf("after two minutes of silence %v took %+v, want none", Source(source), l)
			}
		}
		st := c.r.s.Stats()
		if _, all := st.Latency[SourceMiss].Within(); all != 20 || st.Latency[SourceMiss].Sum < 20*rtt {
			t.Errorf("Stats has %d misses in %v, want 20", all, st.Latency[SourceMiss].Sum)
		}
	})
}

// However many are looked at, the replies of a source add up.
func TestSampledLatenciesAddUp(t *testing.T) {
	s := unserved(t)
	a := s.newAsker()
	const n = 300_000
	a.askMany(n, "www.example.", dns.TypeA, testAsker(false))
	h := s.Stats().Latency[SourceHit]
	if _, all := h.Within(); all < n*8/10 || all > n*12/10 {
		t.Errorf("the latencies are of %d replies, want about %d", all, n)
	}
}

// Each connection has a glance and a tally.
func TestGlanceIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(glance{}); n > 640 {
		t.Errorf("a glance has %d octets, want 640 at most", n)
	}
}

// What is asked again within the moment that an answer without TTL is given again is
// counted, for who looks for bursts.
func TestRepeatsAreCounted(t *testing.T) {
	withClients(t, "", func(c *clients) {
		c.vpc.ttl = 0
		for range 30 {
			c.ask("burst.example.")
			time.Sleep(2 * time.Millisecond)
		}
		c.run(time.Second, func(int) {})
		if n := c.r.s.Stats().Repeated; n < 25 || n > 29 {
			t.Errorf("%d answers were given again, want those but the first ones of 30", n)
		}
	})
}
