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

// TestQueuedOverReload: a query that was queued when a reload put a local zone
// over its name is answered, but what upstream says does not hide the zone.
func TestQueuedOverReload(t *testing.T) {
	for _, covered := range []bool{false, true} {
		s, mem := unserved(t), newMemConn(testServer)
		query := queryFor(1, "printer.lan.", dns.TypeA)[2:]
		a := s.newAsker()
		w := a.waits(t, query)
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
		r := s.newResolver()
		r.begin()
		f := s.inflight.join(w, a.q.key, r.now).fetch
		r.Answer(&f.req, answerTo(t, &asking{msg: query}, "10.0.0.1"), nil)
		r.Flush()
		if sent := len(mem.sentSoFar()); sent != 1 {
			t.Errorf("%d replies, want 1", sent)
		}
		if _, kept := s.cache.Get(a.q.hash, a.q.key); kept == covered {
			t.Errorf("with a local zone %v the answer is kept: %v", covered, kept)
		}
	}
}

// TestImpatientForgotten: a fetch that has ended is not kept until its clients'
// time would have come.
func TestImpatientForgotten(t *testing.T) {
	cfg := testConfig()
	cfg.Cache.StaleEnable, cfg.Cache.StaleAnswer, cfg.Cache.StaleClientTimeout = true, true, 1800*time.Millisecond
	s, err := newServer(cfg, Options{Workers: 1, UpstreamPPS: Unlimited}, newFakeNet("10.79.1.10/24").network())
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
	if n := s.inflight.aged.Len(); n != 1 || s.inflight.aged.Front().Value != first {
		t.Errorf("%d fetches are watched, want the one that is under way", n)
	}
}
