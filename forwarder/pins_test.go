package forwarder

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
)

// zoneHere is a zone that is served here.
func zoneHere(t *testing.T, apex string, allow acl.List, lines ...string) config.LocalZone {
	t.Helper()
	z := config.LocalZone{Name: apex, AllowQuery: allow}
	for _, line := range append(lines, "@ 60 IN SOA ns root 1 2 3 4 60", "@ 60 IN NS ns.other.test.") {
		rr, err := dns.NewRR("$ORIGIN " + apex + "\n" + line)
		if err != nil {
			t.Fatal(err)
		}
		z.Records = append(z.Records, rr)
	}
	return z
}

// What upstream was believed to say is not given of names that a reload has taken from it.
func TestGuardAfterReload(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*config.Config)
		want []string
	}{
		"a zone here": {
			func(c *config.Config) {
				c.Local = []config.LocalZone{zoneHere(t, "app.corp.test.", acl.All(), "@ 60 IN A 10.7.7.7")}
			},
			[]string{"app.corp.test. 60 IN A 10.7.7.7"},
		},
		"no forwarders": {
			func(c *config.Config) { c.Zones = append(c.Zones, config.ForwardZone{Name: "app.corp.test."}) },
			[]string{"REFUSED", "EDE 20"},
		},
		"the same": {func(*config.Config) {}, []string{shortNew, "EDE 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			perform(t, watchedConfig(), watchesApp, func(t *testing.T, s *theatre) {
				s.wants("app.corp.test. A", shortOld)
				s.has("app.corp.test. A", newA)
				s.at(10*time.Second + 100*time.Millisecond)
				s.wants("app.corp.test. A", shortNew, "EDE 0")
				if err := s.s.Reload(watchedConfig(test.edit)); err != nil {
					t.Fatal(err)
				}
				s.wants("app.corp.test. A", test.want...)
			})
		})
	}
}

// An override of a name that a zone here does not have is there for all types: caches take
// an NXDOMAIN for one of them as one for all (RFC 2308, 5).
func TestOverrideOfNoNameInLocalZone(t *testing.T) {
	cfg := watchedConfig(func(c *config.Config) {
		c.Local = []config.LocalZone{zoneHere(t, "lan.", acl.All(), "alias 60 IN CNAME new", "host 60 IN A 10.0.0.1")}
	})
	perform(t, cfg, Options{OverrideZones: []string{"lan"}}, func(t *testing.T, s *theatre) {
		const soa = "lan. 60 IN SOA ns.lan. root.lan. 1 2 3 4 60"
		s.wants("new.lan. AAAA", "NXDOMAIN", soa)
		s.override("new.lan", "A", "10.0.0.9")
		s.wants("new.lan. A", "new.lan. 0 IN A 10.0.0.9", "EDE 4")
		s.wants("new.lan. AAAA", soa)
		s.wants("alias.lan. A", "alias.lan. 0 IN CNAME new.lan.", "new.lan. 0 IN A 10.0.0.9", "EDE 4")
		s.wants("alias.lan. AAAA", "alias.lan. 60 IN CNAME new.lan.", soa)
		s.wants("other.lan. A", "NXDOMAIN", soa)
	})
}

// Who may not ask for a zone here gets no override of its names.
func TestOverrideOfForbiddenZone(t *testing.T) {
	cfg := watchedConfig(func(c *config.Config) {
		c.Local = []config.LocalZone{
			zoneHere(t, "lan.", acl.None(), "host 60 IN A 10.0.0.1"),
			zoneHere(t, "open.", acl.All(), "mail 60 IN MX 1 host.lan.", "alias 60 IN CNAME host.lan."),
		}
	})
	perform(t, cfg, Options{OverrideZones: []string{"lan"}}, func(t *testing.T, s *theatre) {
		s.override("host.lan", "A", "10.0.0.9")
		s.has("x.corp.test. A", "x.corp.test. 60 IN CNAME host.lan.")
		s.wants("host.lan. A", "REFUSED", "EDE 18")
		for _, q := range []string{"x.corp.test. A", "alias.open. A", "mail.open. MX"} {
			w := strings.Fields(q)
			if m := s.asks(w[0], w[1], "edns"); m == nil || strings.Contains(m.String(), "10.0.0.9") {
				t.Errorf("%s: got %v, want nothing of host.lan", q, m)
			}
		}
	})
}

// An overridden name is no alias for any type: who keeps the CNAME that came with one
// would follow it for the overridden one too, whatever its TTL.
func TestOverrideOfAlias(t *testing.T) {
	cfg := watchedConfig(func(c *config.Config) {
		c.Local = []config.LocalZone{zoneHere(t, "lan.", acl.All(), "www 60 IN CNAME host", "host 60 IN A 10.0.0.1", "alias 60 IN CNAME www", "host 60 IN AAAA ::1")}
	})
	perform(t, cfg, Options{OverrideZones: []string{"lan"}}, func(t *testing.T, s *theatre) {
		const alias = "www.corp.test. 60 IN CNAME app.corp.test."
		for _, qtype := range []string{"A", "AAAA", "TXT", "CNAME", "MX"} {
			s.has("www.corp.test. "+qtype, alias)
		}
		s.has("www.corp.test. A", alias, oldA)
		s.has("x.corp.test. AAAA", "x.corp.test. 60 IN CNAME www.corp.test.", alias)
		check := func(when string, zones ...string) {
			t.Helper()
			for _, zone := range zones {
				for range 2 {
					for _, q := range []string{"www AAAA", "www TXT", "www CNAME", "www MX", "www AAAA do", "www AAAA tcp", "www AAAA cd"} {
						w := strings.Fields(q)
						m := s.asks(w[0]+zone, w[1], append(w[2:], "edns")...)
						if m == nil || len(m.Answer) > 0 || m.Rcode != dns.RcodeSuccess {
							t.Errorf("%s, %s at www%s: got %v, want NODATA", when, q, zone, m)
						}
					}
				}
			}
		}
		s.asks("www.corp.test.", "AAAA")
		s.override("www.corp.test", "A", "10.0.0.9")
		s.override("www.lan", "A", "10.0.0.9")
		check("override", ".corp.test.", ".lan.")
		s.wants("x.corp.test. AAAA", "x.corp.test. 0 IN CNAME www.corp.test.")
		s.wants("alias.lan. A", "alias.lan. 0 IN CNAME www.lan.", "www.lan. 0 IN A 10.0.0.9", "EDE 4")
		if m := s.asks("alias.lan.", "AAAA"); m == nil || strings.Contains(m.String(), "::1") {
			t.Errorf("alias.lan AAAA: got %v, want nothing behind www.lan", m)
		}
		if err := s.s.DeleteOverride("www.corp.test", 0); err != nil {
			t.Fatal(err)
		}
		s.at(time.Second)
		if m := s.asks("www.corp.test.", "AAAA"); m == nil || len(m.Answer) != 1 {
			t.Errorf("www.corp.test AAAA: got %v after the override, want the alias", m)
		}
		s.wants("alias.lan. CNAME", "alias.lan. 60 IN CNAME www.lan.")

		if err := s.s.WatchName("www.corp.test"); err != nil { // it is wanted already when the override comes
			t.Fatal(err)
		}
		s.asks("www.corp.test.", "AAAA")
		s.has("www.corp.test. TXT", "held")
		s.asks("www.corp.test.", "TXT")
		s.override("www.corp.test", "A", "10.0.0.9")
		q := s.net.take(netip.Addr{})
		q.answer(packed(saying(t, q.msg, []string{alias})))
		s.at(2 * time.Second)
		if m := s.got(); m == nil || len(m.Answer) > 0 {
			t.Errorf("who waited got %v, want NODATA", m)
		}
		s.has("www.corp.test. TXT", alias)
		check("override of a watched name", ".corp.test.")
	})
}

// A name that changes from one alias to another does so for all types at once, while
// upstream gives now the one, now the other.
func TestGuardOfAlias(t *testing.T) {
	perform(t, watchedConfig(), Options{Watch: []string{"www.corp.test"}}, func(t *testing.T, s *theatre) {
		alias := func(to string) string { return "www.corp.test. 10 IN CNAME " + to + ".corp.test." }
		has := func(to, addr string) {
			s.has("www.corp.test. A", alias(to), to+".corp.test. 10 IN A "+addr)
			s.has("www.corp.test. AAAA", alias(to), to+".corp.test. 10 IN AAAA ::"+addr)
			s.has(to+".corp.test. AAAA", to+".corp.test. 10 IN AAAA ::"+addr)
			s.has("www.corp.test. TXT", alias(to))
		}
		has("a", "10.0.0.1")
		s.wants("www.corp.test. A", "www.corp.test. 0 IN CNAME a.corp.test.", "a.corp.test. 0 IN A 10.0.0.1")
		s.at(5 * time.Second)
		s.asks("www.corp.test.", "AAAA")
		has("b", "10.0.0.2")
		s.at(10*time.Second + 100*time.Millisecond)
		s.wants("www.corp.test. A", "www.corp.test. 0 IN CNAME b.corp.test.", "b.corp.test. 0 IN A 10.0.0.2", "EDE 0")
		for range 2 {
			has("a", "10.0.0.1")
			for _, q := range []string{"AAAA", "TXT", "CNAME", "AAAA", "AAAA do", "TXT tcp"} {
				w := strings.Fields(q)
				if m := s.asks("www.corp.test.", w[0], append(w[1:], "edns")...); m == nil || len(m.Answer) == 0 || strings.Contains(m.String(), "a.corp.test") {
					t.Errorf("%s: got %v, want the new alias", q, m)
				}
			}
			s.at(18 * time.Second)
		}
		s.has("www.corp.test. A", "www.corp.test. 10 IN A 10.0.0.3") // no alias any more
		s.at(22 * time.Second)
		s.wants("www.corp.test. A", "www.corp.test. 0 IN A 10.0.0.3", "EDE 0")
		for _, qtype := range []string{"AAAA", "TXT", "CNAME"} {
			if m := s.asks("www.corp.test.", qtype); m == nil || len(m.Answer) > 0 {
				t.Errorf("%s: got %v, want no alias beside an address", qtype, m)
			}
		}
	})
}

// An alias that leads nowhere is a denial: it is not kept when upstream has an address
// again, the one of before or another.
func TestGuardOfBrokenAlias(t *testing.T) {
	for name, broken := range map[string][]string{
		"to no name":    {"app.corp.test. 1 IN CNAME none.corp.test.", "authority corp.test. 1 IN SOA ns.corp.test. root.corp.test. 1 2 3 4 1"},
		"to itself":     {"app.corp.test. 1 IN CNAME app.corp.test."},
		"round another": {"app.corp.test. 1 IN CNAME b.corp.test.", "b.corp.test. 1 IN CNAME app.corp.test."},
	} {
		for _, next := range []string{"10.0.0.1", "10.0.0.2"} {
			t.Run(name+", then "+next, func(t *testing.T) {
				perform(t, watchedConfig(), watchesApp, func(t *testing.T, s *theatre) {
					s.wants("app.corp.test. A", shortOld)
					s.at(10*time.Second + 100*time.Millisecond)
					s.has("app.corp.test. A", broken...)
					s.asks("app.corp.test.", "A")
					s.has("app.corp.test. A", "app.corp.test. 10 IN A "+next)
					s.at(13 * time.Second)
					if m := s.asks("app.corp.test.", "A"); m == nil || !strings.Contains(m.String(), next) {
						t.Errorf("got %v, want %s", m, next)
					}
				})
			})
		}
	}
}
