package forwarder

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/store"
)

const (
	shortOld = "app.corp.test. 0 IN A 10.0.0.1"
	shortNew = "app.corp.test. 0 IN A 10.0.0.2"
)

var watchesApp = Options{Watch: []string{"app.corp.test"}}

// A watched name is given out with a TTL of its own, and kept for upstream's.
func TestWatched(t *testing.T) {
	o := Options{Watch: []string{"app.corp.test", "*.deep.corp.test"}, WatchTTL: 3}
	perform(t, watchedConfig(), o, func(t *testing.T, s *theatre) {
		s.has("www.corp.test. A", "www.corp.test. 60 IN CNAME app.corp.test.", oldA)
		s.has("a.deep.corp.test. A", "a.deep.corp.test. 2 IN A 10.0.0.1")
		for range 3 {
			s.wants("app.corp.test. A", "app.corp.test. 3 IN A 10.0.0.1")
			s.wants("www.corp.test. A", "www.corp.test. 3 IN CNAME app.corp.test.", "app.corp.test. 3 IN A 10.0.0.1")
			s.wants("a.deep.corp.test. A", "a.deep.corp.test. 2 IN A 10.0.0.1")
		}
		if n, alias, deep := s.count("app.corp.test. A"), s.count("www.corp.test. A"), s.count("a.deep.corp.test. A"); n != 1 || alias != 1 || deep != 1 {
			t.Errorf("asked %d, %d and %d times, want once each", n, alias, deep)
		}
		s.at(9 * time.Second)
		s.wants("app.corp.test. A", "app.corp.test. 1 IN A 10.0.0.1")
	})
}

// What is watched only now was cached under other names: those go once.
func TestWatchLater(t *testing.T) {
	perform(t, watchedConfig(), Options{}, func(t *testing.T, s *theatre) {
		s.has("www.corp.test. A", "www.corp.test. 60 IN CNAME app.corp.test.", oldA)
		s.has("x.corp.test. MX", "x.corp.test. 60 IN MX 1 app.corp.test.", "additional "+oldA)
		s.asks("www.corp.test.", "A")
		s.asks("x.corp.test.", "MX")
		if err := s.s.WatchName("app.corp.test"); err != nil {
			t.Fatal(err)
		}
		s.wants("www.corp.test. A", "www.corp.test. 0 IN CNAME app.corp.test.", shortOld)
		s.wants("x.corp.test. MX", "x.corp.test. 60 IN MX 1 app.corp.test.")
		if err := s.s.UnwatchName("app.corp.test"); err != nil {
			t.Fatal(err)
		}
		s.at(time.Minute)
		s.wants("app.corp.test. A", oldA)
	})
}

// After a change the old answer does not come again, whatever the options are.
func TestGuard(t *testing.T) {
	const stale = "stale-cache-enable yes; stale-answer-enable yes; "
	for name, text := range map[string]string{
		"default": "", "early prefetch": "prefetch 10 11;", "no prefetch": "prefetch 0;",
		"long TTLs": "min-cache-ttl 60;", "stale": stale, "stale at once": stale + "stale-answer-client-timeout 0;",
	} {
		t.Run(name, func(t *testing.T) {
			cfg := configOf(t, `options { listen-on port 53 { any; }; directory "/"; allow-query { any; }; allow-recursion { any; }; forwarders { 10.79.0.2; }; `+text+
				` }; zone "corp.test" { type forward; forwarders { 10.79.0.2; }; };`)
			perform(t, cfg, watchesApp, func(t *testing.T, s *theatre) {
				s.wants("app.corp.test. A", shortOld)
				s.has("app.corp.test. A", newA)
				s.at(10*time.Second + 100*time.Millisecond)
				s.wants("app.corp.test. A", shortNew, "EDE 0")
				for i := range 15 { // the resolver is two caches
					s.has("app.corp.test. A", [...]string{oldA, newA}[i%2])
					s.at(11*time.Second + time.Duration(i)*time.Second)
					for _, more := range []string{"", " do", " cd", " tcp"} {
						s.wants("app.corp.test. A"+more, shortNew, "EDE 0")
					}
				}
				s.has("app.corp.test. A", newA)
				s.count("")
				s.at(35 * time.Second)
				if n := s.count("app.corp.test. A"); n < 9 || n > 11 {
					t.Errorf("asked %d times in 10 s of the guard, want once a second", n)
				}
				s.at(60 * time.Second)
				s.wants("app.corp.test. A", shortNew)
				if st, err := s.s.WatchStatus("app.corp.test", false); err != nil || st.Sets[0].Guard != nil || len(st.History) != 1 {
					t.Errorf("WatchStatus = %+v, %v, want one change and no guard", st, err)
				}
			})
		})
	}
}

// Upstream fails, and old answers are kept: none is given of what is overridden.
func TestOverrideOverStale(t *testing.T) {
	cfg := watchedConfig(func(c *config.Config) {
		c.Cache.StaleEnable, c.Cache.StaleAnswer, c.Cache.MaxStaleTTL, c.Cache.StaleAnswerTTL = true, true, time.Hour, 30*time.Second
	})
	perform(t, cfg, Options{}, func(t *testing.T, s *theatre) {
		s.has("www.corp.test. A", "www.corp.test. 5 IN CNAME app.corp.test.", oldA)
		s.asks("app.corp.test.", "A")
		s.asks("www.corp.test.", "A")
		s.override("app.corp.test", "A", "10.0.0.2")
		s.has("app.corp.test. A", "held")
		s.asks("www.corp.test.", "A")
		s.has("www.corp.test. A", "held")
		s.at(20 * time.Second)
		s.wants("app.corp.test. A", shortNew, "EDE 4")
		s.asks("www.corp.test.", "A", "edns")
		s.at(30 * time.Second)
		if m := s.got(); m == nil || strings.Contains(m.String(), "10.0.0.1") || !strings.Contains(m.String(), "10.0.0.2") {
			t.Errorf("got %v, want the override behind a stale alias", m)
		}
	})
}

// Verification sees what upstream says, not what is pinned.
func TestVerify(t *testing.T) {
	perform(t, watchedConfig(), watchesApp, func(t *testing.T, s *theatre) {
		s.wants("app.corp.test. A", shortOld)
		if err := s.s.Verify("app.corp.test", dns.TypeA, []string{"10.0.0.2"}, time.Minute); err != nil {
			t.Fatal(err)
		}
		s.override("app.corp.test", "A", "10.0.0.2")
		s.at(3500 * time.Millisecond)
		s.has("app.corp.test. A", newA)
		s.at(20 * time.Second)
		st, err := s.s.WatchStatus("app.corp.test", false)
		if err != nil || st.Sets[0].Verify == nil {
			t.Fatalf("WatchStatus = %+v, %v", st, err)
		}
		if v := st.Sets[0].Verify; v.Old != 3 || v.New < 16 || !v.Done {
			t.Errorf("verified %+v, want 3 old answers, then new ones, done", v)
		}
		if n := s.s.Stats().Watch.VerifyQuestions; n != 20 {
			t.Errorf("%d questions, want 20", n)
		}
	})
}

// What probes show is in force at the next whole second, and costs few packets.
func TestProbe(t *testing.T) {
	perform(t, watchedConfig(), watchesApp, func(t *testing.T, s *theatre) {
		s.hasProbes("10.0.0.1")
		s.wants("app.corp.test. A", shortOld)
		s.at(5500 * time.Millisecond)
		if n := s.count("probe"); n < 4 || n > 6 {
			t.Errorf("%d probes in 5 s, want one a second", n)
		}
		s.has("app.corp.test. A", "app.corp.test. 60 IN A 10.0.0.1")
		s.hasProbes("10.0.0.2") // authoritative servers have it, the resolver's cache not yet
		s.wants("app.corp.test. A", shortOld)
		s.at(6100 * time.Millisecond)
		s.wants("app.corp.test. A", shortNew, "EDE 0")
		s.count("")
		s.at(16100 * time.Millisecond)
		if n := s.count(""); n > 30 {
			t.Errorf("%d packets in 10 s, want 3 a second at most", n)
		}
		s.wants("app.corp.test. A", shortNew, "EDE 0")
		for _, e := range s.s.cachedNames() {
			if strings.Contains(e, ".now.") {
				t.Errorf("%s is cached", e)
			}
		}
	})
}

func (s *Server) cachedNames() (list []string) {
	for e := range s.Cached() {
		list = append(list, e.Name)
	}
	return list
}

// The ledger knows who was given what.
func TestLedger(t *testing.T) {
	o := Options{Watch: []string{"app.corp.test"}, WatchTTL: 4}
	perform(t, watchedConfig(), o, func(t *testing.T, s *theatre) {
		s.has("www.corp.test. A", "www.corp.test. 60 IN CNAME app.corp.test.", oldA)
		s.at(20 * time.Second) // what a former process gave is held by nobody
		for i, name := range []string{"app.corp.test.", "app.corp.test.", "www.corp.test."} {
			if err := s.replay.asks(fmt.Sprint("10.1.2.", 10+i), []string{name, "A"}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		s.at(22 * time.Second)
		s.override("app.corp.test", "A", "10.0.0.2")
		st, err := s.s.WatchStatus("app.corp.test", true)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, l := range st.Ledger {
			if until := l.Until.Sub(s.began); fmt.Sprint(l.Data) == "[10.0.0.1]" {
				found = l.Clients == 3 && until >= 25*time.Second && until <= 28*time.Second
			}
		}
		if !found {
			t.Errorf("Ledger = %+v, want 3 clients with the old address, no longer than 4 s and a second more than it could be given", st.Ledger)
		}
	})
}

// Changes of other names are seen too.
func TestSeen(t *testing.T) {
	perform(t, watchedConfig(), Options{}, func(t *testing.T, s *theatre) {
		s.asks("app.corp.test.", "A")
		s.has("app.corp.test. A", newA)
		s.at(11 * time.Second)
		s.wants("app.corp.test. A", newA)
		changes, err := s.s.History("")
		if err != nil || len(changes) != 1 || fmt.Sprint(changes[0].Old, changes[0].New) != "[10.0.0.1] [10.0.0.2]" {
			t.Errorf("History = %+v, %v, want one change", changes, err)
		}
	})
}

// What an operator said outlives the process, also one that is killed.
func TestWatchState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	synctest.Test(t, func(t *testing.T) {
		s := newTheatre(t, watchedConfig(), Options{StateFile: path})
		defer s.stop()
		if err := s.s.WatchName("www.corp.test"); err != nil {
			t.Fatal(err)
		}
		s.override("app.corp.test", "A", "10.0.0.2")
		killed, err := os.ReadFile(path) // at once
		if err != nil {
			t.Fatal(err)
		}
		other := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(other, killed, 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		next := s.authority.theatre(t, watchedConfig(), Options{StateFile: other})
		defer next.stop()
		next.wants("app.corp.test. A", shortNew, "EDE 4")
		if list := next.s.Watching(); fmt.Sprint(list) != "[www.corp.test]" {
			t.Errorf("Watching = %v", list)
		}
	})
}

// An override that cannot be read costs no other; the file is kept, and it is told of.
func TestWatchStateBrokenInPart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	synctest.Test(t, func(t *testing.T) {
		s := newTheatre(t, watchedConfig(), Options{StateFile: path})
		s.override("app.corp.test", "A", "10.0.0.2")
		s.override("www.corp.test", "A", "10.0.0.7")
		s.stop()
		state, err := store.ReadFile(path, watchSection, maxWatchState)
		if err != nil || !strings.Contains(string(state), `["10.0.0.7"]`) {
			t.Fatalf("the state is %s, %v", state, err)
		}
		state = []byte(strings.Replace(string(state), `["10.0.0.7"]`, `["ten…"]`, 1))
		if err := store.ReplaceFile(path, store.Stamp{}, watchSection, state); err != nil {
			t.Fatal(err)
		}
		j := newJournal()
		again := s.authority.theatre(t, watchedConfig(), Options{StateFile: path, Log: j.logger()})
		again.wants("app.corp.test. A", shortNew, "EDE 4")
		again.stop()
		if all := fmt.Sprint(j.lines["general"]); !strings.Contains(all, `starting without some overrides, watches and history of before: `+path) || !strings.Contains(all, `"www.corp.test" "A": `) || !strings.Contains(all, "it is kept as "+path+".broken") {
			t.Errorf("the log says %s", all)
		}
		if kept, err := store.ReadFile(path+".broken", watchSection, maxWatchState); err != nil || string(kept) != string(state) {
			t.Errorf("kept is %s, %v", kept, err)
		}
		third := s.authority.theatre(t, watchedConfig(), Options{StateFile: path, Log: j.logger()})
		third.wants("app.corp.test. A", shortNew, "EDE 4")
		third.stop()
		if n := strings.Count(fmt.Sprint(j.lines["general"]), "starting without"); n != 1 {
			t.Errorf("told %d times of it, want once", n)
		}
	})
}

// A broken file is set aside and told of, and a directory that is not there is no end.
func TestWatchStateBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, []byte("vpcstore?"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		s := newTheatre(t, watchedConfig(), Options{StateFile: path, Log: j.logger()})
		s.override("app.corp.test", "A", "10.0.0.2")
		s.stop()
		if text, err := os.ReadFile(path + ".broken"); err != nil || string(text) != "vpcstore?" {
			t.Errorf("set aside is %q, %v", text, err)
		}
		if all := fmt.Sprint(j.lines["general"]); !strings.Contains(all, "starting without overrides") || !strings.Contains(all, "state.broken now") {
			t.Errorf("the log says %s", all)
		}
		again := s.authority.theatre(t, watchedConfig(), Options{StateFile: path})
		again.wants("app.corp.test. A", shortNew, "EDE 4")
		again.stop()
	})
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		s := newTheatre(t, watchedConfig(), Options{StateFile: filepath.Join(t.TempDir(), "none", "state"), Log: j.logger()})
		s.override("app.corp.test", "A", "10.0.0.2")
		s.wants("app.corp.test. A", shortNew, "EDE 4")
		time.Sleep(10 * time.Second)
		s.stop()
		if n := strings.Count(fmt.Sprint(j.lines["general"]), "would not outlive"); n != 1 {
			t.Errorf("told %d times that the state cannot be written, want once", n)
		}
	})
}

// What a former process has cached comes back without what is a watched name's.
func TestWarmWatched(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	synctest.Test(t, func(t *testing.T) {
		former := newTheatre(t, watchedConfig(), Options{StateFile: path})
		former.override("pin.corp.test", "A", "10.0.0.9")
		former.has("pin.corp.test. TXT", `pin.corp.test. 60 IN TXT "a"`)
		former.has("www.corp.test. A", "www.corp.test. 60 IN CNAME app.corp.test.", oldA)
		former.has("x.corp.test. MX", "x.corp.test. 60 IN MX 1 app.corp.test.", "additional "+oldA)
		former.has("app.corp.test. A", "app.corp.test. 60 IN A 10.0.0.1")
		former.has("other.corp.test. A", "other.corp.test. 60 IN A 10.0.0.1")
		for _, q := range []string{"www.corp.test. A", "x.corp.test. MX", "app.corp.test. A", "other.corp.test. A", "pin.corp.test. TXT"} {
			former.asks(strings.Fields(q)[0], strings.Fields(q)[1])
		}
		file := left(t, former.s)
		former.stop()
		s := former.authority.theatre(t, watchedConfig(), Options{StateFile: path, Watch: []string{"app.corp.test"}, Warm: file})
		defer s.stop()
		s.count("")
		s.has("app.corp.test. A", "app.corp.test. 60 IN A 10.0.0.2")
		s.wants("app.corp.test. A", shortOld) // for its TTL, as ever
		s.wants("www.corp.test. A", "www.corp.test. 0 IN CNAME app.corp.test.", shortOld)
		s.wants("x.corp.test. MX", "x.corp.test. 60 IN MX 1 app.corp.test.")
		s.wants("pin.corp.test. A", "pin.corp.test. 0 IN A 10.0.0.9", "EDE 4")
		s.wants("other.corp.test. A", "other.corp.test. 60 IN A 10.0.0.1")
		if app, www, other := s.count("app.corp.test. A"), s.count("www.corp.test. A"), s.count("other.corp.test. A"); app != 0 || www != 1 || other != 0 {
			t.Errorf("asked %d, %d and %d times, want 0, 1 and 0", app, www, other)
		}
	})
}

// A name of a zone here is overridden where the operator allows it, behind the zone's
// aliases and beside its records too.
func TestOverrideInLocalZone(t *testing.T) {
	cfg := watchedConfig(func(c *config.Config) {
		var rrs []dns.RR
		for _, line := range []string{
			"lan. 60 IN SOA ns.lan. root.lan. 1 2 3 4 60", "lan. 60 IN NS ns.lan.", "ns.lan. 60 IN A 10.0.0.1", "host.lan. 60 IN A 10.0.0.1",
			"alias.lan. 60 IN CNAME host.lan.", "out.lan. 60 IN CNAME app.corp.test.", "lan. 60 IN MX 1 host.lan.",
		} {
			rr, err := dns.NewRR(line)
			if err != nil {
				t.Fatal(err)
			}
			rrs = append(rrs, rr)
		}
		c.Local = []config.LocalZone{{Name: "lan.", Records: rrs, AllowQuery: acl.All()}}
	})
	perform(t, cfg, Options{OverrideZones: []string{"lan"}}, func(t *testing.T, s *theatre) {
		s.override("host.lan", "A", "10.0.0.9")
		s.override("app.corp.test", "A", "10.0.0.8")
		const pin = "host.lan. 0 IN A 10.0.0.9"
		has := func(question string, want, never string) {
			t.Helper()
			w := strings.Fields(question)
			m := s.asks(w[0], w[1])
			if text := strings.ReplaceAll(fmt.Sprint(m), "\t", " "); !strings.Contains(text, want) || strings.Contains(text, never) {
				t.Errorf("%s: got %s, want %s, and not %s", question, text, want, never)
			}
		}
		const old = "host.lan. 60 IN A 10.0.0.1"
		has("host.lan. A", pin, old)
		has("alias.lan. A", pin, old)
		has("lan. MX", pin, old)
		has("out.lan. A", "app.corp.test. 0 IN A 10.0.0.8", "10.0.0.1")
		s.at(10 * time.Second)
		if n := s.count("host.lan. A"); n != 0 {
			t.Errorf("upstream was asked %d times for a name that is served here", n)
		}
	})
}
