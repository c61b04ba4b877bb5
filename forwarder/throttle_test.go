package forwarder

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"vpcdns/acl"
	"vpcdns/forwarder/host"
)

// TestThrottle: each row is a course of readings: by how much the counter grew,
// how often in a row, and the budget after the last of them.
func TestThrottle(t *testing.T) {
	type readings struct {
		grown uint64
		times int
		pps   int
		last  change
	}
	tests := []struct {
		name   string
		limit  int
		course []readings
	}{
		{"calm", 900, []readings{{0, 1000, 900, nothingNew}}},
		{"once", 900, []readings{
			{5, 1, 450, begun}, {0, throttleHold - 1, 450, nothingNew}, {0, 1, 506, nothingNew},
			{0, 7, 898, nothingNew}, {0, 1, 900, nothingNew},
			{0, throttleOver - throttleHold - 9, 900, nothingNew}, {0, 1, 900, over}, {0, 1000, 900, nothingNew},
		}},
		{"what is late counts once", 900, []readings{
			{5, 1, 450, begun}, {5, throttleGrace - 1, 450, nothingNew}, {5, 1, 225, nothingNew},
		}},
		{"down to the floor", 900, []readings{{1, 1000, 112, nothingNew}, {0, throttleHold + 14, 900, nothingNew}}},
		{"again while it recovers", 900, []readings{
			{1, 1, 450, begun}, {0, throttleHold + 1, 562, nothingNew}, {1, 1, 281, nothingNew},
			{0, throttleHold - 1, 281, nothingNew}, {0, 1, 337, nothingNew},
		}},
		{"one packet a second", 1, []readings{{1, 100, 1, nothingNew}, {0, throttleOver, 1, over}}},
		{"no limit", 0, []readings{{1, 1, 0, begun}, {1, 100, 0, nothingNew}, {0, throttleOver, 0, over}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			th := newThrottle(test.limit)
			for i, r := range test.course {
				var last change
				for range r.times {
					last = th.read(r.grown)
				}
				if th.pps != r.pps || last != r.last {
					t.Errorf("course %d: after %d readings of %d the budget is %d, the change %d, want %d, %d",
						i, r.times, r.grown, th.pps, last, r.pps, r.last)
				}
			}
		})
	}
}

func TestGrowth(t *testing.T) {
	at := func(name string, n uint64) host.Exceeded {
		return host.Exceeded{Interface: name, Allowance: host.LinkLocal, Packets: n}
	}
	pps := func(n uint64) host.Exceeded { return host.Exceeded{Interface: "eth0", Allowance: "pps", Packets: n} }
	tests := []struct {
		name      string
		old, list []host.Exceeded
		want      uint64
	}{
		{"nothing", nil, nil, 0},
		{"first reading", nil, []host.Exceeded{at("eth0", 7)}, 0},
		{"grown", []host.Exceeded{at("eth0", 7)}, []host.Exceeded{at("eth0", 9)}, 2},
		{"two interfaces", []host.Exceeded{at("eth0", 7), at("eth1", 1)}, []host.Exceeded{at("eth1", 4), at("eth0", 9)}, 5},
		{"reset", []host.Exceeded{at("eth0", 7)}, []host.Exceeded{at("eth0", 1)}, 0},
		{"another interface", []host.Exceeded{at("eth0", 7)}, []host.Exceeded{at("eth0", 7), at("eth1", 9)}, 0},
		{"another allowance", []host.Exceeded{at("eth0", 7), pps(1)}, []host.Exceeded{at("eth0", 7), pps(100)}, 0},
	}
	for _, test := range tests {
		if got := growth(test.old, test.list); got != test.want {
			t.Errorf("%s: growth = %d, want %d", test.name, got, test.want)
		}
	}
}

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
			if b := st.Upstream.Budgets[0].PPS; b != pps || st.Throttle.Active != active || st.Throttle.Halvings != halvings {
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
		time.Sleep(throttleEvery)
		check("after a loss", 450, true, 1)
		cfg := testConfig()
		cfg.Zones = []ForwardZone{{Name: ".", Forwarders: []netip.AddrPort{netip.MustParseAddrPort("10.79.0.3:53")}}}
		cfg.Listen = []Listen{{Port: 53, Match: acl.All()}}
		if err := r.s.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		check("after a reload", 450, true, 1)
		time.Sleep(throttleHold * throttleEvery)
		check("after a while", 506, true, 1)
		time.Sleep(throttleSteps / 2 * throttleEvery)
		check("in the end", 900, false, 1)
		if x := r.s.Stats().Throttle.Exceeded; len(x) != 1 || x[0].Packets != 100 {
			t.Errorf("Exceeded = %v, want 100 packets", x)
		}
		r.stop()
	})
}
