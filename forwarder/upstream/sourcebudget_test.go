package upstream

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// TestSourcesSpend: each interface has its own budget, however many addresses it has,
// and it is the whole of it that is spent.
func TestSourcesSpend(t *testing.T) {
	for _, tc := range []struct {
		name    string
		by      map[netip.Addr]string
		sources []netip.Addr
		most    map[netip.Addr]int // packets in the first second; of one interface together
	}{
		{"two interfaces", map[netip.Addr]string{source2: "ens6"}, []netip.Addr{source1, source2}, map[netip.Addr]int{source1: 110, source2: 110}},
		{"two addresses of one", nil, []netip.Addr{source1, source2}, map[netip.Addr]int{source1: 55, source2: 55}},
		{"one given twice", nil, []netip.Addr{source1, source1}, map[netip.Addr]int{source1: 110}},
		{"one of another family", nil, []netip.Addr{source6}, map[netip.Addr]int{{}: 110}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				a := newAsker(t, n, func(c *Config) { c.PPS, c.Sources, c.Interface = 100, tc.sources, interfaces(tc.by) })
				for i := range 1000 {
					a.start(fmt.Sprint(i), func(r *Request) { r.Turn = uint64(i % 7) })
				}
				time.Sleep(time.Second)
				synctest.Wait()
				for from, most := range tc.most {
					if got := n.sentFrom(from); got > most+1 || got < most*8/10 {
						t.Errorf("%d packets from %v in a second, want about %d", got, from, most)
					}
				}
				a.Close()
			})
		})
	}
}

// TestSourcesSpread: without a limit, on this host, and far from the limit, sources
// are asked from in turn.
func TestSourcesSpread(t *testing.T) {
	for name, edit := range map[string]func(*Config){
		"no limit":     func(c *Config) { c.PPS = 0 },
		"unmetered":    func(c *Config) { c.Servers[0].Unmetered = true },
		"far below it": func(c *Config) { c.PPS = 900 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				a := newAsker(t, n, twoSources, edit)
				a.stream("n", 100, 20)
				a.finish()
				if one, two := n.sentFrom(source1), n.sentFrom(source2); one != 50 || two != 50 {
					t.Errorf("%d and %d packets from the sources, want 50 each", one, two)
				}
			})
		})
	}
}

// TestSourcesShared: above freshRate each source has its own shared sockets.
func TestSourcesShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n, twoSources)
		a.stream("n", 20_000, 5000)
		if _, failed := a.finish(); failed > 0 {
			t.Errorf("%d of 20000 failed", failed)
		}
		if one, two := n.sentFrom(source1), n.sentFrom(source2); one < 9000 || two < 9000 {
			t.Errorf("%d and %d packets from the sources, want about as many", one, two)
		}
		if n.dials > 2*freshRate+4*sharedSockets*2 {
			t.Errorf("%d sockets for 20000 queries: they were not shared", n.dials)
		}
	})
}

// TestSourcesFair: clients and priorities have their turn over all interfaces.
func TestSourcesFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n, twoSources, func(c *Config) { c.PPS = 100 })
		var quiet []*Request
		for i := range 3000 { // 1000 a second from one client, 10 from another
			a.start(fmt.Sprint("busy", i), func(r *Request) { r.Turn = 1 })
			if i%100 == 0 {
				quiet = append(quiet, a.start(fmt.Sprint("quiet", i), func(r *Request) { r.Turn = 2 }))
			}
			time.Sleep(time.Millisecond)
		}
		a.finish()
		for i, r := range quiet {
			if end := a.ends[r]; end.err != nil || end.took > 100*time.Millisecond {
				t.Errorf("quiet client's request %d: %v after %v", i, end.err, end.took)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n, twoSources, func(c *Config) { c.PPS = 100 })
		a.stream("spend", 20, 1e6)
		for _, p := range []Priority{PriorityProbe, PriorityPrefetch, PriorityClient, PriorityShared, PriorityHot} {
			for i := range 5 {
				a.start(fmt.Sprint(p, i), func(r *Request) { r.Priority = p })
			}
		}
		a.finish()
		for i, r := range a.seen[20:] { // two leave at a time
			for _, later := range a.seen[20+i:] {
				if later.Priority < r.Priority && a.ends[later].at.After(a.ends[r].at) {
					t.Errorf("a request of priority %d was answered after one of %d", later.Priority, r.Priority)
				}
			}
		}
	})
}

// TestSourcesOverlap: servers of which one is asked by two interfaces, and another
// only by the first, have each their share of that one.
func TestSourcesOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA, server6)
		a := newAsker(t, n, twoSources, func(c *Config) {
			c.PPS = 100
			c.Servers = []Server{{Addr: serverA}, {Addr: server6}}
		})
		for i := range 5000 {
			if i%4 != 0 {
				a.start(fmt.Sprint("four", i), func(r *Request) { r.Turn, r.Servers = uint64(i%20), []netip.AddrPort{serverA} })
			} else {
				a.start(fmt.Sprint("six", i), func(r *Request) { r.Turn, r.Servers = uint64(i%20), []netip.AddrPort{server6} })
			}
			time.Sleep(time.Millisecond)
		}
		one, six, two := n.sentFrom(source1), n.sentFrom(netip.Addr{}), n.sentFrom(source2)
		if one+six > 510+1 || six < 150 || one < 100 || two < 450 {
			t.Errorf("%d packets from the first source, %d over IPv6 by the same interface, %d from the second, in 5 s at 100/s; want shares of each", one, six, two)
		}
		a.Close()
	})
}
