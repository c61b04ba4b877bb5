package host

import (
	"net/netip"
	"testing"
)

func TestInterfaceTo(t *testing.T) {
	for _, a := range []string{"127.0.0.1", "127.9.9.9"} {
		to := netip.MustParseAddr(a)
		for _, from := range []netip.Addr{{}, netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::ffff:127.0.0.1")} {
			if got := InterfaceTo(to, from); got != "lo" {
				t.Errorf("InterfaceTo(%s, %v) = %q, want lo", a, from, got)
			}
		}
	}
	loopback, absent := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.1")
	for name, got := range map[string]string{
		"InterfaceTo of no address":          InterfaceTo(netip.Addr{}, netip.Addr{}),
		"InterfaceTo from an absent address": InterfaceTo(loopback, absent),
		"InterfaceWith an absent address":    InterfaceWith(absent),
	} {
		if got != "" {
			t.Errorf("%s = %q, want none", name, got)
		}
	}
	if _, err := routeFrom(loopback, absent); err == nil {
		t.Error("routeFrom(127.0.0.1, 192.0.2.1): no error, though it is no address of this host")
	}
}
