package forwarder

import (
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/wire"
)

// fetchOf starts a fetch for a query as the slow path does, but asks nobody.
func (s *Server) fetchOf(t *testing.T, query []byte, mem *memConn) (*replier, *fetch) {
	t.Helper()
	var a answerer
	a.init(s, new(counters))
	a.begin()
	c := client{addr: testClient, local: testServer}
	if _, what := a.serve(nil, query, &c); what != waiting {
		t.Fatalf("serve = %v, want waiting", what)
	}
	w := s.slow.waiter(&a, &a.q, &c)
	w.conn, w.peer = mem, udp.PeerOf(testClient)
	r := s.slow.newReplier()
	r.begin()
	r.q = w.q
	s.slow.mu.Lock()
	defer s.slow.mu.Unlock()
	return r, s.slow.start(r, w, a.key)
}

// A chain whose end is asked for after the client was closed, as when a reload
// was long ago, ends in SERVFAIL.
func TestChaseAfterClose(t *testing.T) {
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
	if n := s.slow.owed.Load(); n != 0 {
		t.Errorf("%d queries are owed an answer, want 0", n)
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
		r.s.slow.owed.Add(maxWaiting)
		ask(1002, "hold.example.")
		ask(1003, "hold2.example.")
		r.s.slow.owed.Add(-maxWaiting)
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
	var a answerer
	if fault := a.q.Parse(msg); fault != wire.Sound {
		t.Fatalf("Parse = %v, want Sound", fault)
	}
	w := unserved(t).slow.waiter(&a, &a.q, &client{})
	clear(msg)
	if len(w.buf) > 64 {
		t.Errorf("a waiter keeps %d octets of a query of %d, want 64 at most", len(w.buf), len(msg))
	}
	if got := wire.NameText(w.q.Name()); got != "www.example." || len(w.q.EDNS.Cookie) != 8 || w.q.EDNS.Cookie[7] != 8 {
		t.Errorf("waiter has %q, cookie %x, want www.example. and the cookie", got, w.q.EDNS.Cookie)
	}
}
