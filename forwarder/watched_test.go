package forwarder

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/watch"
)

// authority is what upstream has, which tests change while it is asked.
type authority struct {
	mu      sync.Mutex
	records map[string][]string // by "name type": records; first word "held": it is not answered
	asked   map[string]int      // by the same
	probes  string              // address of all labels below now.app.corp.test; "": there are none
}

// has sets what there is at a name and type.
func (a *authority) has(key string, records ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.records[key] = records
}

func (a *authority) hasProbes(addr string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.probes = addr
}

// count returns how often that was asked since the last call; "" is all there is.
func (a *authority) count(key string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if key != "" {
		n, a.asked[key] = a.asked[key], 0
		return n
	}
	for key := range a.asked {
		n, a.asked[key] = n+a.asked[key], 0
	}
	return n
}

const probeZone = ".now.app.corp.test."

// answer answers as a resolver does: what it has not is NXDOMAIN, or NODATA where it has
// another type.
func (a *authority) answer(q *asking) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	m := new(dns.Msg)
	if m.Unpack(q.msg) != nil {
		return nil
	}
	name, rtype := strings.ToLower(m.Question[0].Name), m.Question[0].Qtype
	key := name + " " + dns.TypeToString[rtype]
	if isProbe := strings.HasSuffix(name, probeZone); isProbe {
		a.asked["probe"]++
		if a.probes != "" {
			return answerTo(q.msg, 10, a.probes)
		}
	} else {
		a.asked[key]++
	}
	list, ok := a.records[key]
	if ok && len(list) > 0 && list[0] == "held" {
		return nil
	}
	return replyTo(q.msg, func(_, m *dns.Msg) {
		s, err := parseSections(list)
		if err != nil {
			panic(err)
		}
		m.Answer, m.Ns, m.Extra = s.answer, s.authority, s.additional
		if ok {
			return
		}
		m.Rcode = dns.RcodeNameError
		for other := range a.records {
			if strings.HasPrefix(other, name+" ") {
				m.Rcode = dns.RcodeSuccess
			}
		}
		soa, _ := dns.NewRR("corp.test. 60 IN SOA ns.corp.test. root.corp.test. 1 2 3 4 60")
		m.Ns = []dns.RR{soa}
	})
}

// theatre is a server with an authority behind it, on the virtual clock.
type theatre struct {
	*replay
	*authority
}

// watchedConfig has an explicit zone, corp.test.
func watchedConfig(edit ...func(*config.Config)) *config.Config {
	cfg := testConfig()
	cfg.MinimalResponses = false
	server := netip.MustParseAddrPort("10.79.0.2:53")
	cfg.Zones = append(cfg.Zones, config.ForwardZone{Name: "corp.test.", Forwarders: []netip.AddrPort{server}})
	for _, f := range edit {
		f(cfg)
	}
	return cfg
}

const (
	oldA = "app.corp.test. 10 IN A 10.0.0.1"
	newA = "app.corp.test. 10 IN A 10.0.0.2"
)

func perform(t *testing.T, cfg *config.Config, o Options, test func(t *testing.T, s *theatre)) {
	synctest.Test(t, func(t *testing.T) {
		s := newTheatre(t, cfg, o)
		defer s.stop()
		test(t, s)
	})
}

func newTheatre(t *testing.T, cfg *config.Config, o Options) *theatre {
	a := &authority{records: make(map[string][]string), asked: make(map[string]int)}
	a.has("app.corp.test. A", oldA)
	return a.theatre(t, cfg, o)
}

// theatre starts a server before a.
func (a *authority) theatre(t *testing.T, cfg *config.Config, o Options) *theatre {
	n := newFakeNet("10.79.1.10/24")
	n.auto = a.answer
	o.Workers, o.UpstreamPPS = 1, Unlimited
	s := &theatre{newReplayWith(t, cfg, n, o), a}
	s.journal = newJournal()
	return s
}

// asks asks as a client does, and returns the reply; nil if there is none yet.
func (s *theatre) asks(name, qtype string, words ...string) *dns.Msg {
	s.t.Helper()
	if err := s.replay.asks("10.1.2.3", append([]string{name, qtype}, words...)); err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
	return s.got()
}

func (s *theatre) got() *dns.Msg {
	list := s.net.got()
	if len(list) == 0 {
		return nil
	}
	return unpacked(s.t, list[len(list)-1].msg)
}

// wants asks, and compares the reply: its lines, and "EDE n".
func (s *theatre) wants(question string, want ...string) {
	s.t.Helper()
	w := strings.Fields(question)
	if got := replyLines(s.asks(w[0], w[1], append(w[2:], "edns")...)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		s.t.Errorf("at %v, %s:\n got %q\nwant %q", time.Since(s.began), question, got, want)
	}
}

func replyLines(m *dns.Msg) []string {
	if m == nil {
		return []string{"no reply"}
	}
	list := linesOf(m)
	for _, o := range m.IsEdns0().Option {
		if e, ok := o.(*dns.EDNS0_EDE); ok {
			list = append(list, fmt.Sprint("EDE ", e.InfoCode))
		}
	}
	slices.Sort(list)
	return list
}

// at lets time go on until then.
func (s *theatre) at(d time.Duration) {
	time.Sleep(d - time.Since(s.began))
	synctest.Wait()
}

func (s *theatre) override(name, qtype string, data ...string) {
	s.t.Helper()
	if err := s.s.AddOverride(watch.Override{Name: name, Type: dns.StringToType[qtype], Data: data, By: "test"}); err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
}

// sources counts replies by where they came from.
func (s *theatre) sources(from Source) (n uint64) {
	for _, c := range s.s.Stats().Queries {
		if c.Source == from {
			n += c.Count
		}
	}
	return n
}

func TestOverride(t *testing.T) {
	perform(t, watchedConfig(), Options{}, func(t *testing.T, s *theatre) {
		s.has("app.corp.test. TXT", `app.corp.test. 10 IN TXT "a"`)
		s.has("www.corp.test. A", "www.corp.test. 60 IN CNAME app.corp.test.", oldA)
		s.has("deep.corp.test. A", "deep.corp.test. 60 IN CNAME www.corp.test.", "www.corp.test. 60 IN CNAME app.corp.test.", oldA)
		s.wants("app.corp.test. A", oldA)
		s.wants("www.corp.test. A", "www.corp.test. 60 IN CNAME app.corp.test.", oldA)
		s.wants("deep.corp.test. A", "deep.corp.test. 60 IN CNAME www.corp.test.", "www.corp.test. 60 IN CNAME app.corp.test.", oldA)
		s.override("APP.corp.test", "A", "10.0.0.9")
		const pin = "app.corp.test. 0 IN A 10.0.0.9"
		s.wants("app.corp.test. A", pin, "EDE 4")
		s.wants("app.corp.test. A do", pin, "EDE 4")
		s.wants("app.corp.test. A cd", pin, "EDE 4")
		s.wants("app.corp.test. A tcp", pin, "EDE 4")
		s.wants("app.corp.test. A -rd", pin, "EDE 4")
		s.wants("aPP.corp.test. A", "aPP.corp.test. 0 IN A 10.0.0.9", "EDE 4")
		s.wants("app.corp.test. ANY", pin, "EDE 4")
		s.wants("app.corp.test. TXT", `app.corp.test. 0 IN TXT "a"`)
		for range 2 { // asked for, and from the cache
			s.wants("www.corp.test. A", "www.corp.test. 0 IN CNAME app.corp.test.", pin, "EDE 4")
			s.wants("deep.corp.test. A", "deep.corp.test. 0 IN CNAME www.corp.test.", "www.corp.test. 0 IN CNAME app.corp.test.", pin, "EDE 4")
		}
		if n := s.sources(SourceOverride); n != 11 {
			t.Errorf("%d replies are counted as override, want 11", n)
		}
		s.at(time.Minute)
		s.wants("www.corp.test. A", "www.corp.test. 0 IN CNAME app.corp.test.", pin, "EDE 4")
		if err := s.s.DeleteOverride("app.corp.test", dns.TypeA); err != nil {
			t.Fatal(err)
		}
		s.wants("www.corp.test. A", "www.corp.test. 0 IN CNAME app.corp.test.", "app.corp.test. 0 IN A 10.0.0.1") // while clients may hold what it gave
		s.at(2 * time.Minute)
		s.wants("www.corp.test. A", "www.corp.test. 60 IN CNAME app.corp.test.", oldA)
	})
}

// A name that upstream does not have exists once it is overridden, and no longer than
// that.
func TestOverrideOfNoName(t *testing.T) {
	const soa = "corp.test. 60 IN SOA ns.corp.test. root.corp.test. 1 2 3 4 60"
	perform(t, watchedConfig(), Options{}, func(t *testing.T, s *theatre) {
		s.wants("new.corp.test. A", "NXDOMAIN", soa)
		s.override("new.corp.test", "A", "10.0.0.9")
		for range 2 {
			s.wants("new.corp.test. A", "new.corp.test. 0 IN A 10.0.0.9", "EDE 4")
			s.wants("new.corp.test. AAAA", "corp.test. 0 IN SOA ns.corp.test. root.corp.test. 1 2 3 4 60")
		}
		if n := s.count("new.corp.test. AAAA"); n != 1 {
			t.Errorf("NODATA was asked for %d times, want once", n)
		}
		if err := s.s.DeleteOverride("new.corp.test", 0); err != nil {
			t.Fatal(err)
		}
		s.wants("new.corp.test. A", "NXDOMAIN", strings.Replace(soa, " 60 ", " 0 ", 1))
	})
}

// Who waits when an override comes gets it, and what was under way is not kept.
func TestOverrideWhileAsking(t *testing.T) {
	for _, name := range []string{"app.corp.test.", "www.corp.test.", "far.corp.test."} {
		t.Run(name, func(t *testing.T) {
			perform(t, watchedConfig(), Options{}, func(t *testing.T, s *theatre) {
				const alias = "www.corp.test. 60 IN CNAME app.corp.test."
				s.has("app.corp.test. A", "held")
				s.has("www.corp.test. A", "held")
				s.has("far.corp.test. A", "far.corp.test. 60 IN CNAME x.other.test.") // which others have
				s.has("x.other.test. A", "held")
				if m := s.asks(name, "A", "edns"); m != nil {
					t.Fatalf("got %v before upstream answered", m)
				}
				q := s.net.take(netip.Addr{})
				s.override("app.corp.test", "A", "10.0.0.9")
				q.answer(packed(saying(t, q.msg, map[string][]string{
					"app.corp.test.": {oldA},
					"www.corp.test.": {alias, oldA},
					"far.corp.test.": {"x.other.test. 60 IN CNAME app.corp.test.", oldA},
				}[name])))
				synctest.Wait()
				m := s.got()
				if text := fmt.Sprint(m); m == nil || strings.Contains(text, "10.0.0.1") || !strings.Contains(text, "10.0.0.9") {
					t.Errorf("who waited got %v, want 10.0.0.9", m)
				}
				if err := s.s.DeleteOverride("app.corp.test", 0); err != nil {
					t.Fatal(err)
				}
				s.has("app.corp.test. A", newA)
				if m := s.asks("app.corp.test.", "A"); m == nil || !strings.Contains(fmt.Sprint(m), "10.0.0.2") {
					t.Errorf("got %v after the override, want what upstream has", m)
				}
			})
		})
	}
}

// A chain that was followed past a name when that was overridden is followed anew.
func TestOverrideBehindWaiting(t *testing.T) {
	cfg := watchedConfig(func(c *config.Config) {
		c.Zones = append(c.Zones, config.ForwardZone{Name: "other.test.", Forwarders: []netip.AddrPort{netip.MustParseAddrPort("10.79.0.3:53")}})
	})
	perform(t, cfg, Options{}, func(t *testing.T, s *theatre) {
		s.has("www.corp.test. A", "www.corp.test. 60 IN CNAME app.corp.test.", "app.corp.test. 60 IN CNAME x.other.test.")
		s.has("x.other.test. A", "held")
		s.asks("www.corp.test.", "A", "edns")
		q := s.net.take(netip.Addr{})
		s.override("app.corp.test", "A", "10.0.0.9")
		q.answer(answerTo(q.msg, 60, "10.0.0.1"))
		synctest.Wait()
		if got, want := replyLines(s.got()), []string{"EDE 4", "app.corp.test. 0 IN A 10.0.0.9", "www.corp.test. 0 IN CNAME app.corp.test."}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// Additional records follow.
func TestOverrideBeside(t *testing.T) {
	tests := map[string]string{
		"MX":    "x.corp.test. 60 IN MX 1 app.corp.test.",
		"SRV":   "x.corp.test. 60 IN SRV 0 0 80 app.corp.test.",
		"HTTPS": "x.corp.test. 60 IN HTTPS 1 app.corp.test.",
		"NS":    "x.corp.test. 60 IN NS app.corp.test.",
	}
	for qtype, record := range tests {
		t.Run(qtype, func(t *testing.T) {
			perform(t, watchedConfig(), Options{}, func(t *testing.T, s *theatre) {
				unpackedRecord, _ := dns.NewRR(record)
				want := lines([]dns.RR{unpackedRecord})[0]
				s.has("x.corp.test. "+qtype, record, "additional "+oldA)
				s.wants("x.corp.test. "+qtype, want, oldA)
				s.override("app.corp.test", "A", "10.0.0.9", "10.0.0.8")
				for _, more := range []string{"", " do", " tcp", ""} {
					s.wants("x.corp.test. "+qtype+more, want, "app.corp.test. 0 IN A 10.0.0.9", "app.corp.test. 0 IN A 10.0.0.8", "EDE 4")
				}
				if err := s.s.DeleteOverride("app.corp.test", 0); err != nil {
					t.Fatal(err)
				}
				s.wants("x.corp.test. "+qtype, want) // the cache has none; they are optional
				s.at(61 * time.Second)
				s.wants("x.corp.test. "+qtype, want, oldA)
			})
			if qtype == "NS" {
				return
			}
			cfg := watchedConfig(func(c *config.Config) { c.MinimalResponses = true })
			perform(t, cfg, Options{}, func(t *testing.T, s *theatre) {
				unpackedRecord, _ := dns.NewRR(record)
				s.override("app.corp.test", "A", "10.0.0.9")
				s.has("x.corp.test. "+qtype, record, "additional "+oldA)
				for range 2 {
					s.wants("x.corp.test. "+qtype, lines([]dns.RR{unpackedRecord})[0])
				}
			})
		})
	}
}

// Who may not ask gets what he gets of other names; overrides are for names of explicit
// forward zones, as they are after a reload.
func TestOverrideAccess(t *testing.T) {
	allowed := func(c *config.Config) { c.AllowCache, c.AllowRecurse = nil, nil }
	perform(t, watchedConfig(allowed), Options{}, func(t *testing.T, s *theatre) {
		s.override("app.corp.test", "A", "10.0.0.9")
		s.wants("app.corp.test. A", "REFUSED", "EDE 18")
	})
	perform(t, watchedConfig(), Options{OverrideZones: []string{"extra.test"}}, func(t *testing.T, s *theatre) {
		refused := func(name string) bool {
			return s.s.AddOverride(watch.Override{Name: name, Type: dns.TypeA, Data: []string{"10.0.0.9"}, By: "test"}) != nil
		}
		for name, want := range map[string]bool{"app.corp.test": false, "corp.test": false, "a.extra.test": false, "other.test": true, "notcorp.test": true, "test": true} {
			if got := refused(name); got != want {
				t.Errorf("override of %s refused = %v, want %v", name, got, want)
			}
		}
		long := make([]string, 10)
		for i := range long {
			long[i] = strings.Repeat(fmt.Sprintf(`"%0200d" `, i), 50)
		}
		if err := s.s.AddOverride(watch.Override{Name: "app.corp.test", Type: dns.TypeTXT, Data: long, By: "test"}); err == nil {
			t.Error("an override that fits no message is not refused")
		}
		s.override("app.corp.test", "TXT", long[:4]...)
		if m := s.asks("app.corp.test.", "TXT", "tcp"); m == nil || len(m.Answer) != 4 {
			t.Errorf("got %v, want four long records", m)
		}
		if m := s.asks("app.corp.test.", "TXT"); m == nil || !m.Truncated {
			t.Errorf("got %v over UDP, want it cut", m)
		}
		cfg := testConfig()
		cfg.Zones = append(cfg.Zones, config.ForwardZone{Name: "other.test.", Forwarders: cfg.Zones[0].Forwarders})
		if err := s.s.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		if refused("x.other.test") || !refused("b.corp.test") {
			t.Error("after a reload names are judged by the former zones")
		}
	})
}

// Hits of other names cost nothing more, those of watched and overridden names no memory.
func TestWatchedHitAllocatesNothing(t *testing.T) {
	s := unserved(t)
	s.watches.SetRules(func(string) bool { return true })
	if err := s.WatchName("www.example"); err != nil {
		t.Fatal(err)
	}
	if err := s.AddOverride(watch.Override{Name: "pin.example", Type: dns.TypeA, Data: []string{"10.0.0.9"}, By: "test"}); err != nil {
		t.Fatal(err)
	}
	s.learnMore(t, "www.example.", "www.example. 60 IN A 10.0.0.1", "www.example. 60 IN A 10.0.0.2")
	s.learnMore(t, "other.example.", "other.example. 60 IN A 10.0.0.1")
	s.watchMore(t, 948, 50) // takes longer than a client waits, on a busy machine
	for _, name := range []string{"other.example.", "www.example.", "pin.example."} {
		e, a, dst := hitCase{query: queryFor(1, name, dns.TypeA)}, s.newAsker(), make([]byte, 0, 4096)
		allocs := testing.AllocsPerRun(100, func() {
			if _, what := e.serveOnce(a, dst); what != replied {
				t.Fatalf("%s: serve = %v, want an answer", name, what)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: a hit allocates %v times, want 0", name, allocs)
		}
	}
}

// watchMore watches other names, and overrides yet others: with what is there already,
// as many as there may be.
func (s *Server) watchMore(t *testing.T, watched, overridden int) {
	for i := range watched {
		if err := s.WatchName(fmt.Sprintf("w%d.example", i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range overridden {
		o := watch.Override{Name: fmt.Sprintf("o%d.example", i), Type: dns.TypeA, Data: []string{"10.0.0.9"}, By: "test"}
		if err := s.AddOverride(o); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.WatchName("more.example"); !errors.Is(err, watch.ErrTooMany) {
		t.Errorf("one more name: %v, want ErrTooMany", err)
	}
}

// learnMore gives the server upstream's answer for a name's addresses.
func (s *Server) learnMore(t *testing.T, name string, records ...string) {
	query := queryFor(1, name, dns.TypeA)
	r, f := s.fetchOf(t, query, newMemConn(testServer))
	r.give(f, packed(saying(t, query, records)))
	r.Flush()
}
