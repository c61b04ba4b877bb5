package forwarder

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"vpcdns/forwarder/tcp"
	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/watch"
	"vpcdns/forwarder/wire"
)

// waiter is a client's query that waits for upstream. It is pooled.
type waiter struct {
	client
	q    wire.Query
	buf  []byte    // what q has slices of
	conn udp.Conn  // where the reply leaves for peer
	peer udp.Peer  //
	late lateReply // or this takes it

	since   time.Duration // when it came
	logged  bool          // with its response
	walk    *walk         // nil unless it is for a link of that
	hurry   *list.Element // in inflight.hurried
	hash    uint64
	turn    uint64 // in which it is asked: see worker.turnOf
	from    uint64 // hash of its client
	zone    *zone
	st      *state
	known   bool            // an expired answer is there: the name was asked for lately
	refresh bool            // a prefetch: nobody waits for a reply
	watched *watch.Question // it is asked for that: a refresh too
	next    *waiter
}

// lateReply takes a reply that comes later: a *tcp.Conn, or an exchange. One of
// its methods is called, once.
type lateReply interface {
	Reply(write func(dst []byte) []byte)
	Drop()
}

// sharedTurns are for all clients that are not known to be who they say: forged
// sources gain nothing by their number.
const sharedTurns = 64

// turnOf returns in whose turn q waits: that of its client, or a shared one. 0 is
// nobody's.
func (w *worker) turnOf(q *query) (turn, client uint64) {
	block := tcp.ClientOf(q.addr.Addr()).As16()
	client = w.cache.Hash(block[:])
	if q.via != viaUDP || w.regulars.Has(client) || w.goodCookie(q) {
		return client | 1<<63, client
	}
	return 1 + client%sharedTurns, client
}

// waiters pools waiters, and counts those in use.
type waiters struct {
	pool sync.Pool
	n    atomic.Int64
}

func (p *waiters) init() { p.pool.New = func() any { return new(waiter) } }

// get returns a waiter for q. Its turn and its way back are to be set.
func (p *waiters) get(q *query, st *state) *waiter {
	w := p.pool.Get().(*waiter)
	*w = waiter{client: q.client, buf: w.buf[:0], hash: q.hash, known: q.known, zone: q.zone, st: st}
	w.q, w.buf = q.Clone(w.buf)
	p.n.Add(1)
	return w
}

// waitFor makes w wait for the next link of k.
func (w *waiter) waitFor(k *walk) {
	w.walk, w.hash, w.zone, w.known = k, k.link.hash, k.link.zone, k.link.known
}

// asks returns the question that w waits for.
func (w *waiter) asks() *wire.Query {
	if w.walk != nil {
		return &w.walk.link.Query
	}
	return &w.q
}

// until is when w's client has waited long enough.
func (w *waiter) until() time.Duration {
	most := w.st.cfg.Limits.ClientWait()
	if w.watched != nil {
		most = min(most, watchWait)
	}
	return w.since + most
}

// put takes w back.
func (p *waiters) put(w *waiter) {
	p.n.Add(-1)
	w.conn, w.late, w.zone, w.st, w.walk, w.next, w.watched = nil, nil, nil, nil, nil, nil, nil
	p.pool.Put(w)
}

// drop takes w back without a reply.
func (p *waiters) drop(w *waiter) {
	if w.late != nil {
		w.late.Drop()
	}
	p.put(w)
}

// drain waits until nobody waits for a reply, or ctx ends.
func (p *waiters) drain(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for p.n.Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// waiterList is a list of waiters in order.
type waiterList struct {
	first, last *waiter
	n           int
}

func (l *waiterList) push(w *waiter) {
	w.next = nil
	if l.first == nil {
		l.first = w
	} else {
		l.last.next = w
	}
	l.last = w
	l.n++
}

func (l *waiterList) pop() *waiter {
	w := l.first
	l.first, w.next = w.next, nil
	l.n--
	return w
}

// remove takes w out of the list, if it is there.
func (l *waiterList) remove(w *waiter) {
	var kept waiterList
	for l.n > 0 {
		if other := l.pop(); other != w {
			kept.push(other)
		}
	}
	*l = kept
}

// maxQueue is how many queries wait for the goroutine that asks, which is there
// only so that asking upstream holds up no reader.
const maxQueue = 8192

// queue is what is to be asked, from all readers. When it is full the busiest
// client's oldest go, with SERVFAIL.
type queue struct {
	waiters  *waiters
	wake     chan struct{} // has a value when there is something to take
	overflow counter       // queries that had to go

	mu      sync.Mutex
	list    waiterList
	evicted waiterList // maxQueue at most, beyond which there is no reply
}

func (q *queue) init(p *waiters) { q.waiters, q.wake = p, make(chan struct{}, 1) }

// submit queues the waiters of a batch and empties l.
func (q *queue) submit(l *waiterList) {
	if l.n == 0 {
		return
	}
	q.mu.Lock()
	for l.n > 0 {
		if q.list.n == maxQueue {
			q.evict()
		}
		q.list.push(l.pop())
	}
	q.mu.Unlock()
	q.rouse()
}

// rouse has the goroutine that asks look at the queue, and at its timer.
func (q *queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// evictMost is how many queries make room at once, as looking for them takes a
// walk along the queue.
const evictMost = 128

// evict makes room: of those whose turn has the most in the queue, half of it, the
// oldest. mu is held.
func (q *queue) evict() {
	busiest, n := q.busiest()
	n = min((n+1)/2, evictMost)
	var kept waiterList
	for q.list.n > 0 {
		w := q.list.pop()
		if n == 0 || w.turn != busiest {
			kept.push(w)
			continue
		}
		n--
		q.overflow.Add(1)
		if q.evicted.n < maxQueue && !w.refresh {
			q.evicted.push(w)
		} else {
			q.waiters.drop(w)
		}
	}
	q.list = kept
}

// busiest returns the turn with the most queries in the queue, and how many they
// are. mu is held.
func (q *queue) busiest() (turn uint64, n int) {
	counts := make(map[uint64]int)
	for w := q.list.first; w != nil; w = w.next {
		if counts[w.turn]++; counts[w.turn] > n {
			turn, n = w.turn, counts[w.turn]
		}
	}
	return turn, n
}

// take returns all that is queued, and what had to make room.
func (q *queue) take() (list, evicted waiterList) {
	q.mu.Lock()
	defer q.mu.Unlock()
	list, evicted = q.list, q.evicted
	q.list, q.evicted = waiterList{}, waiterList{}
	return list, evicted
}
