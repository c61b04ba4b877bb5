package forwarder

import "time"

// ages are the fetches that are under way, by age: whoever has waited for the oldest has
// waited the longest.
type ages struct {
	oldest, youngest *fetch
	due              *fetch // the oldest that clientTimeouts has not looked at; nil: it has at all
}

// push adds f, which is the youngest: all are started by one goroutine.
func (l *ages) push(f *fetch) {
	if f.older = l.youngest; f.older != nil {
		f.older.younger = f
	} else {
		l.oldest = f
	}
	l.youngest = f
	if l.due == nil {
		l.due = f
	}
}

func (l *ages) remove(f *fetch) {
	if l.due == f {
		l.due = f.younger
	}
	if f.older != nil {
		f.older.younger = f.younger
	} else {
		l.oldest = f.younger
	}
	if f.younger != nil {
		f.younger.older = f.older
	} else {
		l.youngest = f.older
	}
	f.older, f.younger = nil, nil
}

// reviewTimeouts has all who wait looked at anew: when they get a stale answer, and
// whether, has changed.
func (e *engine) reviewTimeouts() {
	e.inflight.review()
	e.queue.rouse()
}

func (t *inflight) review() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ages.due = t.ages.oldest
}

// clientTimeouts returns who has waited long enough for a stale answer, and that; nil
// when nobody has. The fetch goes on.
func (t *inflight) clientTimeouts(st *state, now time.Duration) (*waiter, response) {
	t.mu.Lock()
	defer t.mu.Unlock()
	after, ok := st.staleAfter()
	for ok && t.ages.due != nil && now >= t.ages.due.began+after {
		f := t.ages.due
		t.ages.due = f.younger
		if f.waiters.n == 0 {
			continue
		}
		if i, ok := f.insteadOf(t.cache, st, now); ok {
			return t.take(f), i
		}
	}
	return nil, response{}
}

// hurry is a waiter who joined late in its own time, and must not wait for all of
// its fetch's.
type hurry struct {
	w    *waiter
	f    *fetch
	when time.Duration
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

// nextTimeout returns when clientTimeouts or overdue is to be called next, if at all.
func (t *inflight) nextTimeout(st *state) (at time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if first := t.hurried.Front(); first != nil {
		at, ok = first.Value.(*hurry).when, true
	}
	after, stale := st.staleAfter()
	if f := t.ages.due; f != nil && stale && (!ok || f.began+after < at) {
		at, ok = f.began+after, true
	}
	return at, ok
}
