package forwarder

import (
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// A chain whose end is asked for after the client was closed, as when a reload
// was long ago, ends in SERVFAIL.
func TestWalkAfterClose(t *testing.T) {
	s, mem := unserved(t), newMemConn(testServer)
	r, f := s.fetchOf(t, queryFor(1, "alias.example.", dns.TypeA)[2:], mem)
	s.state.Load().upstream.Close()
	var q dns.Msg
	q.SetQuestion("alias.example.", dns.TypeA)
	m := new(dns.Msg).SetReply(&q)
	rr, err := dns.NewRR("alias.example. 5 IN CNAME end.example.")
	if err != nil {
		t.Fatal(err)
	}
	m.Answer = []dns.RR{rr}
	msg, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	r.Answer(&f.req, msg, nil)
	r.Flush()
	if sent := mem.sentSoFar(); len(sent) != 1 || wire.Rcode(sent[0].Data) != wire.ServFail {
		t.Errorf("sent %v, want one SERVFAIL", sent)
	}
	if n := s.waiters.n.Load(); n != 0 {
		t.Errorf("%d queries wait for an answer, want 0", n)
	}
}

// When very many wait, who joins a question takes the oldest one's place; who
// asks another is not concerned. All are answered.
func TestWaitersBounded(t *testing.T) {
	virtual(t, testConfig(), func(t *testing.T, r *replay) {
		ask := func(port uint16, name string) {
			r.net.ask(netip.AddrPortFrom(testClient.Addr(), port), testServer, false, queryFor(port, name, dns.TypeA)[2:])
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
			q := r.net.take(netip.Addr{})
			q.answer(answerTo(t, q, "10.0.0.1"))
		}
		synctest.Wait()
		if got := r.net.got(); len(got) != 2 || wire.Rcode(got[0].msg)|wire.Rcode(got[1].msg) != wire.NoError {
			t.Errorf("got %v, want answers for the two others", got)
		}
	})
}

// What waits keeps no more of a query than its question and what options say.
func TestWaiterIsSmall(t *testing.T) {
	var m dns.Msg
	m.SetQuestion("www.example.", dns.TypeA)
	opt := m.SetEdns0(1232, true).IsEdns0()
	opt.Option = append(opt.Option, &dns.EDNS0_PADDING{Padding: make([]byte, 4000)}, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708"})
	msg, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	var q query
	if fault := q.Parse(msg); fault != wire.Sound {
		t.Fatalf("Parse = %v, want Sound", fault)
	}
	s := unserved(t)
	w := s.waiters.get(&q, s.state.Load())
	clear(msg)
	if len(w.buf) > 64 {
		t.Errorf("a waiter keeps %d octets of a query of %d, want 64 at most", len(w.buf), len(msg))
	}
	if got := wire.NameText(w.q.Name()); got != "www.example." || len(w.q.EDNS.Cookie) != 8 || w.q.EDNS.Cookie[7] != 8 {
		t.Errorf("waiter has %q, cookie %x, want www.example. and the cookie", got, w.q.EDNS.Cookie)
	}
}
