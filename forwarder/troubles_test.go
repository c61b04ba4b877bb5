package forwarder

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
)

// stage is a Server whose upstream servers fail as a test wants, and its log.
type stage struct {
	t       *testing.T
	r       *replay
	journal *journal
	asked   int // queries of clients so far
	clients int // that ask in turn

	mu    sync.Mutex
	modes map[string]string // "", silent, garbage, self or an rcode, by server, or server and zone
	delay time.Duration
	sent  int // queries to upstream
}

// withStage lets f play on a server with a configuration.
func withStage(t *testing.T, conf string, o Options, f func(s *stage)) {
	withStageOf(t, configOf(t, conf), o, f)
}

func withStageOf(t *testing.T, cfg *config.Config, o Options, f func(s *stage)) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet("10.79.1.10/24")
		s := &stage{t: t, journal: newJournal(), clients: 1, modes: make(map[string]string), delay: time.Millisecond}
		n.auto = s.answer
		o.Workers, o.Log = 1, s.journal.logger()
		s.r = newReplayWith(t, cfg, n, o)
		f(s)
		s.r.stop()
	})
}

const oneServer = `options { forwarders { 10.79.0.2; }; allow-query { any; }; };
	zone "corp.example" { type forward; forwarders { 10.79.0.2; }; };`

const twoServers = `options { forwarders { 10.79.0.2; 10.79.0.3; }; allow-query { any; }; };`

// set makes servers, "10.79.0.2" or "10.79.0.2 corp.example.", behave so.
func (s *stage) set(who, mode string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.modes[who] = mode
}

func (s *stage) setDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// packets returns how many queries upstream has got so far.
func (s *stage) packets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

// answer is a fakeNet's auto.
func (s *stage) answer(q *asking) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent++
	m := new(dns.Msg)
	if err := m.Unpack(q.msg); err != nil {
		return nil
	}
	server := q.server.Addr().String()
	mode := s.modes[server]
	for key, other := range s.modes {
		if zone, ok := strings.CutPrefix(key, server+" "); ok && dns.IsSubDomain(zone, m.Question[0].Name) {
			mode = other
		}
	}
	if other, ok := s.modes["from "+q.source.String()]; ok {
		mode = other
	}
	reply := answerTo(q.msg, 0, "10.0.0.1")
	switch mode {
	case "silent":
		return nil
	case "comes back": // without our cookie, as another server asks
		again := queryFor(1, m.Question[0].Name, m.Question[0].Qtype)
		time.AfterFunc(s.delay, func() {
			s.r.net.ask(netip.AddrPortFrom(q.server.Addr(), 5999), testServer, false, again)
		})
		return nil
	case "is relayed": // as it is, by a box on the way
		again, _ := m.Pack()
		time.AfterFunc(s.delay, func() {
			s.r.net.ask(netip.MustParseAddrPort("10.9.9.9:5999"), testServer, false, again)
		})
		return nil
	case "garbage":
		reply = reply[:len(reply)-5]
	case "":
	default:
		m := new(dns.Msg).SetRcode(m, dns.StringToRcode[mode])
		m.RecursionAvailable = true
		reply, _ = m.Pack()
	}
	time.AfterFunc(s.delay, func() { q.answer(reply) })
	return nil
}

// ask lets clients ask n times for fresh names in a zone, each after the other.
func (s *stage) ask(n int, zone string, each time.Duration) {
	for range n {
		s.asked++
		from := netip.AddrFrom4([4]byte{10, 1, 2, byte(1 + s.asked%s.clients)})
		s.r.net.ask(netip.AddrPortFrom(from, 5000), testServer, false,
			queryFor(uint16(s.asked), fmt.Sprintf("n%d.%s", s.asked, zone), dns.TypeA))
		time.Sleep(each)
		synctest.Wait()
	}
}

// wait lets time pass.
func (s *stage) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// wantLines holds the lines of a category that were not looked at yet: each begins and
// ends with what stands before and behind the star.
func (s *stage) wantLines(when, category string, want ...string) {
	s.t.Helper()
	var got []string
	for line := s.journal.take(category); line != "nothing"; line = s.journal.take(category) {
		got = append(got, line)
	}
	ok := len(got) == len(want)
	for i := 0; ok && i < len(want); i++ {
		head, tail, _ := strings.Cut(want[i], "*")
		ok = strings.HasPrefix(got[i], head) && strings.HasSuffix(got[i], tail)
	}
	if !ok {
		s.t.Errorf("%s: the log has\n\t%s\nwant\n\t%s", when, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// open lists the kinds of the open troubles.
func (s *stage) open() (kinds []string) {
	for _, t := range s.r.s.Stats().Troubles {
		if t.Now {
			kinds = append(kinds, t.Kind)
		}
	}
	return kinds
}

// An upstream that answers with failures is told of, for the zones that it fails,
// whatever the failure, at high and low rates.
func TestTroubleFailures(t *testing.T) {
	for mode, why := range map[string]string{
		"SERVFAIL": "servers answered SERVFAIL", "REFUSED": "servers answered REFUSED",
		"NOTIMP": "servers answered NOTIMP", "garbage": "malformed answer",
	} {
		for _, each := range []time.Duration{100 * time.Millisecond, time.Minute} {
			t.Run(fmt.Sprint(mode, each), func(t *testing.T) {
				withStage(t, oneServer, Options{}, func(s *stage) {
					s.clients = 3
					s.ask(5, "example.", each)
					s.ask(5, "corp.example.", each)
					s.set("10.79.0.2 corp.example.", mode)
					s.wantLines("before", "resolver")
					for range 30 {
						s.ask(1, "corp.example.", each/2)
						s.ask(1, "example.", each/2)
					}
					s.wantLines("during", "resolver", "upstream 10.79.0.2#53 fails for corp.example: "+why+"; * in the last minute")
					if f := s.r.s.Stats().Failures; len(f) != 1 || f[0].Zone != "corp.example." || f[0].Failed == 0 {
						s.t.Errorf("Failures = %v, want those of corp.example.", f)
					}
					s.set("10.79.0.2 corp.example.", "")
					s.ask(20, "corp.example.", max(each, time.Second))
					s.wait(15 * time.Second)
					s.wantLines("after", "resolver", "upstream 10.79.0.2#53 answers for corp.example again (after * of 3 clients failed")
					if open := s.open(); len(open) > 0 {
						t.Errorf("open in the end: %v", open)
					}
				})
			})
		}
	}
}

// Nobody asks any more: the last line comes all the same.
func TestTroubleFailuresForgotten(t *testing.T) {
	withStage(t, oneServer, Options{}, func(s *stage) {
		s.set("10.79.0.2 corp.example.", "SERVFAIL")
		s.ask(5, "corp.example.", time.Second)
		s.wait(time.Second)
		s.wantLines("during", "resolver", "upstream 10.79.0.2#53 fails for corp.example: *")
		s.wait(11 * time.Minute)
		s.wantLines("later", "resolver", "upstream 10.79.0.2#53 fails for corp.example: servers answered SERVFAIL: nobody has asked for it lately (after *")
	})
}

func TestTroubleOutage(t *testing.T) {
	withStage(t, oneServer, Options{}, func(s *stage) {
		s.ask(10, "corp.example.", 100*time.Millisecond)
		s.set("10.79.0.2", "silent")
		s.ask(50, "corp.example.", 100*time.Millisecond)
		s.wait(3 * time.Second)
		s.wantLines("during", "resolver", "upstream 10.79.0.2#53 does not answer (for * now); zones: corp.example, .")
		s.set("10.79.0.2", "")
		s.ask(10, "corp.example.", 500*time.Millisecond)
		s.wantLines("after", "resolver", "upstream 10.79.0.2#53 answers again (after *queries of 1 client failed; zones: corp.example, .")
	})
}

// An outage ends where nobody asks, too, and what is asked to find out is little.
func TestTroubleOutageWhileIdle(t *testing.T) {
	withStage(t, oneServer, Options{}, func(s *stage) {
		s.ask(3, "corp.example.", 100*time.Millisecond)
		s.set("10.79.0.2", "silent")
		s.ask(1, "corp.example.", 10*time.Second)
		s.wantLines("during", "resolver", "upstream 10.79.0.2#53 does not answer (for * now); zones: corp.example, .")
		before := s.packets()
		s.wait(10 * time.Minute)
		if n := s.packets() - before; n < 10 || n > 60 {
			t.Errorf("%d packets in ten minutes in which nobody asks, want one each ten seconds or so", n)
		}
		s.set("10.79.0.2", "")
		s.wait(30 * time.Second)
		s.wantLines("after", "resolver", "upstream 10.79.0.2#53 answers again (after *1 of 1 queries of 1 client failed; zones: corp.example, .")
		before = s.packets()
		s.wait(time.Minute)
		if s.packets() != before {
			t.Errorf("%d packets in a minute in which nothing is wrong and nobody asks, want none", s.packets()-before)
		}
	})
}

// A server of several that never answered is found out by the questions that the
// others answer, however few they are, and costs one packet for each.
func TestTroubleSilentServer(t *testing.T) {
	for _, each := range []time.Duration{time.Second, time.Minute, 10 * time.Minute} {
		t.Run(each.String(), func(t *testing.T) {
			withStage(t, twoServers, Options{}, func(s *stage) {
				s.set("10.79.0.3", "silent")
				s.ask(8, "example.", each)
				s.wait(5 * time.Second)
				s.wantLines("during", "resolver", "upstream 10.79.0.3#53 does not answer (for *; zones: .")
				if most := 2*8 + 4; s.packets() > most {
					t.Errorf("%d packets for 8 questions, want %d at most", s.packets(), most)
				}
				s.set("10.79.0.3", "")
				s.ask(4, "example.", each)
				s.wait(5 * time.Second)
				s.wantLines("after", "resolver", "upstream 10.79.0.3#53 answers again (after *; no query failed; zones: .")
			})
		})
	}
}

// One of several that answers with failures is told of though clients notice nothing.
func TestTroubleFailingServer(t *testing.T) {
	withStage(t, twoServers, Options{}, func(s *stage) {
		s.set("10.79.0.2", "SERVFAIL")
		s.ask(30, "example.", time.Second)
		s.wait(3 * time.Second)
		s.wantLines("during", "resolver", "upstream 10.79.0.2#53 answers with failures; others are asked; zones: .")
		s.set("10.79.0.2", "")
		s.ask(30, "example.", time.Second)
		s.wait(3 * time.Second)
		s.wantLines("after", "resolver", "upstream 10.79.0.2#53 answers without failures again (after *; no query failed; zones: .")
	})
}

func TestTroubleSlow(t *testing.T) {
	withStage(t, oneServer, Options{}, func(s *stage) {
		s.setDelay(500 * time.Microsecond)
		s.ask(50, "example.", 100*time.Millisecond)
		s.setDelay(1500 * time.Millisecond)
		s.ask(100, "example.", 100*time.Millisecond)
		s.wantLines("during", "resolver", "upstream 10.79.0.2#53 is slow: an answer takes 1.5 s, 0.5 ms is usual; zones: corp.example, .")
		s.setDelay(500 * time.Microsecond)
		s.ask(100, "example.", 100*time.Millisecond)
		s.wantLines("after", "resolver", "upstream 10.79.0.2#53 is as fast as usual again (after *; no query failed; zones: corp.example, .")
	})
}

func TestTroubleBudget(t *testing.T) {
	withStage(t, oneServer, Options{UpstreamPPS: 10}, func(s *stage) {
		s.clients = 5
		s.ask(1000, "corp.example.", 10*time.Millisecond)
		s.wait(5 * time.Second)
		s.wantLines("during", "resolver", "the budget of 10 packets a second to upstream is exhausted")
		s.wait(10 * time.Second)
		s.wantLines("after", "resolver", "the packet budget to upstream is enough again (after * queries of 5 clients failed; zones: corp.example")
	})
}

func TestTroubleClients(t *testing.T) {
	withStage(t, `options { forwarders { 10.79.0.2; }; allow-query { any; }; recursive-clients 20; };`, Options{}, func(s *stage) {
		s.ask(1, "example.", time.Second)
		s.setDelay(2 * time.Second)
		s.ask(200, "example.", 10*time.Millisecond)
		s.wait(3 * time.Second)
		s.setDelay(time.Millisecond)
		s.wait(10 * time.Second)
		lines := s.journal.take("resolver") + "\n" + s.journal.take("resolver")
		if !strings.Contains(lines, "recursive-clients (20) is reached") {
			t.Errorf("lines: %s", lines)
		}
	})
}

func TestTroubleFetches(t *testing.T) {
	withStage(t, `options { forwarders { 10.79.0.2; }; allow-query { any; }; fetches-per-zone 5 fail; };`, Options{}, func(s *stage) {
		s.setDelay(300 * time.Millisecond)
		s.ask(200, "example.", 10*time.Millisecond)
		s.wait(2 * time.Second)
		s.wantLines("during", "resolver", "fetches-per-zone or fetches-per-server is reached: so many questions for . are being asked")
		s.wait(10 * time.Second)
		s.wantLines("after", "resolver", "fetches-per-zone and fetches-per-server are no longer reached for . (after *failed")
	})
}

// A client on this host is no server that asks back, though the server is here too.
func TestNoLoopOnLoopback(t *testing.T) {
	const local = `options { forwarders { 127.0.0.1 port 5300; }; allow-query { any; }; };`
	withStage(t, local, Options{}, func(s *stage) {
		s.set("127.0.0.1 corp.example.", "comes back")
		s.ask(3, "corp.example.", time.Second)
		s.wait(2 * time.Second)
		for line := s.journal.take("resolver"); line != "nothing"; line = s.journal.take("resolver") {
			if strings.Contains(line, "loop") {
				t.Errorf("the log has %q", line)
			}
		}
	})
}

// Who relays a query of ours to us is no server of the zone: a client's address, perhaps.
func TestTroubleLoopRelayed(t *testing.T) {
	withStage(t, oneServer, Options{}, func(s *stage) {
		s.set("10.79.0.2 corp.example.", "is relayed")
		s.ask(1, "corp.example.", time.Second)
		s.wait(2 * time.Second)
		if line := s.journal.take("resolver"); line != "forwarding loop: what this server asks for corp.example comes back to it from another address" {
			t.Errorf("the log has %q", line)
		}
	})
}

// Two servers that ask each other.
func TestTroubleLoop(t *testing.T) {
	withStage(t, oneServer, Options{}, func(s *stage) {
		s.set("10.79.0.2 corp.example.", "comes back")
		s.ask(3, "corp.example.", time.Second)
		s.wait(2 * time.Second)
		if line := s.journal.take("resolver"); line != "forwarding loop: 10.79.0.2, which is asked for corp.example, asks this server the same" {
			t.Errorf("the log has %q", line)
		}
		s.set("10.79.0.2 corp.example.", "")
		s.wait(2 * time.Minute)
		var last string
		for line := s.journal.take("resolver"); line != "nothing"; line = s.journal.take("resolver") {
			last = line
		}
		if !strings.HasPrefix(last, "forwarding loop for corp.example is no longer seen (after ") {
			t.Errorf("the log ends with %q", last)
		}
	})
}

// A reload ends the troubles of servers that are no longer there, and only those; an
// outage that lasts over it is one.
func TestTroubleOverReload(t *testing.T) {
	withStage(t, twoServers, Options{}, func(s *stage) {
		s.set("10.79.0.2", "silent")
		s.ask(20, "example.", 200*time.Millisecond)
		s.wantLines("during", "resolver", "upstream 10.79.0.2#53 does not*")
		s.set("10.79.0.3", "silent")
		s.ask(20, "example.", 200*time.Millisecond)
		s.wait(3 * time.Second)
		s.wantLines("during both", "resolver", "upstream 10.79.0.3#53 does not*")
		if err := s.r.s.Reload(configOf(t, `options { forwarders { 10.79.0.3; }; allow-query { any; }; };`)); err != nil {
			t.Fatal(err)
		}
		s.wantLines("reloaded", "resolver", "upstream 10.79.0.2#53 does not answer: it is no longer asked (after *")
		s.ask(20, "example.", 200*time.Millisecond)
		s.wantLines("goes on", "resolver")
		s.set("10.79.0.3", "")
		s.ask(20, "example.", 200*time.Millisecond)
		s.wantLines("after", "resolver", "upstream 10.79.0.3#53 answers again (after *")
	})
}

// What is wrong when the server ends is said once.
func TestTroubleAtTheEnd(t *testing.T) {
	var s *stage
	withStage(t, oneServer, Options{}, func(the *stage) {
		s = the
		s.set("10.79.0.2", "silent")
		s.ask(20, "example.", 200*time.Millisecond)
		s.wait(5 * time.Second)
		s.wantLines("during", "resolver", "upstream 10.79.0.2#53 does not answer (for *")
	})
	s.wantLines("in the end", "resolver", "at the end still: upstream 10.79.0.2#53 does not answer (after *failed; zones: corp.example, .")
}

// A server that flaps is told of a few times.
func TestTroubleFlaps(t *testing.T) {
	withStage(t, oneServer, Options{}, func(s *stage) {
		for range 60 {
			s.set("10.79.0.2", "silent")
			s.ask(10, "example.", 500*time.Millisecond)
			s.set("10.79.0.2", "")
			s.ask(10, "example.", 500*time.Millisecond)
		}
		n := 0
		for line := s.journal.take("resolver"); line != "nothing"; line = s.journal.take("resolver") {
			n++
		}
		if n < 2 || n > 12 {
			t.Errorf("%d lines in ten minutes of flapping, want a few", n)
		}
	})
}
