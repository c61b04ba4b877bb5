package forwarder

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
)

// TestThrottledServer: packets that the host's interface drops halve the budget,
// also over a reload that changes the servers; then it recovers.
func TestThrottledServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet("10.79.1.10/24")
		n.auto = echoUpstream
		r := newReplayWith(t, testConfig(), n, Options{Workers: 1, UpstreamPPS: 900})
		check := func(when string, pps int, active bool, halvings uint64) {
			t.Helper()
			synctest.Wait()
			st := r.s.Stats()
			if b := st.Upstream.Interfaces[0].PPS; b != pps || st.Throttle.Active != active || st.Throttle.Halvings != halvings {
				t.Errorf("%s: budget %d, %+v, want %d, active %v, %d halvings", when, b, st.Throttle, pps, active, halvings)
			}
		}
		lose := func(packets uint64) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.lost += packets
		}
		check("at the start", 900, false, 0)
		lose(100)
		time.Sleep(allowancesEvery)
		check("after a loss", 450, true, 1)
		cfg := testConfig()
		cfg.Zones = []config.ForwardZone{{Name: ".", Forwarders: []netip.AddrPort{netip.MustParseAddrPort("10.79.0.3:53")}}}
		cfg.Listen = []config.Listen{{Port: 53, Match: acl.All()}}
		if err := r.s.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		check("after a reload", 450, true, 1)
		time.Sleep(10 * allowancesEvery) // then it begins to recover
		check("after a while", 506, true, 1)
		time.Sleep(8 * allowancesEvery)
		check("in the end", 900, false, 1)
		if x := r.s.Stats().Throttle.Exceeded; len(x) != 1 || x[0].Packets != 100 {
			t.Errorf("Exceeded = %v, want 100 packets", x)
		}
		r.stop()
	})
}
