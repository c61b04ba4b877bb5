package udp

import (
	"net"
	"net/netip"
	"strconv"
	"testing"
)

func TestPeerRoundTrip(t *testing.T) {
	for _, tc := range []struct{ name, addr, want string }{
		{"IPv4", "192.0.2.1:53", "192.0.2.1:53"},
		{"IPv4 zeros", "0.0.0.0:0", "0.0.0.0:0"},
		{"IPv6", "[2001:db8::1]:65535", "[2001:db8::1]:65535"},
		{"IPv4-mapped", "[::ffff:192.0.2.1]:53", "[::ffff:192.0.2.1]:53"},
		{"scope by index", "[fe80::1%7]:53", "[fe80::1%7]:53"},
		{"scope that no interface has", "[fe80::1%no-such-interface]:53", "[fe80::1]:53"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := PeerOf(netip.MustParseAddrPort(tc.addr)).String(); got != tc.want {
				t.Errorf("PeerOf(%s) = %s, want %s", tc.addr, got, tc.want)
			}
		})
	}
}

func TestPeerOfInvalid(t *testing.T) {
	if got := PeerOf(netip.AddrPort{}); got != (Peer{}) || got.AddrPort().IsValid() {
		t.Errorf("PeerOf(zero) = %v, want the zero Peer", got)
	}
}

func TestPeerOfInterfaceName(t *testing.T) {
	interfaces, err := net.Interfaces()
	if err != nil || len(interfaces) == 0 {
		t.Fatalf("Interfaces() = %v, %v, want one or more", interfaces, err)
	}
	named := netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone(interfaces[0].Name), 53)
	want := strconv.Itoa(interfaces[0].Index)
	if got := PeerOf(named).AddrPort().Addr().Zone(); got != want {
		t.Errorf("PeerOf(%v) has zone %s, want %s", named, got, want)
	}
}

func TestPeerTrim(t *testing.T) {
	want := PeerOf(netip.MustParseAddrPort("192.0.2.1:53"))
	got := want
	copy(got.rest[4:], "left by a longer address")
	if got.trim(); got != want {
		t.Errorf("trim() = %x, want %x", got.rest, want.rest)
	}
}

// FuzzPeer checks that addresses survive, and that two peers are equal only if
// their addresses are.
func FuzzPeer(f *testing.F) {
	f.Add([]byte{192, 0, 2, 1}, uint16(53), []byte{192, 0, 2, 1}, uint16(54))
	f.Add(make([]byte, 16), uint16(0), []byte{0, 0, 0, 0}, uint16(0))
	f.Fuzz(func(t *testing.T, a []byte, portA uint16, b []byte, portB uint16) {
		addrA, okA := netip.AddrFromSlice(a)
		addrB, okB := netip.AddrFromSlice(b)
		if !okA || !okB {
			return
		}
		x, y := netip.AddrPortFrom(addrA, portA), netip.AddrPortFrom(addrB, portB)
		if got := PeerOf(x).AddrPort(); got != x {
			t.Errorf("PeerOf(%v).AddrPort() = %v", x, got)
		}
		if got := PeerOf(x) == PeerOf(y); got != (x == y) {
			t.Errorf("PeerOf(%v) == PeerOf(%v) = %v", x, y, got)
		}
	})
}
