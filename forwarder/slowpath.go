package forwarder

import (
	"bytes"
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// maxQueue is how many queries wait for the slow path's own goroutine, which
// is there only so that asking upstream holds up no reader. When it is full
// the oldest goes: its client has the least patience left.
const maxQueue = 8192

// maxWaiting is how many queries wait, about 30 MB of them. When there are more
// each that joins a question takes the place of the oldest there: who floods
// one name while upstream is silent crowds out only himself.
const maxWaiting = 1 << 16

// connection takes responses that come later: a *tcp.Conn.
type connection interface {
	Reply(write func(dst []byte) []byte)
	Drop()
}

// waiter is a client's query that waits for upstream. It is pooled.
type waiter struct {
	client
	q    wire.Query
	buf  []byte   // what q has slices of
	conn udp.Conn // where the reply leaves, if not over TCP
	peer udp.Peer
	over connection // or this

	hash    uint64
	zone    *zone
	st      *state
	hot     bool // an expired answer is there: the name was asked for lately
	refresh bool // a prefetch: nobody waits for a reply
	next    *waiter
}

// fetch is one question that is being asked upstream, and all who wait for it.
// It is pooled.
type fetch struct {
	req   upstream.Request
	key   []byte
	hash  uint64
	zone  *zone
	st    *state
	began time.Duration

	priority upstream.Priority // of req, as raised

	waiters waiterList // in order of arrival; guarded by slowpath.mu

	loose bool // flushed meanwhile: its answer must not be kept
	idle  bool // a prefetch that nobody waits for
	stale bool // its clients got a stale answer by now; later ones get it at once
	chase *chase

	question []byte        // of req, unless it chases a chain
	watch    *list.Element // in stales
	lent     bool          // answerStale looks at it
}

// slowpath asks upstream for what the cache does not have.
type slowpath struct {
	s       *Server
	waiters sync.Pool
	spare   sync.Pool // fetches
	wake    chan struct{}
	done    chan struct{}
	quit    chan struct{}

	queueMu sync.Mutex
	queue   waiterList

	mu      sync.Mutex
	fetches map[uint64]*fetch // by hash of the key: of two keys with one hash the later is not joined
	stales  list.List         // of fetches, by age: whose clients may get a stale answer

	impatient *time.Timer // when the first of stales may

	owed     atomic.Int64 // waiters that are queued or wait for a fetch
	overflow counter      // queries dropped from the full queue
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

func newSlowpath(s *Server) *slowpath {
	return &slowpath{
		s:         s,
		waiters:   sync.Pool{New: func() any { return new(waiter) }},
		spare:     sync.Pool{New: func() any { return new(fetch) }},
		wake:      make(chan struct{}, 1),
		quit:      make(chan struct{}),
		done:      make(chan struct{}),
		fetches:   make(map[uint64]*fetch),
		impatient: time.NewTimer(1<<63 - 1),
	}
}

// waiter returns a waiter for q, which is a's current query or asks the same.
func (p *slowpath) waiter(a *answerer, q *wire.Query, c *client) *waiter {
	w := p.waiters.Get().(*waiter)
	*w = waiter{client: *c, buf: w.buf[:0], hash: a.hash, hot: a.hot, zone: a.zone, st: a.st}
	w.q, w.buf = q.Clone(w.buf)
	p.owed.Add(1)
	return w
}

// drop leaves w without a reply.
func (p *slowpath) drop(w *waiter) {
	if w.over != nil {
		w.over.Drop()
	}
	p.free(w)
}

func (p *slowpath) free(w *waiter) {
	p.owed.Add(-1)
	w.conn, w.over, w.zone, w.st, w.next = nil, nil, nil, nil, nil
	p.waiters.Put(w)
}

// submit queues the waiters of a batch and empties l.
func (p *slowpath) submit(l *waiterList) {
	if l.n == 0 {
		return
	}
	p.queueMu.Lock()
	for l.n > 0 {
		if p.queue.n == maxQueue {
			p.drop(p.queue.pop())
			p.overflow.Add(1)
		}
		p.queue.push(l.pop())
	}
	p.queueMu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// take returns all that is queued.
func (p *slowpath) take() waiterList {
	p.queueMu.Lock()
	defer p.queueMu.Unlock()
	l := p.queue
	p.queue = waiterList{}
	return l
}

// run asks for what is queued until stop.
func (p *slowpath) run() {
	defer close(p.done)
	r := p.newReplier()
	for {
		select {
		case <-p.wake:
		case <-p.impatient.C:
			p.answerStale(r)
			continue
		case <-p.quit:
			return
		}
		for l := p.take(); l.n > 0; l = p.take() {
			p.ask(r, l)
		}
	}
}

// askBatch is how many questions leave together.
const askBatch = 64

// ask starts a fetch for each waiter, or joins it to one.
func (p *slowpath) ask(r *replier, l waiterList) {
	r.begin()
	var client *upstream.Client
	for i := 0; l.n > 0; i++ {
		w := l.pop()
		if client != nil && (client != w.st.upstream || i%askBatch == 0) {
			client.Flush()
		}
		client = w.st.upstream
		p.join(r, w)
	}
	client.Flush()
	r.Flush()
}

// join adds w to the fetch of its question, or starts one.
func (p *slowpath) join(r *replier, w *waiter) {
	r.q = w.q
	key := r.q.AppendKey(r.buf[:0])
	r.key, r.hash = key, w.hash
	p.mu.Lock()
	if f := p.fetches[w.hash]; f != nil && bytes.Equal(f.key, key) {
		p.joinTo(r, f, w)
		return
	}
	if e, ok := p.s.cache.Get(w.hash, key); ok && r.now < e.Expires() && !w.refresh {
		p.mu.Unlock()
		r.answerHit(w, e)
		return
	}
	if q, full := w.zone.full(&w.st.cfg.Limits); full {
		p.mu.Unlock()
		r.turnAway(w, q.Drop)
		return
	}
	f := p.start(r, w, key)
	p.mu.Unlock()
	f.st.upstream.Start(&f.req)
}

// joinTo adds w to f. It unlocks p.mu.
func (p *slowpath) joinTo(r *replier, f *fetch, w *waiter) {
	var oldest *waiter
	late := f.stale && !w.refresh
	switch {
	case w.refresh:
		p.free(w)
	case !late:
		p.raise(f, w)
		if p.owed.Load() > maxWaiting && f.waiters.n > 0 {
			oldest = f.waiters.pop()
		}
		f.waiters.push(w)
	}
	p.mu.Unlock()
	if late {
		r.answerLate(w, f)
	}
	if oldest != nil {
		r.turnAway(oldest, false)
	}
}

// start makes the fetch for w. p.mu is held.
func (p *slowpath) start(r *replier, w *waiter, key []byte) *fetch {
	f := p.spare.Get().(*fetch)
	*f = fetch{key: append(f.key[:0], key...), question: append(f.question[:0], r.q.Question...)}
	f.hash, f.zone, f.st, f.began = w.hash, w.zone, w.st, r.now
	f.priority = w.priority()
	f.req = upstream.Request{
		Question: f.question,
		CD:       r.q.Flags&wire.CD != 0,
		DO:       r.q.EDNS.DO,
		Servers:  w.zone.servers,
		Priority: f.priority,
		Tag:      f,
	}
	if f.idle = w.refresh; f.idle {
		p.free(w)
	} else {
		f.waiters.push(w)
	}
	if p.fetches[f.hash] == nil {
		p.fetches[f.hash] = f
	}
	f.zone.count(1)
	if d := f.st.cfg.Cache.StaleClientTimeout; d > 0 && d < config.MaxClientWait && f.st.cfg.Cache.StaleAnswer {
		p.watch(f, d)
	}
	return f
}

// raise makes f as urgent as w is, and more so when another waits already: who
// floods asks for each name once. p.mu is held.
func (p *slowpath) raise(f *fetch, w *waiter) {
	to := w.priority()
	if !f.idle {
		to = min(to, upstream.PriorityShared)
	}
	f.idle = false
	if to < f.priority {
		f.priority = to
		f.st.upstream.Raise(&f.req, to)
	}
}

func (w *waiter) priority() upstream.Priority {
	switch {
	case w.refresh:
		return upstream.PriorityPrefetch
	case w.hot:
		return upstream.PriorityHot
	}
	return upstream.PriorityClient
}

// finish takes f out of the table, after keep has put its answer where those
// find it who come from now on, and returns who waits for it.
func (p *slowpath) finish(f *fetch, keep func()) *waiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !f.loose {
		keep()
	}
	if p.fetches[f.hash] == f {
		delete(p.fetches, f.hash)
	}
	p.unwatch(f)
	f.zone.count(-1)
	return f.take()
}

// recycle frees f when its waiters have their replies.
func (p *slowpath) recycle(f *fetch) {
	if f.lent {
		return
	}
	f.st, f.zone, f.chase = nil, nil, nil
	p.spare.Put(f)
}

// take empties f's list of waiters. p.mu is held.
func (f *fetch) take() *waiter {
	first := f.waiters.first
	f.waiters = waiterList{}
	return first
}

// disown makes the fetches that are under way answer only those who already
// wait: a flush must not be undone by an answer from before.
func (p *slowpath) disown() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.fetches {
		f.loose = true
	}
	clear(p.fetches)
}

// pending counts the questions that are being asked.
func (p *slowpath) pending() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.fetches)
}

// drain waits until nobody waits for a reply, or ctx ends.
func (p *slowpath) drain(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for p.owed.Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// stop ends run.
func (p *slowpath) stop() {
	close(p.quit)
	<-p.done
}
