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
	question []byte // of req
	key      wire.Key
	hash     uint64
	zone     *zone
	st       *state
	began    time.Duration
	ends     time.Duration   // at the latest
	verified bool            // that the name does not exist was asked twice
	known    bool            // the cache has an answer, fresh or expired
	watched  *watch.Question // it is asked to find out about that name; nil: for clients

	// Guarded by inflight.mu, as is req.Priority.
	state   fetchState
	waiters waiterList    // in order of arrival
	age     *list.Element // in inflight.aged
}

// fetchState says for whom a fetch is.
type fetchState uint8

const (
	awaited    fetchState = iota
	refreshing            // nobody waits: a prefetch
	late                  // who waited has an answer from the cache; who comes gets a stale one at once
)

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
	aged    list.List         // of fetches by overdue: whose clients may get a stale answer
	hurried list.List         // of *hurry, by when: whose fetch may last longer than they may wait
}

// hurry is a waiter who joined late in its own time, and must not wait for all of
// its fetch's.
type hurry struct {
	w    *waiter
	f    *fetch
	when time.Duration
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
	stale                   // it gets the stale answer that the others of its fetch got
	full                    // its zone has too many under way
	overdue                 // its client has waited long enough
)

// joining is a decision with what belongs to it.
type joining struct {
	decision
	fetch   *fetch      // of started
	entry   cache.Entry // of fresh
	instead response    // of stale
	evicted *waiter     // of joined, or nil: its place was needed
	drop    bool        // of full: it gets no reply
}

// join adds w, whose key is key, to the fetch of its question, or starts one. A
// waiter that is a refresh is done with then; others may be answered from here on.
func (t *inflight) join(w *waiter, key wire.Key, now time.Duration) joining {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now >= w.until() {
		return joining{decision: overdue}
	}
	if f := t.fetches[w.hash]; f != nil && bytes.Equal(f.key, key) {
		return t.joinTo(f, w, now)
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
func (t *inflight) joinTo(f *fetch, w *waiter, now time.Duration) (j joining) {
	j.decision = joined
	if w.refresh {
		return j
	}
	if f.state == late {
		if i, ok := insteadOf(t.cache, f.st, f.hash, f.key, now, edeStaleTimeout); ok {
			return joining{decision: stale, instead: i}
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
	*f = fetch{key: append(f.key[:0], key...), question: append(f.question[:0], q.Question...)}
	f.hash, f.zone, f.st, f.began, f.ends = w.hash, w.zone, w.st, now, w.until()
	f.known, f.watched = w.known || w.refresh, w.watched
	f.req = upstream.Request{
		Question: f.question,
		CD:       q.Flags&wire.CD != 0,
		DO:       true, // as named asks: what has no signatures serves all
		Servers:  w.zone.servers,
		Wait:     f.ends - now,
		Priority: w.priority(),
		Turn:     w.turn,
		Tag:      f,
	}
	if w.refresh {
		f.state = refreshing
	} else {
		f.waiters.push(w)
	}
	if t.fetches[f.hash] == nil {
		t.fetches[f.hash] = f
	}
	f.zone.count(1)
	if _, ok := f.staleAfter(); ok {
		t.watch(f)
	}
	return f
}

// hurryUp makes w known as one that may wait for less long than its fetch lasts.
// mu is held.
func (t *inflight) hurryUp(w *waiter, f *fetch) {
	h := &hurry{w, f, w.until()}
	before := t.hurried.Back()
	for before != nil && before.Value.(*hurry).when > h.when {
		before = before.Prev()
	}
	if before == nil {
		w.hurry = t.hurried.PushFront(h)
		return
	}
	w.hurry = t.hurried.InsertAfter(h, before)
}

// unhurry undoes that. mu is held.
func (t *inflight) unhurry(w *waiter) {
	if w.hurry != nil {
		t.hurried.Remove(w.hurry)
		w.hurry = nil
	}
}

// watch puts f into aged, behind those whose clients are to be answered before: as
// a rule all. mu is held.
func (t *inflight) watch(f *fetch) {
	before := t.aged.Back()
	for before != nil && before.Value.(*fetch).overdue() > f.overdue() {
		before = before.Prev()
	}
	if before == nil {
		f.age = t.aged.PushFront(f)
		return
	}
	f.age = t.aged.InsertAfter(f, before)
}

// overdue is when f's clients get a stale answer.
func (f *fetch) overdue() time.Duration {
	after, _ := f.staleAfter()
	return f.began + after
}

// raise makes f as urgent as w is, and more so when another waits already, in the
// best turn of those who wait. inflight.mu is held.
func (f *fetch) raise(w *waiter) {
	to := w.priority()
	if f.state != refreshing {
		to = min(to, upstream.PriorityShared)
	}
	f.state = awaited
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
		Question: f.question,
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
	t.unwatch(f)
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

// unwatch takes f out of aged. mu is held.
func (t *inflight) unwatch(f *fetch) {
	if f.age != nil {
		t.aged.Remove(f.age)
		f.age = nil
	}
}

// clientTimeouts returns who has waited long enough for a stale answer, and that; nil
// when nobody has. The fetch goes on.
func (t *inflight) clientTimeouts(now time.Duration) (*waiter, response) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.aged.Len() > 0 {
		f := t.aged.Front().Value.(*fetch)
		if f.overdue() > now {
			break
		}
		t.unwatch(f)
		if i, ok := insteadOf(t.cache, f.st, f.hash, f.key, now, edeStaleTimeout); ok {
			f.state = late
			if w := t.take(f); w != nil {
				return w, i
			}
		}
	}
	return nil, response{}
}

// settle takes those out of their fetch who wait for the answer under key, which has
// come from elsewhere. The fetch goes on. mu is held.
func (t *inflight) settle(hash uint64, key wire.Key) *waiter {
	f := t.fetches[hash]
	if f == nil || !bytes.Equal(f.key, key) {
		return nil
	}
	w := t.take(f)
	if w != nil {
		f.state = late
	}
	return w
}

// overdue takes one who has waited for as long as a client may out of its fetch,
// and returns it, or nil.
func (t *inflight) overdue(now time.Duration) *waiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := t.hurried.Front()
	if first == nil || first.Value.(*hurry).when > now {
		return nil
	}
	h := t.hurried.Remove(first).(*hurry)
	h.w.hurry = nil
	h.f.waiters.remove(h.w)
	return h.w
}

// nextClientTimeout returns when clientTimeouts or overdue is to be called next, if
// at all.
func (t *inflight) nextClientTimeout() (at time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if first := t.hurried.Front(); first != nil {
		at, ok = first.Value.(*hurry).when, true
	}
	if first := t.aged.Front(); first != nil {
		if then := first.Value.(*fetch).overdue(); !ok || then < at {
			at, ok = then, true
		}
	}
	return at, ok
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
