package selfcheck

import (
	"context"
	"net"
	"net/netip"
	"testing"
)

// A server that does not hear the question is well if others are answered meanwhile.
func TestCheckBusy(t *testing.T) {
	s := Server{Addrs: []netip.AddrPort{deaf(t)}, Question: NewQuestion()}
	for _, by := range []transport{overUDP, overTCP} {
		tests := []struct {
			name string
			each uint64 // replies between two looks
			want bool
		}{
			{"nobody is answered", 0, false},
			{"others are", 1, true},
		}
		for _, test := range tests {
			ctx, cancel := context.WithTimeout(t.Context(), Wait)
			n := uint64(0)
			replies := func() uint64 { n += test.each; return n }
			if err := s.check(ctx, by, replies); (err == nil) != test.want {
				t.Errorf("%s, %s: check = %v, want nil: %v", by.network, test.name, err, test.want)
			}
			cancel()
		}
	}
}

// deaf is an address whose sockets, UDP and TCP, nobody reads.
func deaf(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return l.Addr().(*net.TCPAddr).AddrPort()
}
