package upstream

import (
	"fmt"
	"maps"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// wires notes when packets leave by which interface, as routes are at that moment.
type wires struct {
	mu   sync.Mutex
	by   map[netip.Addr]string
	sent map[string][]time.Time
}

// countedSocket tells wires of what is sent.
type countedSocket struct {
	Socket
	w    *wires
	from netip.Addr
}

func (s countedSocket) Send(msgs [][]byte) (int, error) {
	s.w.mu.Lock()
	name := s.w.by[s.from]
	for range msgs {
		s.w.sent[name] = append(s.w.sent[name], time.Now())
	}
	s.w.mu.Unlock()
	return s.Socket.Send(msgs)
}

func (w *wires) routes(by map[netip.Addr]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.by = maps.Clone(by)
}

func (w *wires) of(_, source netip.Addr) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.by[source]
}

// peak is the most packets of an interface in any second.
func (w *wires) peak(name string) (most int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list, from := w.sent[name], 0
	for i, at := range list {
		for at.Sub(list[from]) >= time.Second {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// stirSources lets sources be well, gone, refused or without a way back.
func (n *network) stirSources(list []netip.Addr) {
	for _, a := range list {
		delete(n.absent, a)
		delete(n.reject, a)
		n.lost[a] = false
		switch n.rand.IntN(6) {
		case 0:
			n.absent[a] = syscall.EADDRNOTAVAIL
		case 1:
			n.absent[a] = syscall.ENETUNREACH
		case 2:
			n.reject[a] = syscall.EHOSTUNREACH
		case 3:
			n.lost[a] = true
		}
	}
}

// TestSourcesChaos changes what servers, sources, routes and the configuration do all the
// time. No interface sends more than it may, every request ends once and in time, and
// when all is well again all are answered and no source is left out.
func TestSourcesChaos(t *testing.T) {
	source3 := source2.Next()
	sources := []netip.Addr{source1, source2, source3}
	for _, tc := range []struct {
		name    string
		servers []netip.AddrPort
		pps     int
		rate    int
		hosts   bool // servers change too
		reload  bool
	}{
		{"sources", []netip.AddrPort{serverA}, 150, 100, false, false},
		{"two servers", []netip.AddrPort{serverA, serverB}, 150, 100, true, false},
		{"flood", []netip.AddrPort{serverA}, 150, 1500, true, false},
		{"reload", []netip.AddrPort{serverA}, 150, 500, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(tc.servers...)
				w := &wires{sent: make(map[string][]time.Time)}
				all := map[netip.Addr]string{source1: "ens5", source2: "ens6", source3: "ens6"}
				w.routes(all)
				edit := func(c *Config) {
					c.PPS, c.Sources, c.Interface = tc.pps, sources, w.of
					c.Dial = func(server, source netip.AddrPort) (Socket, error) {
						k, err := n.dial(server, source)
						if err != nil {
							return nil, err
						}
						return countedSocket{k, w, source.Addr()}, nil
					}
				}
				a := newAsker(t, n, edit)
				askers := []*asker{a}
				for round := range 30 {
					n.change(func() {
						if tc.hosts {
							n.stir()
						}
						n.stirSources(sources)
					})
					if n.rand.IntN(3) == 0 {
						a.Reconnect()
					}
					old := a
					if tc.reload && round%5 == 0 {
						some := sources[n.rand.IntN(2) : 2+n.rand.IntN(2)]
						a = newAsker(t, n, edit, func(c *Config) { c.Sources, c.Previous = some, old.Client })
						askers = append(askers, a)
					}
					a.stream(fmt.Sprint(round, "-"), tc.rate/4, tc.rate)
					if old != a {
						old.drain()
						old.Close()
					}
				}
				n.change(func() {
					n.calm()
					for _, s := range sources {
						delete(n.absent, s)
						delete(n.reject, s)
						n.lost[s] = false
					}
				})
				time.Sleep(defaultWait + 2*time.Second)
				for i := range 4 { // as the server does every second
					for _, s := range tc.servers {
						a.Probe(s, question("probe"), time.Second)
					}
					a.stream(fmt.Sprint("heal", i), 50, 50)
				}
				calm := time.Now()
				a.stream("calm", 200, 50)
				for _, s := range a.Stats().Servers {
					for _, f := range s.Sources {
						if f.LeftOut {
							t.Errorf("server %v: source %v is left out when all is well", s.Addr, f.Addr)
						}
					}
				}
				a.finish()
				for name := range w.sent {
					if got := w.peak(name); got > tc.pps*11/10+2 {
						t.Errorf("%d packets by %s in a second, want %d at most", got, name, tc.pps*11/10)
					}
				}
				for _, a := range askers {
					for r, res := range a.ends {
						if res.took > defaultWait+2*time.Millisecond {
							t.Errorf("request took %v", res.took)
						}
						if !a.from[r].Before(calm) && (res.err != nil || res.took > time.Second) {
							t.Errorf("request ended with %v after %v when all was well", res.err, res.took)
						}
					}
				}
				n.change(func() {
					if n.open != 0 {
						t.Errorf("%d sockets are open", n.open)
					}
				})
			})
		})
	}
}
