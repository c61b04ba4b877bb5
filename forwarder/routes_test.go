package forwarder

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/wire"
)

func TestRoutesFind(t *testing.T) {
	cfg := &config.Config{Zones: []config.ForwardZone{
		{Name: "example."}, {Name: "sub.example."}, {Name: `we\.ird.example.`}, {Name: "10.in-addr.arpa."},
	}}
	r := newRoutes(cfg, new(zoneNumbers), nil)
	tests := []struct {
		name, want string
		qtype      uint16
	}{
		{name: "example.", want: "example.", qtype: dns.TypeA},
		{name: "www.example.", want: "example.", qtype: dns.TypeA},
		{name: "a.b.c.sub.example.", want: "sub.example.", qtype: dns.TypeA},
		{name: "xsub.example.", want: "example.", qtype: dns.TypeA},
		{name: "ird.example.", want: "example.", qtype: dns.TypeA},
		{name: `we\.ird.example.`, want: `we\.ird.example.`, qtype: dns.TypeA},
		{name: "we.ird.example.", want: "example.", qtype: dns.TypeA},
		{name: "sub.example.", want: "example.", qtype: dns.TypeDS},
		{name: "www.sub.example.", want: "sub.example.", qtype: dns.TypeDS},
		{name: "example.", want: "", qtype: dns.TypeDS},
		{name: "org.", want: "", qtype: dns.TypeA},
		{name: ".", want: "", qtype: dns.TypeA},
		{name: ".", want: "", qtype: dns.TypeDS},
		{name: "1.2.3.10.in-addr.arpa.", want: "10.in-addr.arpa.", qtype: dns.TypePTR},
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
	z := newRoutes(cfg, new(zoneNumbers), nil).find([]byte{0}, dns.TypeA)
	if fmt.Sprint(z.servers) != fmt.Sprint([]netip.AddrPort{good}) {
		t.Errorf("servers = %v, want %v", z.servers, good)
	}
}

// Zones keep their numbers over reloads; those past the last number share 0, and
// those that are gone make room.
func TestZoneNumbers(t *testing.T) {
	named := func(from, to int) *config.Config {
		cfg := new(config.Config)
		for i := from; i < to; i++ {
			cfg.Zones = append(cfg.Zones, config.ForwardZone{Name: fmt.Sprintf("z%d.", i)})
		}
		return cfg
	}
	var z zoneNumbers
	for _, step := range []struct {
		name     string
		from, to int
		want     map[string]uint16
	}{
		{name: "two", from: 0, to: 2, want: map[string]uint16{"z0.": 1, "z1.": 2, "z2.": 0}},
		{name: "one of them", from: 1, to: 2, want: map[string]uint16{"z0.": 1, "z1.": 2}},
		{name: "one more", from: 1, to: 3, want: map[string]uint16{"z0.": 1, "z1.": 2, "z2.": 3}},
		{name: "the first is back", from: 0, to: 3, want: map[string]uint16{"z0.": 1, "z2.": 3}},
		{name: "all numbers", from: 0, to: counts.MaxZones, want: map[string]uint16{"z254.": 255, "z255.": 0}},
		{name: "the first has gone", from: 1, to: counts.MaxZones, want: map[string]uint16{"z0.": 0, "z1.": 2, "z255.": 1}},
		{name: "many others", from: 300, to: 900, want: map[string]uint16{"z300.": 1, "z1.": 0, "z899.": 0}},
		{name: "and again", from: 2000, to: 2255, want: map[string]uint16{"z2000.": 1, "z2254.": 255}},
	} {
		z = z.with(named(step.from, step.to))
		for name, want := range step.want {
			if got := z.of(name); (got == 0) != (want == 0) || step.to <= 3 && got != want {
				t.Errorf("%s: of(%s) = %d, want %d", step.name, name, got, want)
			}
		}
		if len(z.gone) >= counts.MaxZones {
			t.Errorf("%s: %d zones are kept that are gone", step.name, len(z.gone))
		}
	}
}

// What is cached of a zone that has lost its number to another one is not counted
// under that.
func TestZoneNumberReused(t *testing.T) {
	other := func(k int) *config.Config {
		cfg := testConfig()
		for i := range counts.MaxZones - 2 {
			cfg.Zones = append(cfg.Zones, config.ForwardZone{Name: fmt.Sprintf("z%d.other%d.", i, k), Forwarders: cfg.Zones[0].Forwarders})
		}
		return cfg
	}
	cfg := testConfig()
	cfg.Zones = append(cfg.Zones, config.ForwardZone{Name: "aaa.test.", Forwarders: cfg.Zones[0].Forwarders})
	virtual(t, cfg, func(t *testing.T, r *replay) {
		ask := func() {
			r.net.ask(testClient, testServer, false, queryFor(1, "www.aaa.test.", dns.TypeA))
			synctest.Wait()
		}
		ask()
		for k := range 2 {
			if err := r.s.Reload(other(k)); err != nil {
				t.Fatal(err)
			}
		}
		ask()
		for _, c := range r.s.Stats().Queries {
			if c.Zone != "." {
				t.Errorf("counted %+v, want no zone but the root", c)
			}
		}
	})
}

// QTYPE 0 is a type like any other: that there is no such data says nothing of
// others.
func TestTypeZero(t *testing.T) {
	virtual(t, testConfig(), func(t *testing.T, r *replay) {
		for _, qtype := range []uint16{0, dns.TypeA} {
			r.net.ask(testClient, testServer, false, queryFor(qtype, "hold.example.", qtype))
			synctest.Wait()
			q := r.net.take(netip.Addr{})
			if q == nil {
				t.Fatalf("type %d is not asked for", qtype)
			}
			q.answer(replyTo(q.msg, func(_, m *dns.Msg) {
				soa, _ := dns.NewRR("example. 60 IN SOA . . 1 2 3 4 60")
				m.Ns = []dns.RR{soa}
			}))
			synctest.Wait()
		}
	})
}
