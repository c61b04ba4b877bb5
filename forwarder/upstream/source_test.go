package upstream

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var (
	source1 = netip.MustParseAddr("10.79.1.10")
	source2 = netip.MustParseAddr("10.79.1.11")
	source6 = netip.MustParseAddr("fd00::11")
	server6 = netip.MustParseAddrPort("[fd00::2]:53")
)

// interfaces says which interface has a source; the first one has what is not named.
func interfaces(by map[netip.Addr]string) func(server, source netip.Addr) string {
	return func(_, source netip.Addr) string {
		if name := by[source]; name != "" {
			return name
		}
		return "ens5"
	}
}

// twoSources makes a Config ask from source1 by ens5, and from source2 by ens6.
func twoSources(c *Config) {
	c.Sources = []netip.Addr{source1, source2}
	c.Interface = interfaces(map[netip.Addr]string{source2: "ens6"})
}

// sentFrom returns how many queries left from a source.
func (n *network) sentFrom(a netip.Addr) (sent int) {
	n.change(func() { sent = n.from[a] })
	return sent
}

// sourceEvents returns what was told of sources, as "source left out 10.79.1.11".
func (a *asker) sourceEvents() (list []string) {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.ev {
		if e.Kind == SourceLeftOut || e.Kind == SourceTakenBack {
			list = append(list, fmt.Sprintf("%v %v", e.Kind, e.Source))
		}
	}
	return list
}

// bursts asks 100 names at once in each of n seconds: more than may leave so over TCP
// by one interface.
func (a *asker) bursts(prefix string, n int) {
	for i := range n {
		a.stream(fmt.Sprint(prefix, i, "-"), 100, 1e6)
		time.Sleep(time.Second)
	}
}

func (a *asker) wantSourceEvents(want ...string) {
	a.t.Helper()
	if got := a.sourceEvents(); !slices.Equal(got, want) {
		a.t.Errorf("events %q, want %q", got, want)
	}
}

// TestSourceFamilies: a server is asked from sources of its family, and where there are
// none from any; an IPv4-mapped one is of IPv6, as in BIND.
func TestSourceFamilies(t *testing.T) {
	mapped := netip.AddrFrom16(source2.As16())
	synctest.Test(t, func(t *testing.T) {
		for _, tc := range []struct {
			sources, v4, v6 []netip.Addr
		}{
			{v4: []netip.Addr{{}}, v6: []netip.Addr{{}}},
			{[]netip.Addr{source1}, []netip.Addr{source1}, []netip.Addr{{}}},
			{[]netip.Addr{source1, source6, source2, source1}, []netip.Addr{source1, source2}, []netip.Addr{source6}},
			{[]netip.Addr{mapped}, []netip.Addr{{}}, []netip.Addr{mapped}},
		} {
			a := newAsker(t, newNetwork(serverA, server6), func(c *Config) {
				c.Servers, c.Sources = []Server{{Addr: serverA}, {Addr: server6}}, tc.sources
			})
			servers, _ := a.Now()
			for i, want := range [][]netip.Addr{tc.v4, tc.v6} {
				var got []netip.Addr
				for _, f := range servers[i].Sources {
					got = append(got, f.Addr)
				}
				if !slices.Equal(got, want) {
					t.Errorf("of %v, %v is asked from %v, want %v", tc.sources, servers[i].Addr, got, want)
				}
			}
			a.finish()
		}
	})
}

// TestSourceLost: who has no route of his own is left out soon, told of once, tried
// again, and taken back. No request fails, and few are late.
func TestSourceLost(t *testing.T) {
	for name, tc := range map[string]struct {
		pps, rate int
	}{
		"few questions":            {900, 20},
		"many":                     {900, 800},
		"more than one may":        {900, 1200},
		"no limit":                 {0, 2000},
		"more than both may carry": {100, 400},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				a := newAsker(t, n, twoSources, func(c *Config) { c.PPS = tc.pps })
				n.change(func() { n.lost[source2] = true })
				a.stream("lost", 6*tc.rate, tc.rate)
				a.wantSourceEvents("source left out " + source2.String())
				before := n.sentFrom(source2)
				a.stream("later", 4*tc.rate, tc.rate)
				if got := n.sentFrom(source2) - before; got == 0 || got > 5 {
					t.Errorf("%d packets from the source that is left out in 4 s, want one a second", got)
				}
				n.change(func() { n.lost[source2] = false })
				a.stream("well", 2*tc.rate, tc.rate)
				a.wantSourceEvents("source left out "+source2.String(), "source taken back "+source2.String())
				before = n.sentFrom(source2)
				a.stream("again", 2*tc.rate, tc.rate)
				if got, want := n.sentFrom(source2)-before, min(2*tc.rate, 4*cmpPPS(tc.pps))/2; got < want*3/4 {
					t.Errorf("%d packets from the source that is well again in 2 s, want about %d", got, want)
				}
				if a.Stats().Servers[0].Down {
					t.Error("the server is down")
				}
				if took, failed := a.finish(); tc.rate <= tc.pps && (failed > 0 || percentile(took, 90) > 10*time.Millisecond) {
					t.Errorf("%d failed, 9 of 10 took %v", failed, percentile(took, 90))
				}
			})
		})
	}
}

// cmpPPS is a limit, or more than anybody needs.
func cmpPPS(pps int) int {
	if pps == 0 {
		return 1e6
	}
	return pps
}

// TestSourceOfNoUse: a source that is no address of the host, without a route, or
// refused by a firewall. No request fails or waits, and the server is not blamed.
func TestSourceOfNoUse(t *testing.T) {
	for name, tc := range map[string]struct {
		absent, reject error
	}{
		"no such address": {absent: syscall.EADDRNOTAVAIL},
		"no route":        {absent: syscall.ENETUNREACH},
		"unreachable":     {reject: syscall.EHOSTUNREACH},
		"refused":         {reject: syscall.ECONNREFUSED},
	} {
		for _, tcp := range []bool{false, true} {
			if tcp && tc.reject != nil {
				continue
			}
			t.Run(fmt.Sprint(name, " over TCP ", tcp), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := newNetwork(serverA)
					a := newAsker(t, n, twoSources, func(c *Config) { c.PPS, c.Servers[0].TCPOnly = 900, tcp })
					set := func(absent, reject error) {
						n.change(func() { n.absent[source2], n.reject[source2] = absent, reject })
					}
					set(tc.absent, tc.reject)
					a.bursts("bad", 5)
					a.wantSourceEvents("source left out " + source2.String())
					set(nil, nil)
					a.bursts("well", 3)
					a.wantSourceEvents("source left out "+source2.String(), "source taken back "+source2.String())
					took, failed := a.finish()
					if failed > 0 || percentile(took, 99) > 200*time.Millisecond {
						t.Errorf("%d failed, 99 of 100 took %v", failed, percentile(took, 99))
					}
					for _, e := range a.ev {
						if e.Kind == OutageBegan || e.Kind == LocalErrorBegan {
							t.Errorf("the server is blamed: %v %v", e.Kind, e.Err)
						}
					}
				})
			})
		}
	}
}

// TestSourcesAllFail: what befalls all sources is the server's, as with one, and ends
// as soon.
func TestSourcesAllFail(t *testing.T) {
	for name, tc := range map[string]struct {
		set   func(n *network, on bool)
		event EventKind
	}{
		"silent": {func(n *network, on bool) { n.lost[source1], n.lost[source2] = on, on }, OutageBegan},
		"dead":   {func(n *network, on bool) { n.hosts[serverA].dead = on }, OutageBegan},
		"absent": {func(n *network, on bool) {
			n.absent[source1], n.absent[source2] = nil, nil
			if on {
				n.absent[source1], n.absent[source2] = syscall.EADDRNOTAVAIL, syscall.EADDRNOTAVAIL
			}
		}, LocalErrorBegan},
		"refusing": {func(n *network, on bool) { n.hosts[serverA].refusing = on }, OutageBegan},
		"one after the other": {func(n *network, on bool) {
			n.lost[source2] = on
			if !on {
				n.absent[source1] = nil
			} else {
				time.AfterFunc(4*time.Second, func() { n.change(func() { n.absent[source1] = syscall.EADDRNOTAVAIL }) })
			}
		}, LocalErrorBegan},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				a := newAsker(t, n, twoSources, func(c *Config) { c.PPS = 900 })
				a.stream("well", 100, 100)
				n.change(func() { tc.set(n, true) })
				a.stream("bad", 1000, 100)
				n.change(func() { tc.set(n, false) })
				time.Sleep(700 * time.Millisecond)
				if got := a.ask("back"); got.err != nil || got.took > 500*time.Millisecond {
					t.Errorf("after the end: %v after %v", got.err, got.took)
				}
				a.stream("after", 300, 100)
				a.drain()
				if !slices.ContainsFunc(a.ev, func(e Event) bool { return e.Kind == tc.event }) {
					t.Errorf("events %v, want %v", a.ev, tc.event)
				}
				for _, p := range a.list[0].paths {
					if p.out || p.source.lost > 0 {
						t.Errorf("source %v is left out still", p.source.addr)
					}
				}
				a.finish()
			})
		})
	}
}

// TestSourceRestart: a server that restarts says nothing of sources.
func TestSourceRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n, twoSources)
		for range 5 {
			a.stream("well", 200, 200)
			n.change(func() { n.hosts[serverA].refusing = true })
			a.stream("restarts", 100, 200)
			n.change(func() { n.hosts[serverA].refusing = false })
		}
		a.wantSourceEvents()
		if _, failed := a.finish(); failed > 0 {
			t.Errorf("%d failed", failed)
		}
	})
}

// TestSourcesNotBlamed: neither loss nor names without answers, however many, are a
// source's fault.
func TestSourcesNotBlamed(t *testing.T) {
	for name, tc := range map[string]struct {
		loss float64
		dead int // names of ten that nobody answers for
	}{
		"20 % loss":  {0.2, 0},
		"dead names": {0, 9},
		"both":       {0.1, 5},
	} {
		for _, rate := range []int{5, 200, 2000} {
			t.Run(fmt.Sprint(name, " at ", rate), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := newNetwork(serverA)
					h, answer := n.hosts[serverA], n.hosts[serverA].udp
					h.loss = tc.loss
					h.udp = func(k *fakeSocket, q []byte) [][]byte {
						if first := questionOf(q)[5] - '0'; int(first) < tc.dead {
							return nil
						}
						return answer(k, q)
					}
					a := newAsker(t, n, twoSources, func(c *Config) { c.PPS = 900 })
					for i := range min(30*rate, 20_000) {
						a.start(fmt.Sprint(i%10, "-", i))
						time.Sleep(time.Second / time.Duration(rate))
					}
					a.wantSourceEvents()
					a.finish()
				})
			})
		}
	}
}

// TestSourcesReload: budgets are the interfaces', whatever becomes of sources, and
// what is left out stays so without being told of again.
func TestSourcesReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.lost[source2] = true
		a := newAsker(t, n, twoSources, func(c *Config) { c.PPS = 100 })
		a.stream("n", 400, 80)
		a.wantSourceEvents("source left out " + source2.String())
		next := newAsker(t, n, twoSources, func(c *Config) { c.PPS, c.Previous = 100, a.Client })
		a.finish()
		before := n.sentFrom(source2)
		next.stream("next", 300, 80)
		next.wantSourceEvents()
		if got := n.sentFrom(source2) - before; got > 4 {
			t.Errorf("%d packets from a source that was left out before, want one a second", got)
		}
		n.change(func() { n.lost[source2] = false })
		next.stream("well", 200, 80)
		next.wantSourceEvents("source taken back " + source2.String())

		// One source less, and back again: ens6 has spent what it has spent.
		spent := next.Stats().Interfaces
		one := newAsker(t, n, twoSources, func(c *Config) { c.PPS, c.Previous, c.Sources = 100, next.Client, []netip.Addr{source1} })
		next.finish()
		two := newAsker(t, n, twoSources, func(c *Config) { c.PPS, c.Previous = 100, one.Client })
		one.finish()
		if got := two.Stats().Interfaces; !slices.Equal(got, spent) {
			t.Errorf("interfaces %+v, want %+v as before", got, spent)
		}
		two.SetPPS(50)
		for _, l := range two.Stats().Interfaces {
			if l.PPS != 50 {
				t.Errorf("%s has %d packets a second, want 50", l.Interface, l.PPS)
			}
		}
		two.finish()
	})
}

// TestSourceLeftAlone: who remains when the others are taken away is asked.
func TestSourceLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.lost[source2] = true
		a := newAsker(t, n, twoSources)
		a.stream("n", 400, 80)
		n.change(func() { n.lost[source2] = false })
		next := newAsker(t, n, func(c *Config) { c.Sources, c.Previous = []netip.Addr{source2}, a.Client })
		a.finish()
		next.stream("next", 100, 80)
		if _, failed := next.finish(); failed > 0 {
			t.Errorf("%d failed", failed)
		}
	})
	synctest.Test(t, func(t *testing.T) { // several remain, and none of them was well
		source3 := source2.Next()
		n := newNetwork(serverA)
		n.lost[source2], n.lost[source3] = true, true
		a := newAsker(t, n, func(c *Config) { c.Sources = []netip.Addr{source1, source2, source3} })
		a.stream("n", 600, 80)
		if got := a.sourceEvents(); len(got) != 2 {
			t.Errorf("events %q, want that two sources are left out", got)
		}
		n.change(func() { n.lost[source2] = false })
		next := newAsker(t, n, func(c *Config) { c.Sources, c.Previous = []netip.Addr{source2, source3}, a.Client })
		a.finish()
		next.stream("next", 400, 80)
		if _, failed := next.finish(); failed > 0 {
			t.Errorf("%d failed", failed)
		}
		for _, p := range next.list[0].paths {
			if want := p.source.addr == source3; p.out != want || p.announced != want || p.source.lost > 0 != want {
				t.Errorf("source %v: left out %v, told of %v (%d servers); want %v", p.source.addr, p.out, p.announced, p.source.lost, want)
			}
		}
	})
}

// TestReconnect: an interface that comes, or a route, is found out.
func TestReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		by := map[netip.Addr]string{}
		a := newAsker(t, n, func(c *Config) { c.PPS, c.Sources, c.Interface = 100, []netip.Addr{source1, source2}, interfaces(by) })
		if _, budgets := a.Now(); len(budgets) != 2 || budgets[1].Interface != "ens5" {
			t.Errorf("budgets %+v, want that of ens5", budgets)
		}
		for i := range 800 {
			a.start(fmt.Sprint(i), func(r *Request) { r.Turn = uint64(i % 7) })
		}
		by[source2] = "ens6"
		a.Reconnect()
		servers, budgets := a.Now()
		if b := budgets[servers[0].Budget]; b.Interface != "ens5+ens6" || b.PPS != 200 || len(b.Interfaces) != 2 {
			t.Errorf("budget %+v, want that of ens5 and ens6", b)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if sent := n.count(); sent < 190 || sent > 222 {
			t.Errorf("%d packets in a second, want those of two interfaces", sent)
		}
		a.finish()
	})
}

// TestSourceComesBackAlone: a source that is well again is asked from, also when the ones
// that were well are not so any more.
func TestSourceComesBackAlone(t *testing.T) {
	gone := func(err error) func(n *network, a netip.Addr) {
		return func(n *network, a netip.Addr) { n.absent[a] = err }
	}
	refused := func(n *network, a netip.Addr) { n.reject[a] = syscall.EHOSTUNREACH }
	lost := func(n *network, a netip.Addr) { n.lost[a] = true }
	for first, breakFirst := range map[string]func(*network, netip.Addr){"gone": gone(syscall.EADDRNOTAVAIL), "no route": gone(syscall.ENETUNREACH), "refused": refused, "lost": lost} {
		for second, breakSecond := range map[string]func(*network, netip.Addr){"gone": gone(syscall.EADDRNOTAVAIL), "no route": gone(syscall.ENETUNREACH), "refused": refused, "lost": lost} {
			t.Run(first+", then "+second, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := newNetwork(serverA)
					a := newAsker(t, n, twoSources)
					n.change(func() { breakFirst(n, source2) })
					a.stream("n", 400, 80)
					n.change(func() { breakSecond(n, source1) })
					a.stream("none", 400, 80)
					n.change(func() {
						delete(n.absent, source2)
						delete(n.reject, source2)
						n.lost[source2] = false
					})
					a.stream("back", 400, 80)
					well := time.Now()
					a.stream("well", 100, 80)
					a.drain()
					failed := 0
					for r, res := range a.ends {
						if !a.from[r].Before(well) && res.err != nil {
							failed++
						}
					}
					if failed > 0 {
						t.Errorf("%d of 100 failed, 5 s after a source was well again", failed)
					}
					a.Close()
				})
			})
		}
	}
}
