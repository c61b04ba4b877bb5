package forwarder

import (
	"fmt"
	"net/netip"
	"testing"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/wire"

	"github.com/miekg/dns"
)

func TestRoutesFind(t *testing.T) {
	cfg := &config.Config{Zones: []config.ForwardZone{
		{Name: "example."}, {Name: "sub.example."}, {Name: `we\.ird.example.`}, {Name: "10.in-addr.arpa."},
	}}
	r := newRoutes(cfg, make(zoneIDs))
	tests := []struct {
		name, want string
		qtype      uint16
	}{
		{"example.", "example.", dns.TypeA},
		{"www.example.", "example.", dns.TypeA},
		{"a.b.c.sub.example.", "sub.example.", dns.TypeA},
		{"xsub.example.", "example.", dns.TypeA},
		{"ird.example.", "example.", dns.TypeA},
		{`we\.ird.example.`, `we\.ird.example.`, dns.TypeA},
		{"we.ird.example.", "example.", dns.TypeA},
		{"sub.example.", "example.", dns.TypeDS},
		{"www.sub.example.", "sub.example.", dns.TypeDS},
		{"example.", "", dns.TypeDS},
		{"org.", "", dns.TypeA},
		{".", "", dns.TypeA},
		{".", "", dns.TypeDS},
		{"1.2.3.10.in-addr.arpa.", "10.in-addr.arpa.", dns.TypePTR},
	}
	for _, test := range tests {
		got := ""
		if z := r.find([]byte(wire.PackName(test.name)), test.qtype); z != nil {
			got = z.name
		}
		if got != test.want {
			t.Errorf("find(%s, %s) = %q, want %q", test.name, dns.Type(test.qtype), got, test.want)
		}
	}
}

func TestRoutesWithoutBogusServers(t *testing.T) {
	good, bogus := netip.MustParseAddrPort("10.0.0.1:53"), netip.MustParseAddrPort("10.0.0.2:53")
	cfg := &config.Config{
		Zones: []config.ForwardZone{{Name: ".", Forwarders: []netip.AddrPort{bogus, good}}},
		Servers: []config.Server{
			{Prefix: netip.MustParsePrefix("10.0.0.0/24"), Bogus: true},
			{Prefix: netip.MustParsePrefix("10.0.0.1/32")},
		},
	}
	z := newRoutes(cfg, make(zoneIDs)).find([]byte{0}, dns.TypeA)
	if fmt.Sprint(z.servers) != fmt.Sprint([]netip.AddrPort{good}) {
		t.Errorf("servers = %v, want %v", z.servers, good)
	}
}

// Zones keep their numbers over reloads; those past the last number share 0.
func TestZoneIDs(t *testing.T) {
	ids := make(zoneIDs)
	for i := range 2 * maxZones {
		want := uint16(i + 1)
		if i+1 >= maxZones {
			want = 0
		}
		name := fmt.Sprintf("z%d.", i)
		if got, again := ids.of(name), ids.of(name); got != want || again != want {
			t.Errorf("of(%s) = %d, then %d, want %d", name, got, again, want)
		}
	}
}
