package forwarder

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/udp"
)

func TestServfails(t *testing.T) {
	const ttl = 10 * time.Second
	var s servfails
	check := func(what string, hash uint64, now time.Duration, want bool) {
		t.Helper()
		if got := s.recent(hash, now, ttl); got != want {
			t.Errorf("%s: recent(%d, %v) = %v, want %v", what, hash, now, got, want)
		}
	}
	s.note(1, 0)
	check("after a failure", 1, ttl-1, true)
	check("after its time", 1, ttl, false)
	check("another", 2, 0, false)
	s.note(2, 0)
	s.answered()
	check("answers do not change single failures", 1, ttl-1, true)
	for range outageRun {
		s.note(3, 0)
	}
	check("in an outage", 3, ttl/2-1, true)
	check("in an outage, later", 3, ttl/2, false)
	s.answered()
	check("after an outage", 3, 0, false)
	check("after an outage", 1, 0, false)
}

// TestQueuedOverReload: a query that was queued when a reload put a static zone
// over its name is answered, but what upstream says does not hide the zone.
func TestQueuedOverReload(t *testing.T) {
	for _, covered := range []bool{false, true} {
		s, mem := unserved(t), newMemConn(testServer)
		var a answerer
		a.init(s, new(counters))
		a.begin()
		c := client{addr: testClient, local: testServer}
		query := queryFor(1, "printer.lan.", dns.TypeA)[2:]
		if _, what := a.serve(nil, query, &c); what != waiting {
			t.Fatalf("serve = %v, want waiting", what)
		}
		w := s.slow.waiter(&a, &a.q, &c)
		w.conn, w.peer = mem, udp.PeerOf(testClient)

		cfg := testConfig()
		if covered {
			soa, err := dns.NewRR("lan. 60 IN SOA lan. lan. 1 1 1 1 1")
			if err != nil {
				t.Fatal(err)
			}
			cfg.Local = []config.LocalZone{{Name: "lan.", Records: []dns.RR{soa}, AllowQuery: acl.All()}}
		}
		if err := s.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		r := s.slow.newReplier()
		r.begin()
		r.q = w.q
		s.slow.mu.Lock()
		f := s.slow.start(r, w, a.key)
		s.slow.mu.Unlock()
		r.Answer(&f.req, answerTo(t, &asking{msg: query}, "10.0.0.1"), nil)
		r.Flush()
		if sent := len(mem.sentSoFar()); sent != 1 {
			t.Errorf("%d replies, want 1", sent)
		}
		if _, kept := s.cache.Get(a.hash, a.key); kept == covered {
			t.Errorf("with a static zone %v the answer is kept: %v", covered, kept)
		}
	}
}

// TestImpatientForgotten: a fetch that has ended is not kept until its clients'
// patience would have ended.
func TestImpatientForgotten(t *testing.T) {
	cfg := testConfig()
	cfg.Cache.StaleEnable, cfg.Cache.StaleAnswer, cfg.Cache.StaleClientTimeout = true, true, 1800*time.Millisecond
	s, err := newServer(cfg, Options{Workers: 1}, newFakeNet("10.79.1.10/24").network())
	if err != nil {
		t.Fatal(err)
	}
	defer s.listeners.closeAll()
	defer s.state.Load().upstream.Close()
	mem := newMemConn(testServer)
	_, first := s.fetchOf(t, queryFor(1, "waits.example.", dns.TypeA)[2:], mem)
	for range 10 {
		query := queryFor(2, "ends.example.", dns.TypeA)[2:]
		r, f := s.fetchOf(t, query, mem)
		r.Answer(&f.req, answerTo(t, &asking{msg: query}, "10.0.0.1"), nil)
		r.Flush()
		s.Flush()
	}
	if n := s.slow.stales.Len(); n != 1 || s.slow.stales.Front().Value != first {
		t.Errorf("%d fetches are watched, want the one that is under way", n)
	}
}
