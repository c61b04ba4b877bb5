// Package recent remembers what happened a moment ago, by hashes, in tables that are
// bounded and forget. Its types may be used by many goroutines at a time.
package recent

import (
	"sync/atomic"
	"time"
)

// Questions remembers for a while that something was done for a question, known by
// the hash of its key. It is bounded and forgets when two questions meet: doing
// it twice is harmless. The zero value is ready to use.
type Questions struct {
	slots [4096]struct {
		hash atomic.Uint64
		at   atomic.Int64 // time.Duration on the caller's clock, plus one
	}
}

// Note remembers hash at now.
func (r *Questions) Note(hash uint64, now time.Duration) {
	s := &r.slots[hash%uint64(len(r.slots))]
	s.hash.Store(hash)
	s.at.Store(int64(now) + 1)
}

// Has reports whether hash was noted less than window ago.
func (r *Questions) Has(hash uint64, now, window time.Duration) bool {
	s := &r.slots[hash%uint64(len(r.slots))]
	at := s.at.Load()
	return at != 0 && s.hash.Load() == hash && int64(now) < at-1+int64(window)
}

// Clear forgets all.
func (r *Questions) Clear() {
	for i := range r.slots {
		r.slots[i].at.Store(0)
	}
}

// First notes hash, and reports whether it was not noted within window.
func (r *Questions) First(hash uint64, now, window time.Duration) bool {
	if r.Has(hash, now, window) {
		return false
	}
	r.Note(hash, now)
	return true
}

// Clients remembers clients that were answered before: an address that is forged
// hears nothing, and seldom comes back. It is bounded: one that came lately is not
// driven out. The zero value is ready to use.
type Clients struct {
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

// Note remembers that a client got data at now.
func (r *Clients) Note(client uint64, now time.Duration) {
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

// Has reports whether a client is a regular.
func (r *Clients) Has(client uint64) bool {
	s := &r.slots[client%uint64(len(r.slots))]
	return s.client.Load() == client && s.seen.Load()&(1<<countBits-1) >= regularAfter
}

// Failures remembers which questions upstream answered with a failure
// (servfail-ttl). It stands beside the cache, so that names which fail crowd
// out none that do not, and is bounded as Questions is.
type Failures struct {
	questions Questions
	run       atomic.Int32 // failures since the last answer, of any question
}

// outageRun failures in a row are no longer the fault of single names.
const outageRun = 3

// Note remembers a failure.
func (s *Failures) Note(hash uint64, now time.Duration) {
	s.questions.Note(hash, now)
	s.run.Add(1)
}

// Answered notes an answer. When it ends an outage, what failed until then is
// worth asking again.
func (s *Failures) Answered() {
	if s.run.Load() != 0 && s.run.Swap(0) >= outageRun {
		s.questions.Clear()
	}
}

// Has reports whether hash failed less than ttl ago; in an outage half of it,
// so that a lone name is not the last to hear of its end.
func (s *Failures) Has(hash uint64, now, ttl time.Duration) bool {
	if s.run.Load() >= outageRun {
		ttl /= 2
	}
	return s.questions.Has(hash, now, ttl)
}

// Clear forgets single failures.
func (s *Failures) Clear() { s.questions.Clear() }
