package forwarder

import (
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
