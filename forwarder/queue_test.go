package forwarder

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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

// Where the queue is full, the oldest of who has the most there go, and are to be
// answered.
func TestQueueFull(t *testing.T) {
	const few = 100
	var p waiters
	var q queue
	p.init()
	q.init(&p)
	submit := func(turn uint64, n int) {
		var l waiterList
		for i := range n {
			w := p.get(&query{hash: uint64(i)}, nil)
			w.turn = turn
			l.push(w)
		}
		q.submit(&l)
	}
	submit(1, few)
	submit(2, maxQueue-few)
	if q.overflow.Load() != 0 {
		t.Fatal("queries go before the queue is full")
	}
	submit(3, few)
	submit(1, few)
	if len(q.wake) != 1 {
		t.Error("nobody is woken")
	}
	list, evicted := q.take()
	counts := make(map[uint64]int)
	for w := list.first; w != nil; w = w.next {
		counts[w.turn]++
	}
	if counts[1] != 2*few || counts[3] != few || list.n != counts[1]+counts[2]+counts[3] {
		t.Errorf("of the turns %v are left of %d, want %d of 1 and %d of 3", counts, list.n, 2*few, few)
	}
	if uint64(evicted.n) != q.overflow.Load() || evicted.n != 2*evictMost {
		t.Errorf("%d are to be turned away, %d counted, want %d", evicted.n, q.overflow.Load(), 2*evictMost)
	}
	for i, w := 0, evicted.first; w != nil; i, w = i+1, w.next {
		if w.turn != 2 || w.hash != uint64(i) {
			t.Fatalf("the %d. to be turned away is number %d of turn %d, want the oldest of turn 2", i, w.hash, w.turn)
		}
	}
	if n := p.n.Load(); n != int64(list.n+evicted.n) {
		t.Errorf("%d wait, want %d", n, list.n+evicted.n)
	}
}

// When nobody takes what is to be turned away, it goes without a reply.
func TestQueueStuck(t *testing.T) {
	var p waiters
	var q queue
	p.init()
	q.init(&p)
	var l waiterList
	for range 4 * maxQueue {
		l.push(p.get(new(query), nil))
	}
	q.submit(&l)
	list, evicted := q.take()
	if list.n > maxQueue || evicted.n > maxQueue || p.n.Load() != int64(list.n+evicted.n) {
		t.Errorf("%d are queued, %d to be turned away, %d wait, want %d at most of each and all of them", list.n, evicted.n, p.n.Load(), maxQueue)
	}
}

// Queries that the full queue turns away are not waited for.
func TestTCPQueueFull(t *testing.T) {
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
		if n := r.s.Stats().Overflow; n != evictMost {
			t.Errorf("overflow %d, want %d", n, evictMost)
		}
		synctest.Wait()
		if n := c.n.Load(); n != maxQueue+dropped-evictMost {
			t.Errorf("%d wait, want %d", n, maxQueue+dropped-evictMost)
		}
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

// Who is known has a turn of his own; others share some.
func TestTurnOf(t *testing.T) {
	a := unserved(t).newAsker()
	a.begin()
	turn := func(c client) uint64 {
		turn, _ := a.turnOf(&query{client: c})
		return turn
	}
	over := testAsker(true)
	if turn(over) <= sharedTurns {
		t.Error("a client over TCP shares a turn")
	}
	seen := make(map[uint64]bool)
	for i := range 1000 {
		c := client{addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 53)}
		n := turn(c)
		if n == 0 || n > sharedTurns {
			t.Fatalf("turn of an unknown client = %d, want 1 to %d", n, sharedTurns)
		}
		seen[n] = true
	}
	if len(seen) < sharedTurns/2 {
		t.Errorf("1000 unknown clients share %d turns, want about %d", len(seen), sharedTurns)
	}
	c := testAsker(false)
	_, from := a.turnOf(&query{client: c})
	for i := range 3 {
		a.regulars.Note(from, time.Duration(i)*time.Second)
	}
	if turn(c) <= sharedTurns || turn(c) != turn(over) {
		t.Errorf("turn of a regular = %d, want its own, whatever it comes over", turn(c))
	}
}
