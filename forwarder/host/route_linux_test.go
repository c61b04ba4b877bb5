package host

import (
	"net/netip"
	"testing"
)

func TestInterfaceTo(t *testing.T) {
	for _, a := range []string{"127.0.0.1", "127.9.9.9"} {
		if got := InterfaceTo(netip.MustParseAddr(a)); got != "lo" {
			t.Errorf("InterfaceTo(%s) = %q, want lo", a, got)
		}
	}
	if got := InterfaceTo(netip.Addr{}); got != "" {
		t.Errorf("InterfaceTo of no address = %q, want none", got)
	}
}
