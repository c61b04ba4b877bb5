package upstream

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// TestBudget: 3000 requests a second for five seconds, of which 900 may leave.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].loss = 0.05
		a := newAsker(t, n, func(c *Config) { c.PPS = 900 })
		a.stream("n", 15000, 3000)
		a.finish()
		answered := 0
		for _, res := range a.ends {
			if res.err == nil {
				answered++
			} else if !errors.Is(res.err, ErrBusy) && !errors.Is(res.err, ErrTimeout) {
				t.Errorf("Answer = %v, want ErrBusy or ErrTimeout", res.err)
			}
		}
		if peak := n.peak(); peak > 1000 {
			t.Errorf("%d packets in a second, want at most 1000", peak)
		}
		if answered < 900*8 {
			t.Errorf("%d answered, want what the budget allows", answered)
		}
		if s := a.Stats(); s.Interfaces[0].Sent != uint64(n.count()) || s.Budgets[0].Queued == 0 {
			t.Errorf("budget = %+v, %+v, want %d sent", s.Interfaces[0], s.Budgets[0], n.count())
		}
	})
}

// TestColdStart: as many names as fit into the wait are queued, not failed.
func TestColdStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n, func(c *Config) { c.PPS = 900 })
		a.stream("n", 4000, 5000)
		if _, failed := a.finish(); failed > 0 || n.count() != 4000 {
			t.Errorf("%d failed, %d packets, want 0, 4000", failed, n.count())
		}
	})
}

// TestShortWait: a request that has little time waits for budget as long as that
// lasts.
func TestShortWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n, func(c *Config) { c.PPS = 100 })
		a.stream("spend", 10, 1e6)
		r := a.start("short", func(r *Request) { r.Wait = 400 * time.Millisecond })
		if _, failed := a.finish(); failed > 0 {
			t.Errorf("%d failed, the last with %v", failed, a.ends[r].err)
		}
	})
}

func TestPriorities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n, func(c *Config) { c.PPS = 100 })
		order := []Priority{PriorityProbe, PriorityPrefetch, PriorityClient, PriorityShared, PriorityHot}
		a.stream("spend", 10, 1e6)
		for _, p := range order {
			for i := range 5 {
				a.start(fmt.Sprint(p, i), func(r *Request) { r.Priority = p })
			}
		}
		a.finish()
		last := PriorityHot
		for i, r := range a.seen[10:] {
			if r.Priority < last {
				t.Errorf("answer %d has priority %d, after %d", i, r.Priority, last)
			}
			last = r.Priority
		}
	})
}

// TestVerifyHasItsShare: a flood does not blind who verifies, nor does he get more than
// his share of the packets, or a place that is a client's.
func TestVerifyHasItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n, func(c *Config) { c.PPS, c.MaxPending = 100, 200 })
		var verify, clients []*Request
		for i := range 5000 { // in 5 s
			clients = append(clients, a.start(fmt.Sprint("random", i), func(r *Request) { r.Turn = uint64(i % 64) }))
			for j := range 3 {
				if i%1000 == 500 {
					verify = append(verify, a.start(fmt.Sprint("verify", i, j), func(r *Request) { r.Priority = PriorityVerify }))
				}
			}
			time.Sleep(time.Millisecond)
		}
		answered := 0
		a.finish()
		for _, r := range clients {
			if a.ends[r].err == nil {
				answered++
			}
		}
		for i, r := range verify {
			if end := a.ends[r]; end.err != nil || end.took > 300*time.Millisecond {
				t.Errorf("verification %d: %v after %v", i, end.err, end.took)
			}
		}
		if answered < 450 {
			t.Errorf("%d clients were answered, want what 100 packets a second are good for", answered)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n, func(c *Config) { c.PPS = 100 })
		var clients []*Request
		for i := range 1000 { // verifications in 2 s, and 80 clients
			a.start(fmt.Sprint("verify", i), func(r *Request) { r.Priority = PriorityVerify })
			if i%25 == 0 {
				clients = append(clients, a.start(fmt.Sprint("client", i)))
			}
			time.Sleep(2 * time.Millisecond)
		}
		a.finish()
		for i, r := range clients {
			if end := a.ends[r]; end.err != nil || end.took > 500*time.Millisecond {
				t.Errorf("client %d: %v after %v", i, end.err, end.took)
			}
		}
	})
}

// TestFloodDoesNotStarveHot: names that were known go before random ones.
func TestFloodDoesNotStarveHot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n, func(c *Config) { c.PPS, c.MaxPending = 900, 1000 })
		var hot []*Request
		for i := range 10000 {
			a.start(fmt.Sprint("random", i))
			if i%50 == 0 {
				hot = append(hot, a.start(fmt.Sprint("hot", i), func(r *Request) { r.Priority = PriorityHot }))
			}
			time.Sleep(200 * time.Microsecond)
		}
		a.finish()
		for _, r := range hot {
			if res := a.ends[r]; res.err != nil || res.took > 20*time.Millisecond {
				t.Errorf("hot name: %v after %v", res.err, res.took)
			}
		}
	})
}

func TestSetPPS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n)
		a.SetPPS(100)
		a.stream("n", 1000, 1000)
		if sent := n.count(); sent > 111 {
			t.Errorf("%d packets in a second at 100/s", sent)
		}
		a.SetPPS(0)
		time.Sleep(10 * time.Millisecond)
		if sent := n.count(); sent != 1000 {
			t.Errorf("%d packets after the limit was lifted, want 1000", sent)
		}
		a.finish()
	})
}

func TestUnmetered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n, func(c *Config) { c.PPS = 10; c.Servers[0].Unmetered = true })
		a.stream("n", 1000, 10000)
		if took, failed := a.finish(); failed > 0 || took[len(took)-1] > 10*time.Millisecond {
			t.Errorf("%d failed, longest %v, want no limit", failed, took[len(took)-1])
		}
	})
}

// TestBucket: no window of a second holds more than 1.1 times the rate.
func TestBucket(t *testing.T) {
	for _, pps := range []int{1, 10, 900, 100000} {
		b := newBucket(pps)
		sent := 0
		for now := time.Duration(0); now < time.Second; now += 50 * time.Microsecond {
			for b.spend(1, now) {
				sent++
			}
		}
		if most := pps + max(pps/10, tcpCost+connectCost); sent < pps || sent > most {
			t.Errorf("%d packets in the first second at %d/s, want %d to %d", sent, pps, pps, most)
		}
	}
}

// TestBudgetShared: a client that replaces another, which still has requests to
// ask for, spends from the same budget, and a change of the limit is of both.
func TestBudgetShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA, serverB)
		old := newAsker(t, n, func(c *Config) { c.PPS = 900 })
		old.stream("old", 2500, 1e6)
		next := newAsker(t, n, func(c *Config) { c.PPS, c.Previous = 1, old.Client })
		next.stream("new", 2500, 5000)
		if sent, most := n.count(), 900/2+90+2; sent > most {
			t.Errorf("%d packets in half a second, want at most %d", sent, most)
		}
		old.SetPPS(450)
		for _, a := range []*asker{old, next} {
			if got := a.Stats().Interfaces[0].PPS; got != 450 {
				t.Errorf("Stats().Interfaces[0].PPS = %d, want 450", got)
			}
		}
		next.SetPPS(900)
		next.drain()
		next.Close()
		old.finish()
		if peak := n.peak(); peak > 1000 {
			t.Errorf("%d packets in a second, want at most 1000", peak)
		}
		st := next.Stats()
		if st.Interfaces[0].Sent != uint64(n.count()) || st.Budgets[0].Refused == 0 {
			t.Errorf("budget = %+v, %+v, want %d sent and some refused", st.Interfaces[0], st.Budgets[0], n.count())
		}
	})
}

// TestStrained: what share of the budget is used for how long until it is said
// to be strained, and that this ends.
func TestStrained(t *testing.T) {
	tests := []struct {
		name        string
		rate, limit int
		after       time.Duration // 0: never
	}{
		{name: "all of it", rate: 900, limit: 900, after: 600 * time.Millisecond},
		{name: "two thirds", rate: 600, limit: 900, after: 1700 * time.Millisecond},
		{name: "half", rate: 450, limit: 900},
		{name: "a third", rate: 300, limit: 900},
		{name: "no limit", rate: 5000},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBucket(test.limit)
			now, after := time.Duration(0), time.Duration(0)
			for ; now < 10*time.Second; now += time.Second / time.Duration(test.rate) {
				b.spend(1, now)
				if b.strained(now) && after == 0 {
					after = now.Round(100 * time.Millisecond)
				}
			}
			if d := after - test.after; d < -200*time.Millisecond || d > 200*time.Millisecond {
				t.Errorf("strained after %v, want %v", after, test.after)
			}
			if b.strained(now + time.Second) {
				t.Error("still strained a second after the last packet")
			}
		})
	}
}

// TestBudgetOfInterface: IPv4 and IPv6 of one interface spend from one budget, a
// second interface has its own.
func TestBudgetOfInterface(t *testing.T) {
	server6 := netip.MustParseAddrPort("[fd00::2]:53")
	for _, tc := range []struct {
		name    string
		by      func(server, source netip.Addr) string
		most    int // packets in a second
		budgets int
	}{
		{"one", nil, 110, 1},
		{"one by name", func(_, _ netip.Addr) string { return "" }, 110, 1},
		{"two", func(a, _ netip.Addr) string {
			if a.Is6() {
				return "ens6"
			}
			return ""
		}, 220, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA, server6)
				edit := func(c *Config) {
					c.PPS, c.Interface = 100, tc.by
					c.Servers = []Server{{Addr: serverA}, {Addr: server6}}
				}
				a := newAsker(t, n, edit)
				for i := range 1000 {
					a.start(fmt.Sprint(i), func(r *Request) { r.Servers = a.cfg.servers()[i%2 : i%2+1] })
				}
				time.Sleep(time.Second)
				synctest.Wait()
				sent := n.count()
				if sent > tc.most || sent < tc.most*9/11 {
					t.Errorf("%d packets in a second, want about %d", sent, tc.most)
				}
				next := newAsker(t, n, edit, func(c *Config) { c.Previous = a.Client })
				total := 0
				for _, l := range next.Stats().Interfaces {
					total += int(l.Sent)
				}
				if len(next.Stats().Budgets) != tc.budgets || total != sent {
					t.Errorf("budgets of the next client = %+v, want %d that have spent %d", next.Stats().Budgets, tc.budgets, sent)
				}
				next.Close()
				a.Close()
			})
		})
	}
}
