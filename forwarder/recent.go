package forwarder

import (
	"sync/atomic"
	"time"

	"vpcdns/forwarder/tcp"
	"vpcdns/forwarder/wire"
)

// recent remembers for a while that something was done for a question, known by
// the hash of its key. It is bounded and forgets when two questions meet: doing
// it twice is harmless. The zero value is ready to use.
type recent struct {
	slots [4096]struct {
		hash atomic.Uint64
		at   atomic.Int64 // time.Duration on the server's clock, plus one
	}
}

// note remembers hash at now.
func (r *recent) note(hash uint64, now time.Duration) {
	s := &r.slots[hash%uint64(len(r.slots))]
	s.hash.Store(hash)
	s.at.Store(int64(now) + 1)
}

// has reports whether hash was noted less than window ago.
func (r *recent) has(hash uint64, now, window time.Duration) bool {
	s := &r.slots[hash%uint64(len(r.slots))]
	at := s.at.Load()
	return at != 0 && s.hash.Load() == hash && int64(now) < at-1+int64(window)
}

// clear forgets all.
func (r *recent) clear() {
	for i := range r.slots {
		r.slots[i].at.Store(0)
	}
}

// first notes hash, and reports whether it was not noted within window.
func (r *recent) first(hash uint64, now, window time.Duration) bool {
	if r.has(hash, now, window) {
		return false
	}
	r.note(hash, now)
	return true
}

// regulars remembers clients that were answered before: an address that is forged
// hears nothing, and seldom comes back. It is bounded: one that came lately is not
// driven out. The zero value is ready to use.
type regulars struct {
	slots [4096]struct {
		client atomic.Uint64 // hash
		seen   atomic.Uint64 // the last second in which it was answered, and in how many it was
	}
}

const (
	// regularAfter seconds in which it was answered a client is a regular.
	regularAfter = 3

	// regularFor seconds without an answer, one may be forgotten for another.
	regularFor = 60

	countBits = 8 // of seen
)

// note remembers that a client got data at now.
func (r *regulars) note(client uint64, now time.Duration) {
	s, second := &r.slots[client%uint64(len(r.slots))], uint64(now/time.Second)+1
	seen := s.seen.Load()
	last, count := seen>>countBits, seen&(1<<countBits-1)
	switch {
	case s.client.Load() != client && last != 0 && second-last < regularFor:
		return
	case s.client.Load() != client:
		s.client.Store(client)
		count = 0
	case last == second:
		return
	}
	s.seen.Store(second<<countBits | min(count+1, 1<<countBits-1))
}

// has reports whether a client is a regular.
func (r *regulars) has(client uint64) bool {
	s := &r.slots[client%uint64(len(r.slots))]
	return s.client.Load() == client && s.seen.Load()&(1<<countBits-1) >= regularAfter
}

// sharedTurns are for all clients that are not known to be who they say: forged
// sources gain nothing by their number.
const sharedTurns = 64

// turnOf returns in whose turn q waits: that of its client, or a shared one. 0 is
// nobody's.
func (w *worker) turnOf(q *query) (turn, client uint64) {
	block := tcp.ClientOf(q.addr.Addr()).As16()
	client = w.cache.Hash(block[:])
	if q.via != viaUDP || w.regulars.has(client) || w.goodCookie(q) {
		return client | 1<<63, client
	}
	return 1 + client%sharedTurns, client
}

// servfails remembers which questions upstream answered with a failure
// (servfail-ttl). It stands beside the cache, so that names which fail crowd
// out none that do not, and is bounded as recent is.
type servfails struct {
	questions recent
	run       atomic.Int32 // failures since the last answer, of any question
}

// outageRun failures in a row are no longer the fault of single names.
const outageRun = 3

// note remembers a failure.
func (s *servfails) note(hash uint64, now time.Duration) {
	s.questions.note(hash, now)
	s.run.Add(1)
}

// answered notes an answer. When it ends an outage, what failed until then is
// worth asking again.
func (s *servfails) answered() {
	if s.run.Load() != 0 && s.run.Swap(0) >= outageRun {
		s.questions.clear()
	}
}

// recent reports whether hash failed less than ttl ago; in an outage half of it,
// so that a lone name is not the last to hear of its end.
func (s *servfails) recent(hash uint64, now, ttl time.Duration) bool {
	if s.run.Load() >= outageRun {
		ttl /= 2
	}
	return s.questions.has(hash, now, ttl)
}

// servfail is an answer without records that says SERVFAIL.
const servfail = wire.Answer("\x02\x00\x00\x00\x00\x00\x00\x00")
