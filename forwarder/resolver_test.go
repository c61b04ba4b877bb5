package forwarder

import (
	"testing"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/udp"
)

// TestQueuedOverReload: a query that was queued when a reload put a local zone
// over its name is answered, but what upstream says does not hide the zone.
func TestQueuedOverReload(t *testing.T) {
	for _, covered := range []bool{false, true} {
		s, mem := unserved(t), newMemConn(testServer)
		query := queryFor(1, "printer.lan.", dns.TypeA)
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
		f := s.inflight.join(w, a.q.key, r.st, r.now).fetch
		r.give(f, answerTo(query, 60, "10.0.0.1"))
		r.Flush()
		if sent := len(mem.sentSoFar()); sent != 1 {
			t.Errorf("%d replies, want 1", sent)
		}
		if _, kept := s.cache.Get(a.q.hash, a.q.key); kept == covered {
			t.Errorf("with a local zone %v the answer is kept: %v", covered, kept)
		}
	}
}

// Upstream that denies a name and gives its address all the same is not believed.
func TestDeniedWithRecords(t *testing.T) {
	s := unserved(t)
	query := queryFor(1, "www.example.", dns.TypeA)
	m := saying(t, query, []string{"www.example. 86400 IN A 10.0.0.1"})
	m.Rcode = dns.RcodeNameError
	s.learn(t, query, packed(m))
	if e, ok := s.cache.Get(s.cache.Hash(wwwKey), wwwKey); ok {
		t.Errorf("kept for %d s, want it not to be", e.TTL())
	}
}

// Who was queued for longer than a client may wait is told so; a prefetch, for which
// nobody waits, is left.
func TestQueuedForTooLong(t *testing.T) {
	for _, refresh := range []bool{false, true} {
		s, mem := unserved(t), newMemConn(testServer)
		a := s.newAsker()
		w := a.waits(t, queryFor(1, "printer.lan.", dns.TypeA))
		want := 1
		if w.conn, w.peer = mem, udp.PeerOf(testClient); refresh {
			s.waiters.put(w)
			w, want = a.refresh(&a.q, a.q.zone), 0
		}
		w.since = -w.st.cfg.Limits.ClientWait()
		r := s.newResolver()
		r.begin()
		r.ask(w)
		r.flush()
		if sent := len(mem.sentSoFar()); sent != want {
			t.Errorf("a prefetch %v: %d replies, want %d", refresh, sent, want)
		}
		if n := s.waiters.n.Load(); n != 0 {
			t.Errorf("a prefetch %v: %d waiters are left, want none", refresh, n)
		}
		if n := s.inflight.len(); n != 0 {
			t.Errorf("a prefetch %v: %d questions are being asked, want none", refresh, n)
		}
	}
}
