package forwarder

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"vpcdns/forwarder/udp"
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

	hash    uint64
	zone    *zone
	st      *state
	known   bool // an expired answer is there: the name was asked for lately
	refresh bool // a prefetch: nobody waits for a reply
	next    *waiter
}

// lateReply takes a reply that comes later: a *tcp.Conn, or an exchange. One of
// its methods is called, once.
type lateReply interface {
	Reply(write func(dst []byte) []byte)
	Drop()
}

// waiters pools waiters, and counts those in use.
type waiters struct {
	pool sync.Pool
	n    atomic.Int64
}

func (p *waiters) init() { p.pool.New = func() any { return new(waiter) } }

// get returns a waiter for q. Its way back is to be set.
func (p *waiters) get(q *query, st *state) *waiter {
	w := p.pool.Get().(*waiter)
	*w = waiter{client: q.client, buf: w.buf[:0], hash: q.hash, known: q.known, zone: q.zone, st: st}
	w.q, w.buf = q.Clone(w.buf)
	p.n.Add(1)
	return w
}

// put takes w back.
func (p *waiters) put(w *waiter) {
	p.n.Add(-1)
	w.conn, w.late, w.zone, w.st, w.next = nil, nil, nil, nil, nil
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

// maxQueue is how many queries wait for the goroutine that asks, which is there
// only so that asking upstream holds up no reader. When it is full the oldest
// goes: its client has the least time left.
const maxQueue = 8192

// queue is what is to be asked, from all readers.
type queue struct {
	waiters  *waiters
	wake     chan struct{} // has a value when there is something to take
	overflow counter       // queries dropped from the full queue

	mu   sync.Mutex
	list waiterList
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
			q.waiters.drop(q.list.pop())
			q.overflow.Add(1)
		}
		q.list.push(l.pop())
	}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns all that is queued.
func (q *queue) take() waiterList {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.list
	q.list = waiterList{}
	return l
}
