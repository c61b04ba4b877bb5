package forwarder

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// TestImpatientForgotten: a fetch that has ended is not kept until its clients'
// time would have come.
func TestImpatientForgotten(t *testing.T) {
	cfg := testConfig()
	cfg.Cache.StaleEnable, cfg.Cache.StaleAnswer, cfg.Cache.StaleClientTimeout = true, true, 1800*time.Millisecond
	s := newUnserved(t, cfg, 1, newFakeNet("10.79.1.10/24").network())
	mem := newMemConn(testServer)
	_, first := s.fetchOf(t, queryFor(1, "waits.example.", dns.TypeA), mem)
	for range 10 {
		query := queryFor(2, "ends.example.", dns.TypeA)
		r, f := s.fetchOf(t, query, mem)
		r.Answer(&f.req, answerTo(query, 60, "10.0.0.1"), nil)
		r.Flush()
		s.Flush()
	}
	if n := s.inflight.aged.Len(); n != 1 || s.inflight.aged.Front().Value != first {
		t.Errorf("%d fetches are watched, want the one that is under way", n)
	}
}

// When very many wait, who joins a question takes the oldest one's place; who
// asks another is not concerned. All are answered.
func TestWaitersBounded(t *testing.T) {
	virtual(t, testConfig(), func(t *testing.T, r *replay) {
		ask := func(port uint16, name string) {
			r.net.ask(netip.AddrPortFrom(testClient.Addr(), port), testServer, false, queryFor(port, name, dns.TypeA))
			synctest.Wait()
		}
		ask(1001, "hold.example.")
		r.s.waiters.n.Add(maxWaiting)
		ask(1002, "hold.example.")
		ask(1003, "hold2.example.")
		r.s.waiters.n.Add(-maxWaiting)
		if got := r.net.got(); len(got) != 1 || got[0].peer.Port() != 1001 || wire.Rcode(got[0].msg) != wire.ServFail {
			t.Errorf("got %v, want SERVFAIL for the first client alone", got)
		}
		for range 2 {
			r.net.answer(t, 60, "10.0.0.1")
		}
		synctest.Wait()
		if got := r.net.got(); len(got) != 2 || wire.Rcode(got[0].msg)|wire.Rcode(got[1].msg) != wire.NoError {
			t.Errorf("got %v, want answers for the two others", got)
		}
	})
}
