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

// The full queue drops the oldest.
func TestQueueOverflow(t *testing.T) {
	const more = 3
	var p waiters
	var q queue
	p.init()
	q.init(&p)
	var all waiterList
	for i := range maxQueue + more {
		all.push(p.get(&query{hash: uint64(i)}, nil))
	}
	q.submit(&all)
	if n := q.overflow.Load(); n != more || all.n != 0 || p.n.Load() != maxQueue {
		t.Errorf("overflow %d, %d not submitted, %d wait, want %d, 0, %d", n, all.n, p.n.Load(), more, maxQueue)
	}
	if len(q.wake) != 1 {
		t.Error("nobody is woken")
	}
	list := q.take()
	if list.n != maxQueue || list.first.hash != more || list.last.hash != maxQueue+more-1 {
		t.Errorf("take = %d from %d to %d, want %d from %d to %d",
			list.n, list.first.hash, list.last.hash, maxQueue, more, maxQueue+more-1)
	}
	if list := q.take(); list.n != 0 || list.first != nil {
		t.Errorf("take = %d more, want none", list.n)
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
