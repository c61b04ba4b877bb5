package forwarder

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/wire"
)

// next returns a server that begins with what is in f, and what it says of that.
func next(t *testing.T, cfg *config.Config, n *fakeNet, f *os.File) (*replay, string) {
	t.Helper()
	j := newJournal()
	r := newReplayWith(t, cfg, n, Options{Workers: 1, UpstreamPPS: Unlimited, Warm: f, Log: j.logger()})
	for line := j.take("general"); ; line = j.take("general") {
		if strings.Contains(line, "former process") || line == "nothing" {
			return r, line
		}
	}
}

// Whatever is cached is cached by the next server too, as it was, and never for
// longer: after each of the scripts, which have answers of all kinds.
func TestWarmReplays(t *testing.T) {
	paths, err := filepath.Glob("../testdata/replay/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("Glob = %v, %v, want scripts", paths, err)
	}
	total := 0
	for _, path := range paths {
		s, err := readScript(path)
		if err != nil {
			t.Fatal(err)
		}
		conf := configOf(t, s.conf)
		t.Run(filepath.Base(path), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				former := runScript(t, path, s, conf)
				total += checkSame(t, former.s)
			})
		})
	}
	if total < 100 {
		t.Errorf("the scripts leave %d answers in all, want a hundred at least", total)
	}
}

// checkSame compares what is cached with what the next server makes of it, and
// returns how many answers there are.
func checkSame(t *testing.T, former *Server) (n int) {
	t.Helper()
	s := newUnserved(t, former.state.Load().cfg, 1, former.net)
	w := s.newWarmup(left(t, former))
	w.first()
	w.close()
	st, offset := former.state.Load(), s.clock.now()-former.clock.now()
	for e := range former.cache.All() {
		key := wire.Key(e.Key())
		z, server := st.routes.find(key.Name(), key.Type()), st.serverNumbers.server(originOf(e).server)
		if e.StaleUntil() <= former.clock.now()-knownFor || z == nil || !slices.Contains(z.servers, server) {
			continue // of no use, or from before a reload
		}
		got, ok := s.cache.Get(s.cache.Hash([]byte(e.Key())), []byte(e.Key()))
		if !ok || got.Value()[originLen:] != e.Value()[originLen:] || suits(got, true) != suits(e, true) || got.TTL() != e.TTL() || got.StaleUntil()-got.Expires() != e.StaleUntil()-e.Expires() {
			t.Errorf("%q = %q, want %q; %v", e.Key(), got, e, w.err)
			continue
		}
		if late := got.Stored() - e.Stored() - offset; late > 0 || late < -3*time.Millisecond {
			t.Errorf("%q is taken for %v younger than it is, want a little older", e.Key(), late)
		}
		n++
	}
	return n
}

// A TTL goes on across the change of processes, suspended machine included, and ends
// when it would have ended.
func TestWarmTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		former := serveVirtual(t, testConfig())
		q := queryFor(7, "www.example.", dns.TypeA)
		ask := func(r *replay) *dns.Msg {
			t.Helper()
			r.net.ask(testClient, testServer, false, q)
			synctest.Wait()
			got := r.net.got()
			if len(got) != 1 {
				t.Fatalf("got %d replies, want one", len(got))
			}
			return unpacked(t, got[0].msg)
		}
		ask(former) // TTL 300
		time.Sleep(10300 * time.Millisecond)
		former.net.suspend(50 * time.Millisecond) // too short to be noticed
		f := left(t, former.s)
		former.stop()
		time.Sleep(5 * time.Second)
		n := newFakeNet("10.79.1.10/24")
		n.booted, n.slept = former.net.booted, 100*time.Second+former.net.slept
		r, line := next(t, testConfig(), n, f)
		defer r.stop()
		if want := "kept 1 answers of the former process (0 MB), dropped 0"; line != want {
			t.Errorf("log = %q, want %q", line, want)
		}
		if r.s.state.Load().secrets[0] != former.s.cookieSecret {
			t.Error("the cookie secret is another one")
		}
		if m := ask(r); len(m.Answer) != 1 || m.Answer[0].Header().Ttl != 300-116 {
			t.Errorf("got %v, want a TTL of 184", m.Answer)
		}
		time.Sleep(184 * time.Second)
		r.net.ask(testClient, testServer, false, q)
		synctest.Wait()
		if r.net.take(netip.Addr{}) == nil {
			t.Error("the answer outlived its TTL: upstream was not asked")
		}
	})
}

// What is in doubt is dropped, for a reason that is told, and the server starts.
func TestWarmRefuses(t *testing.T) {
	edit := func(at int64, text string) func(*fakeNet, *os.File) {
		return func(_ *fakeNet, f *os.File) { f.WriteAt([]byte(text), at) }
	}
	tests := []struct {
		name   string
		change func(*fakeNet, *os.File)
		want   string
	}{
		{"another boot", func(n *fakeNet, _ *os.File) { n.boot[0]++ }, "written before the machine was started anew"},
		{"no boot", func(n *fakeNet, _ *os.File) { n.boot = [16]byte{} }, "does not tell which of its boots this is"},
		{"a clock that ran backwards", func(n *fakeNet, _ *os.File) { n.booted = time.Now() }, "from now"},
		{"empty", func(_ *fakeNet, f *os.File) { f.Truncate(0) }, "no file of this program"},
		{"truncated", func(_ *fakeNet, f *os.File) { f.Truncate(200) }, "truncated"},
		{"too large", func(_ *fakeNet, f *os.File) { f.Truncate(MaxSnapshot + 1) }, "octets are more than"},
		{"another format", edit(8, "\x09"), "of version 9"},
		{"a changed octet", edit(120, "?"), "wrong checksum"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := unserved(t)
				f := left(t, s)
				n := newFakeNet("10.79.1.10/24")
				n.auto = echoUpstream
				tt.change(n, f)
				r, line := next(t, testConfig(), n, f)
				defer r.stop()
				if want := "starting with an empty cache, what the former process left cannot be used: "; !strings.HasPrefix(line, want) || !strings.Contains(line, tt.want) {
					t.Errorf("log = %q, want %q", line, want+tt.want)
				}
				if n := r.s.cache.Len(); n != 0 {
					t.Errorf("%d answers are cached, want none", n)
				}
			})
		})
	}
}

// cachedNames lists the names of what is cached.
func cachedNames(s *Server) (names []string) {
	for a := range s.Cached() {
		names = append(names, strings.TrimSuffix(a.Name, "."))
	}
	slices.Sort(names)
	return names
}

// Answers of servers that are not asked for their names any more are dropped.
func TestWarmOtherConfiguration(t *testing.T) {
	zones := func(lists ...string) *config.Config {
		cfg := testConfig()
		cfg.Zones = nil
		for _, list := range lists {
			words := strings.Fields(list)
			z := config.ForwardZone{Name: words[0]}
			for _, a := range words[1:] {
				z.Forwarders = append(z.Forwarders, netip.MustParseAddrPort(a))
			}
			cfg.Zones = append(cfg.Zones, z)
		}
		return cfg
	}
	const a, b = " 10.79.0.2:53", " 10.79.0.3:53"
	before := zones("."+a, "a.test."+b, "b.test."+b+a)
	local := zones("."+a, "a.test."+b, "b.test."+b+a)
	local.Local = []config.LocalZone{{Name: "below.a.test.", Records: []dns.RR{
		&dns.SOA{Hdr: header("below.a.test.", dns.TypeSOA, 60), Ns: ".", Mbox: "."}, &dns.NS{Hdr: header("below.a.test.", dns.TypeNS, 60), Ns: "."}}}}
	bogus := zones("."+a, "a.test."+b, "b.test."+b+a)
	bogus.Blackhole = append(bogus.Blackhole, acl.Element{Prefix: netip.MustParsePrefix("10.79.0.3/32")})
	tests := []struct {
		name string
		cfg  *config.Config
		want string // names that are cached still
	}{
		{"the same", before, "c.other chain.a.test host.a.test host.b.test in.below.a.test"},
		{"the same in another order", zones("b.test."+a+b, "a.test."+b, "."+a), "c.other chain.a.test host.a.test host.b.test in.below.a.test"},
		{"a server more", zones("."+a+b, "a.test."+b, "b.test."+b+a), "c.other chain.a.test host.a.test host.b.test in.below.a.test"},
		{"a server less, who was not the one", zones("."+a, "a.test."+b, "b.test."+b), "c.other chain.a.test host.a.test host.b.test in.below.a.test"},
		{"another server", zones("."+a, "a.test."+a, "b.test."+b+a), "c.other host.b.test"},
		{"another server of the target", zones("."+a, "a.test."+b, "b.test."+a), "c.other host.a.test in.below.a.test"},
		{"another port", zones("."+a, "a.test. 10.79.0.3:5353", "b.test."+b+a), "c.other host.b.test"},
		{"no servers", zones("."+a, "a.test.", "b.test."+b+a), "c.other host.b.test"},
		{"a zone less", zones("."+a, "b.test."+b+a), "c.other host.b.test"},
		{"a zone more, of the same server", zones("."+a, "a.test."+b, "b.test."+b+a, "host.a.test."+b), "c.other chain.a.test host.a.test host.b.test in.below.a.test"},
		{"a zone more, of another", zones("."+a, "a.test."+b, "b.test."+b+a, "host.a.test."+a), "c.other chain.a.test host.b.test in.below.a.test"},
		{"no zone for the rest", zones("a.test."+b, "b.test."+b+a), "chain.a.test host.a.test host.b.test in.below.a.test"},
		{"a zone from here", local, "c.other chain.a.test host.a.test host.b.test"},
		{"a server that may not be asked", bogus, "c.other"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := newFakeNet("10.79.1.10/24").network()
			s := newUnserved(t, before, 1, n)
			putAnswer(s, "host.a.test.", "")
			putAnswer(s, "in.below.a.test.", "")
			putAnswer(s, "host.b.test.", "")
			putAnswer(s, "chain.a.test.", "target.b.test.")
			putAnswer(s, "c.other.", "")
			check := func() {
				t.Helper()
				next := newUnserved(t, tt.cfg, 1, n)
				w := next.newWarmup(left(t, s))
				w.first()
				w.close()
				if got := strings.Join(cachedNames(next), " "); got != tt.want {
					t.Errorf("cached: %s\nwant:   %s", got, tt.want)
				}
				if got := w.fates[kept] + w.fates[foreign]; got != s.cache.Len() {
					t.Errorf("fates = %v, want all answers kept or foreign", w.fates)
				}
			}
			check()
			old := s.state.Load() // as a reload does, which keeps what is cached
			st, err := s.newState(tt.cfg, old)
			if err != nil {
				t.Fatal(err)
			}
			if s.install(st); st.upstream != old.upstream {
				old.upstream.Close()
			}
			check()
		})
	}
}

// What a flush has dropped does not come back: not by a snapshot that is written
// meanwhile, and not by one that is being taken.
func TestWarmFlush(t *testing.T) {
	n := newFakeNet("10.79.1.10/24").network()
	flushes := map[string]func(*Server){
		"all":    (*Server).Flush,
		"a name": func(s *Server) { s.FlushName("host0.example.") },
		"a tree": func(s *Server) { s.FlushTree("example.") },
	}
	for name, flush := range flushes {
		t.Run(name, func(t *testing.T) {
			s := newUnserved(t, testConfig(), 1, n)
			for i := range 3 * warmBatch {
				putAnswer(s, fmt.Sprintf("host%d.example.", i), "")
			}
			f := left(t, s)
			if _, err := s.Snapshot(flushWriter{func() { flush(s) }}, MaxSnapshot); err != errFlushed {
				t.Errorf("Snapshot = %v, want %v", err, errFlushed)
			}
			ended := s.flushes.flushing()
			if _, err := s.Snapshot(flushWriter{func() {}}, MaxSnapshot); err != errFlushed {
				t.Errorf("Snapshot during a flush = %v, want %v", err, errFlushed)
			}
			ended()
			next := newUnserved(t, testConfig(), 1, n)
			w := next.newWarmup(f)
			w.batch(true)
			flush(next)
			w.rest()
			if got := fmt.Sprint(w.fates[kept], " ", w.fates[flushed]); got != fmt.Sprint(warmBatch, " ", 2*warmBatch) {
				t.Errorf("kept and flushed = %v, want a batch, and the rest", got)
			}
		})
	}
}

type flushWriter struct{ f func() }

func (w flushWriter) Write(p []byte) (int, error) { w.f(); return len(p), nil }

// Newer answers stay: to the same question, and those that deny what came before, or
// are denied by it.
func TestWarmNewer(t *testing.T) {
	n := newFakeNet("10.79.1.10/24").network()
	positive := func(s *Server) { putAnswer(s, "www.example.", "") }
	negative := func(s *Server) { putDenial(s, "www.example.") }
	for _, tt := range []struct {
		name       string
		then, now  func(*Server)
		kept, left int
	}{
		{"data for data", positive, positive, 0, 1},
		{"NXDOMAIN for data", positive, negative, 0, 1},
		{"data for NXDOMAIN", negative, positive, 0, 1},
		{"another name", positive, func(s *Server) { putAnswer(s, "other.example.", "") }, 1, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			former := newUnserved(t, testConfig(), 1, n)
			tt.then(former)
			f := left(t, former)
			s := newUnserved(t, testConfig(), 1, n)
			w := s.newWarmup(f)
			tt.now(s)
			w.rest()
			if w.fates[kept] != tt.kept || s.cache.Len() != tt.left {
				t.Errorf("fates = %v with %d answers cached, want %d kept, %d cached", w.fates, s.cache.Len(), tt.kept, tt.left)
			}
		})
	}
}
