package forwarder

import (
	"bytes"
	"container/list"
	"sync"
	"time"

	"vpcdns/cache"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/watch"
	"vpcdns/forwarder/wire"
)

// maxWaiting is how many queries wait, about 30 MB of them. When there are more
// each that joins a question takes the place of the oldest there: who floods
// one name while upstream is silent crowds out only himself.
const maxWaiting = 1 << 16

// fetch is one question that is being asked upstream, and all who wait for it.
// It is pooled. What is not guarded belongs to whoever has the fetch: the
// resolver that started it, upstream, the resolver that is given the answer.
type fetch struct {
	req      upstream.Request
	key      wire.Key
	hash     uint64
	zone     *zone
	st       *state
	began    time.Duration
	ends     time.Duration   // at the latest
	watched  *watch.Question // it is asked to find out about that name; nil: for clients
	verified bool            // that the name does not exist was asked twice
	known    bool            // the cache has an answer, fresh or expired

	// Guarded by inflight.mu, as is req.Priority.
	prefetch       bool       // nobody has waited yet
	older, younger *fetch     // in inflight.ages
	waiters        waiterList // in order of arrival
}

// inflight is the table of questions that are being asked, each once. It is
// passive: it decides, and others act.
//
// Locks are taken in this order: Server.reloadMu, listener.Set's, tcp.Server's and
// tcp.Conn's, watcher.mu, queue.mu, inflight.mu, those of cache, watch.Table and upstream.Client. Those from
// queue.mu on are never held over a send, a log or another function's end.
type inflight struct {
	cache   *cache.Cache
	waiters *waiters
	spare   sync.Pool // fetches

	mu      sync.Mutex
	fetches map[uint64]*fetch // by hash of the key; what is not here, as it was flushed, is neither joined nor kept
	ages    ages              // all fetches, those that were flushed too
	hurried list.List         // of *hurry, by when: whose fetch may last longer than they may wait
}

func (t *inflight) init(c *cache.Cache, p *waiters) {
	t.cache, t.waiters = c, p
	t.spare.New = func() any { return new(fetch) }
	t.fetches = make(map[uint64]*fetch)
}

// decision is what becomes of a query that is to be asked.
type decision uint8

const (
	started decision = iota // its fetch is to be sent
	joined                  // to another query's fetch
	fresh                   // its answer has come meanwhile
	stale                   // it gets the stale answer, as its fetch has lasted long enough
	full                    // its zone has too many under way
	overdue                 // its client has waited long enough
)

// joining is a decision with what belongs to it.
type joining struct {
	decision
	fetch   *fetch      // of started
	entry   cache.Entry // of fresh
	instead response    // of stale
	waiters *waiter     // of stale: who gets it too, and at last who joined
	evicted *waiter     // of joined, or nil: its place was needed
	drop    bool        // of full: it gets no reply
}

// join adds w, whose key is key, to the fetch of its question, or starts one. A
// waiter that is a refresh is done with then; others may be answered from here on. st is
// what holds now.
func (t *inflight) join(w *waiter, key wire.Key, st *state, now time.Duration) joining {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now >= w.until() {
		return joining{decision: overdue}
	}
	if f := t.fetches[w.hash]; f != nil && bytes.Equal(f.key, key) {
		return t.joinTo(f, w, st, now)
	}
	if e, ok := t.cache.Get(w.hash, key); ok && now < e.Expires() && suits(e, w.asks().EDNS.DO) && !w.refresh {
		return joining{decision: fresh, entry: e}
	}
	if quota, isFull := w.zone.full(&w.st.cfg.Limits); isFull && w.watched == nil {
		return joining{decision: full, drop: quota.Drop}
	}
	return joining{decision: started, fetch: t.start(w, key, now)}
}

// joinTo adds w to f. mu is held.
func (t *inflight) joinTo(f *fetch, w *waiter, st *state, now time.Duration) (j joining) {
	j.decision = joined
	if w.refresh {
		return j
	}
	if after, ok := st.staleAfter(); ok && now >= f.began+after {
		if i, ok := f.insteadOf(t.cache, st, now); ok {
			f.waiters.push(w)
			return joining{decision: stale, instead: i, waiters: t.take(f)}
		}
	}
	f.raise(w)
	if t.waiters.n.Load() > maxWaiting && f.waiters.n > 0 {
		j.evicted = f.waiters.pop()
		t.unhurry(j.evicted)
	}
	f.waiters.push(w)
	if w.until() < f.ends {
		t.hurryUp(w, f)
	}
	return j
}

// start makes the fetch for w. mu is held.
func (t *inflight) start(w *waiter, key wire.Key, now time.Duration) *fetch {
	f := t.spare.Get().(*fetch)
	q := w.asks()
	question := append(f.req.Question[:0], q.Question...)
	*f = fetch{key: append(f.key[:0], key...)}
	f.hash, f.zone, f.st, f.began, f.ends = w.hash, w.zone, w.st, now, w.until()
	f.known, f.watched = w.known || w.refresh, w.watched
	f.req = upstream.Request{
		Question: question,
		CD:       q.Flags&wire.CD != 0,
		DO:       true, // as named asks: what has no signatures serves all
		Servers:  w.zone.servers,
		Wait:     f.ends - now,
		Priority: w.priority(),
		Turn:     w.turn,
		Tag:      f,
	}
	if f.prefetch = w.refresh; !f.prefetch {
		f.waiters.push(w)
	}
	if t.fetches[f.hash] == nil {
		t.fetches[f.hash] = f
	}
	f.zone.count(1)
	t.ages.push(f)
	return f
}

// raise makes f as urgent as w is, and more so when another waits already, in the
// best turn of those who wait. inflight.mu is held.
func (f *fetch) raise(w *waiter) {
	to := w.priority()
	if !f.prefetch {
		to = min(to, upstream.PriorityShared)
	}
	f.prefetch = false
	f.st.upstream.Join(&f.req, to, w.turn)
}

func (w *waiter) priority() upstream.Priority {
	switch {
	case w.watched != nil:
		return upstream.PriorityVerify
	case w.refresh:
		return upstream.PriorityPrefetch
	case w.known:
		return upstream.PriorityHot
	}
	return upstream.PriorityClient
}

// again makes f ask once more in what is left of its time.
func (t *inflight) again(f *fetch, now time.Duration) {
	t.mu.Lock() // who joins may raise the priority
	defer t.mu.Unlock()
	f.req = upstream.Request{
		Question: f.req.Question,
		CD:       f.req.CD,
		DO:       true,
		Servers:  f.zone.servers,
		Wait:     f.ends - now,
		Priority: f.req.Priority,
		Turn:     f.req.Turn,
		Tag:      f,
	}
}

// finish takes f out of the table and returns who waits for it. Before that keep
// puts its answer where those find it who come from now on, unless it was
// forgotten.
func (t *inflight) finish(f *fetch, keep func()) *waiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fetches[f.hash] == f {
		keep()
		delete(t.fetches, f.hash)
	}
	t.ages.remove(f)
	f.zone.count(-1)
	return t.take(f)
}

// recycle frees f when its waiters have their replies.
func (t *inflight) recycle(f *fetch) {
	f.st, f.zone = nil, nil
	t.spare.Put(f)
}

// take empties f's list of waiters. mu is held.
func (t *inflight) take(f *fetch) *waiter {
	first := f.waiters.first
	f.waiters = waiterList{}
	for w := first; w != nil && t.hurried.Len() > 0; w = w.next {
		t.unhurry(w)
	}
	return first
}

// settle takes those out of their fetch who wait for the answer under key, which has
// come from elsewhere. The fetch goes on. mu is held.
func (t *inflight) settle(hash uint64, key wire.Key) *waiter {
	f := t.fetches[hash]
	if f == nil || !bytes.Equal(f.key, key) {
		return nil
	}
	return t.take(f)
}

// forget makes the fetches that are under way answer only those who already
// wait: a flush must not be undone by an answer from before.
func (t *inflight) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.fetches)
}

// forgetKey does that for the fetches of one key, asked with CD set or not.
func (t *inflight) forgetKey(key wire.Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	bits := key.Bits()
	for _, b := range [...]wire.KeyBits{bits, bits ^ wire.KeyCD} {
		key.SetBits(b)
		hash := t.cache.Hash(key)
		if f := t.fetches[hash]; f != nil && bytes.Equal(f.key, key) {
			delete(t.fetches, hash)
		}
	}
	key.SetBits(bits)
}

// len counts the questions that are being asked.
func (t *inflight) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.fetches)
}

// full reports whether the zone has as many questions under way as
// fetches-per-zone and fetches-per-server allow, and which of the two says so.
// Which server of several a question will be answered by is not known
// beforehand: their allowances add up. inflight.mu is held.
func (z *zone) full(l *config.Limits) (config.Quota, bool) {
	if q := l.FetchesPerZone; q.Max > 0 && z.fetches >= q.Max {
		return q, true
	}
	q := l.FetchesPerServer
	return q, q.Max > 0 && z.group.fetches >= q.Max*len(z.servers)
}

// count notes n more questions that are being asked. inflight.mu is held.
func (z *zone) count(n int) {
	z.fetches += n
	z.group.fetches += n
}
