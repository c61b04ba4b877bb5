package tcp

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// connFrom is a connection that says where it comes from.
type connFrom struct {
	net.Conn
	peer netip.AddrPort
}

func (c connFrom) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.peer) }
func (c connFrom) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.peer) }

func TestClientOf(t *testing.T) {
	for addr, want := range map[string]string{
		"10.1.2.3":               "10.1.2.3",
		"2001:db8:1:2:3:4:5:6":   "2001:db8:1:2::",
		"fe80::1%eth0":           "fe80::",
		"2001:db8:1:3:ffff::abc": "2001:db8:1:3::",
	} {
		if got := ClientOf(netip.MustParseAddr(addr)); got != netip.MustParseAddr(want) {
			t.Errorf("ClientOf(%s) = %v, want %s", addr, got, want)
		}
	}
}

// addConn adds a connection that was used when it came.
func addConn(t *clients, c *Conn) {
	c.active, c.seen = c.came, c.came
	t.add(c)
}

// Who has the most connections makes room, with the longest idle of them.
func TestVictim(t *testing.T) {
	tests := []struct {
		name     string
		conns    []string // addresses in the order in which they came
		newcomer string
		want     int // index of the victim
	}{
		{"one has the most", []string{"10.0.0.1", "10.0.0.2", "10.0.0.2", "10.0.0.3"}, "10.0.0.4", 1},
		{"one each", []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, "10.0.0.4", 0},
		{"the newcomer would have the most", []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, "10.0.0.2", 1},
		{"the newcomer would have as many", []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.3"}, "10.0.0.1", 0},
		{"a /64 is one", []string{"10.0.0.1", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"}, "10.0.0.4", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				s := New(Config{Clock: func() time.Duration { return time.Since(began) }})
				var conns []*Conn
				clients := &s.clients
				for _, a := range test.conns {
					_, there := net.Pipe()
					peer := netip.AddrPortFrom(netip.MustParseAddr(a), 5000)
					conns = append(conns, s.newConn(connFrom{there, peer}))
					addConn(clients, conns[len(conns)-1])
					time.Sleep(time.Second)
				}
				if got := clients.victim(netip.MustParseAddr(test.newcomer)); got != conns[test.want] {
					t.Errorf("victim(%s) = the one of %v, want %d", test.newcomer, got.Client, test.want)
				}
				for range 2 { // removing twice counts once
					for _, c := range conns {
						clients.remove(c)
					}
				}
				if clients.n != 0 || len(clients.byAddr) != 0 || len(clients.most) != 0 {
					t.Errorf("%d connections of %d are left, want none", clients.n, len(clients.byAddr))
				}
			})
		})
	}
}

// A model of who makes room looks at every connection.
func modelVictims(conns []*Conn, newcomer netip.Addr) (idlest []*Conn) {
	count := map[netip.Addr]int{ClientOf(newcomer): 1}
	for _, c := range conns {
		count[ClientOf(c.Client.Addr())]++
	}
	most := 1
	for _, n := range count {
		most = max(most, n)
	}
	var since time.Duration
	for _, c := range conns {
		if count[ClientOf(c.Client.Addr())] < most {
			continue
		}
		if last := c.idleSince(); len(idlest) == 0 || last < since {
			idlest, since = []*Conn{c}, last
		} else if last == since {
			idlest = append(idlest, c)
		}
	}
	return idlest
}

// Connections come, are used, wait and go at random: the victim is the model's.
func TestVictimIsTheModels(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var now time.Duration
	s := New(Config{Clock: func() time.Duration { return now }})
	var conns []*Conn
	address := func() netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(random.IntN(6))}) }
	for step := range 20_000 {
		now += time.Duration(random.IntN(3))
		switch n := random.IntN(10); {
		case n < 3 && len(conns) < victimTries-1 || len(conns) == 0:
			c := s.newConn(connFrom{peer: netip.AddrPortFrom(address(), 5000)})
			addConn(&s.clients, c)
			conns = append(conns, c)
		case n < 4:
			i := random.IntN(len(conns))
			s.clients.remove(conns[i])
			conns = slices.Delete(conns, i, i+1)
		case n < 7:
			conns[random.IntN(len(conns))].active = now
		case n < 8:
			c := conns[random.IntN(len(conns))]
			c.waiting = 1 - c.waiting
			c.active = now
		default:
			a := address()
			if got, want := s.clients.victim(a), modelVictims(conns, a); !slices.Contains(want, got) {
				t.Fatalf("step %d: victim(%v) of %d = the one of %v, want one of %d", step, a, len(conns), got.Client, len(want))
			}
		}
		if s.clients.n != len(conns) {
			t.Fatalf("step %d: %d connections, want %d", step, s.clients.n, len(conns))
		}
	}
}

// However many connections there are and whatever they do, few are looked at.
func TestVictimLooksAtFew(t *testing.T) {
	looked := 0
	s := New(Config{Clock: func() time.Duration { looked++; return time.Hour }})
	for i := range 10_000 {
		addr := netip.AddrFrom4([4]byte{10, 0, byte(i / 2 >> 8), byte(i / 2)})
		c := s.newConn(connFrom{peer: netip.AddrPortFrom(addr, 5000)})
		c.waiting = 1
		addConn(&s.clients, c)
	}
	for range 1000 {
		looked = 0
		c := s.clients.victim(testNewcomer)
		if c == nil || looked > victimTries {
			t.Fatalf("victim = %v, after looking at %d connections that wait, want one after %d", c, looked, victimTries)
		}
		s.clients.remove(c)
	}
}

var testNewcomer = netip.MustParseAddr("10.9.9.9")

// Lower limits hold for the connections that are there.
func TestShrink(t *testing.T) {
	limit := 10
	s := New(Config{
		Clock:  func() time.Duration { return 0 },
		Limits: func() Limits { return Limits{Clients: limit} },
	})
	for i := range 10 {
		_, there := net.Pipe()
		addConn(&s.clients, s.newConn(connFrom{there, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 3)}), 5000)}))
	}
	for _, step := range []struct{ limit, want int }{{20, 10}, {10, 10}, {3, 3}, {1, 1}, {0, 1}} {
		limit = step.limit
		if s.Shrink(); s.clients.n != step.want {
			t.Errorf("with tcp-clients %d: %d connections, want %d", limit, s.clients.n, step.want)
		}
	}
	if got := s.Stats().Evicted; got != 9 {
		t.Errorf("Evicted = %d, want 9", got)
	}
}
