package forwarder

import (
	"sync/atomic"
	"time"

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

// replyServfail repeats that upstream failed.
func (w *worker) replyServfail(dst []byte, q *query) []byte {
	w.count(q, q.zone.id, SourceHit, wire.ServFail)
	return w.reply(dst, q, servfail, wire.Aging{}, ede{code: wire.EDECachedError})
}
