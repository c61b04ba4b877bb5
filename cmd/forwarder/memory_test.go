package main

import (
	"math"
	"net/netip"
	"testing"

	"vpcdns/forwarder"
)

func TestMemoryLimit(t *testing.T) {
	for size, want := range map[int64]int64{
		0:             math.MaxInt64, // unlimited
		-1:            math.MaxInt64,
		2 << 20:       2<<20 + 1<<19 + overhead,
		1 << 30:       1<<30 + 1<<28 + overhead,
		math.MaxInt64: math.MaxInt64,
	} {
		if got := memoryLimit(size); got != want {
			t.Errorf("memoryLimit(%d) = %d, want %d", size, got, want)
		}
	}
}

func TestSetPort(t *testing.T) {
	config := func() *forwarder.Config {
		return &forwarder.Config{
			Listen: []forwarder.Listen{{Port: 53}, {Port: 1053}},
			Zones: []forwarder.ForwardZone{{Name: ".", Forwarders: []netip.AddrPort{
				netip.MustParseAddrPort("10.79.0.2:53"), netip.MustParseAddrPort("10.79.0.2:1053")}}},
		}
	}
	for p, want := range map[uint16]uint16{0: 53, 5353: 5353} {
		c := config()
		setPort(c, p)
		if got := c.Listen[0].Port; got != want {
			t.Errorf("setPort(%d): listens on %d, want %d", p, got, want)
		}
		if got := c.Zones[0].Forwarders[0].Port(); got != want {
			t.Errorf("setPort(%d): forwards to %d, want %d", p, got, want)
		}
		if l, z := c.Listen[1].Port, c.Zones[0].Forwarders[1].Port(); l != 1053 || z != 1053 {
			t.Errorf("setPort(%d): others are %d and %d, want 1053", p, l, z)
		}
	}
}
