package upstream

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// turn makes a request one of a client's.
func turn(client uint64) func(*Request) {
	return func(r *Request) { r.Turn = client }
}

// TestFloodOfClient: a client that asks 2000 random names a second, however it
// does that, holds up nobody else's cold names.
func TestFloodOfClient(t *testing.T) {
	const flooder = 1
	for _, tc := range []struct {
		name string
		edit func(*Config)
		ask  func(a *asker, i int)
	}{
		{"once each", nil, func(a *asker, i int) { a.start(fmt.Sprint("x", i), turn(flooder)) }},
		{"twice each", nil, func(a *asker, i int) {
			r := a.start(fmt.Sprint("x", i), turn(flooder))
			if _, over := a.end(r); !over {
				a.Join(r, PriorityShared, flooder)
			}
		}},
		{"as hot names", nil, func(a *asker, i int) {
			a.start(fmt.Sprint("x", i), turn(flooder), func(r *Request) { r.Priority = PriorityHot })
		}},
		{"silent ones", nil, func(a *asker, i int) { a.start(fmt.Sprint("silent", i), turn(flooder)) }},
		{"little room", func(c *Config) { c.MaxPending = 100 }, func(a *asker, i int) {
			a.start(fmt.Sprint("silent", i), turn(flooder))
		}},
		{"prefetches", nil, func(a *asker, i int) {
			a.start(fmt.Sprint("x", i), func(r *Request) { r.Priority = PriorityPrefetch })
		}},
		{"from eight turns", nil, func(a *asker, i int) { a.start(fmt.Sprint("x", i), turn(uint64(100+i%8))) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(serverA)
				n.hosts[serverA].udp = silentNames
				a := newAsker(t, n, func(c *Config) {
					c.PPS, c.MaxPending = 900, 1000
					if tc.edit != nil {
						tc.edit(c)
					}
				})
				a.stream("warm", 50, 100)
				var honest []*Request
				for i := range 4000 {
					tc.ask(a, i)
					if i%40 == 0 {
						honest = append(honest, a.start(fmt.Sprint("n", i), turn(uint64(2+i/40%5))))
					}
					time.Sleep(500 * time.Microsecond)
				}
				a.finish()
				for _, r := range honest {
					if res := a.ends[r]; res.err != nil || res.took > 20*ms {
						t.Errorf("Answer = %v after %v beside a client that floods, want one within 20 ms", res.err, res.took)
					}
				}
				if n.peak() > 1000 {
					t.Errorf("%d packets in a second, want at most 1000", n.peak())
				}
				if b := a.budgets[0]; len(b.first.lanes)+len(b.retries.lanes)+len(b.late.lanes) > 0 || b.first.first != nil {
					t.Error("clients have lanes after their end")
				}
			})
		})
	}
}

// TestTurns: what waits is served one of each client after the other; inside a
// client's turn hot names and joined questions come first.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n, func(c *Config) { c.PPS = 100 })
		a.stream("spend", 10, 1e6)
		counts := map[uint64]int{1: 40, 2: 10, 3: 5}
		for client, count := range counts {
			for i := range count {
				a.start(fmt.Sprint(client, "-", i), turn(client), func(r *Request) {
					if i%5 == 4 {
						r.Priority = PriorityHot
					}
				})
			}
		}
		a.finish()
		served, cold := make(map[uint64]int), make(map[uint64]bool)
		for _, r := range a.seen[10:] {
			served[r.Turn]++
			for client, count := range counts {
				if behind := min(count, served[r.Turn]-1); served[client] < behind-1 {
					t.Errorf("client %d was served %d times, client %d only %d", r.Turn, served[r.Turn], client, served[client])
				}
			}
			if r.Priority == PriorityHot && cold[r.Turn] {
				t.Errorf("client %d's hot name was served after a cold one", r.Turn)
			}
			cold[r.Turn] = cold[r.Turn] || r.Priority != PriorityHot
		}
	})
}

// TestJoin: a question takes the best turn of those who wait for it.
func TestJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		a := newAsker(t, n, func(c *Config) { c.PPS = 100 })
		a.stream("spend", 10, 1e6)
		var flood []*Request
		for i := range 100 {
			flood = append(flood, a.start(fmt.Sprint(i), turn(1)))
		}
		joined, own := flood[90], flood[80]
		a.Join(joined, PriorityShared, 2)
		a.Join(own, PriorityClient, 1)
		a.finish()
		if res := a.ends[joined]; res.err != nil || res.took > 50*ms {
			t.Errorf("joined by another client: %v after %v, want the other's turn", res.err, res.took)
		}
		if res := a.ends[own]; res.took < 500*ms {
			t.Errorf("joined by the same client: answered after %v, want its own turn", res.took)
		}
	})
}

// TestEvictBusiest: who needs a place takes it from the client that has most.
func TestEvictBusiest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(serverA)
		n.hosts[serverA].dead = true
		a := newAsker(t, n, func(c *Config) { c.MaxPending = 100 })
		var of [4][]*Request
		for client, count := range []int{0, 60, 30, 10} {
			for i := range count {
				of[client] = append(of[client], a.start(fmt.Sprint(client, "-", i), turn(uint64(client)), func(r *Request) {
					r.Priority = PriorityHot
				}))
			}
		}
		for i := range 20 {
			a.start(fmt.Sprint("more", i), turn(3))
		}
		synctest.Wait()
		for client, want := range []int{0, 20, 0, 0} {
			ended := 0
			for _, r := range of[client] {
				if _, over := a.end(r); over {
					ended++
				}
			}
			if ended != want {
				t.Errorf("%d of client %d's requests gave way, want %d", ended, client, want)
			}
		}
		a.finish()
	})
}
