package tcp

import (
	"net"
	"net/netip"
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
					clients.add(conns[len(conns)-1])
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
				if clients.n != 0 || len(clients.byClient) != 0 {
					t.Errorf("%d connections of %d are left, want none", clients.n, len(clients.byClient))
				}
			})
		})
	}
}
