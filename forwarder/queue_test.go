package forwarder

import (
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"vpcdns/forwarder/tcp"
	"vpcdns/forwarder/wire"
)

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

// Queries that the full queue drops are not waited for.
func TestTCPDroppedFromQueue(t *testing.T) {
	virtual(t, testConfig(), func(t *testing.T, r *replay) {
		h := tcpHandler{conn: new(waits), q: query{client: testAsker(true)}}
		h.init(r.s.engine, r.s.tcp)
		h.begin()
		query := queryFor(1, "hold.example.", dns.TypeA)
		var c waits
		const dropped = 10
		for range maxQueue + dropped {
			if _, what := h.Serve(nil, query); what != tcp.Waiting {
				t.Fatalf("Serve = %v, want Waiting", what)
			}
			c.n.Add(1)
			h.misses.last.late = &c
		}
		r.s.queue.submit(&h.misses)
		if n := c.n.Load(); n != maxQueue || r.s.Stats().Overflow != dropped {
			t.Errorf("waiting %d, overflow %d, want %d, %d", n, r.s.Stats().Overflow, maxQueue, dropped)
		}
		synctest.Wait()
		r.net.answer(t, 60, "10.0.0.1")
		synctest.Wait()
		if n, all := c.n.Load(), r.s.waiters.n.Load(); n != 0 || all != 0 {
			t.Errorf("after the answer %d and %d wait, want none", n, all)
		}
	})
}

// waits counts the queries of a connection that wait.
type waits struct{ n atomic.Int64 }

func (c *waits) Drop() { c.n.Add(-1) }

func (c *waits) Reply(write func(dst []byte) []byte) {
	write(nil)
	c.n.Add(-1)
}
