package forwarder

import (
	"sync/atomic"
	"time"
)

// marks remembers for a while that something was done for a question. It is
// bounded and forgets when two questions meet: doing it twice is harmless.
type marks struct {
	slots [4096]struct {
		hash atomic.Uint64
		at   atomic.Int64 // time.Duration on the server's clock, plus one
	}
}

// note marks hash at now.
func (m *marks) note(hash uint64, now time.Duration) {
	s := &m.slots[hash%uint64(len(m.slots))]
	s.hash.Store(hash)
	s.at.Store(int64(now) + 1)
}

// recent reports whether hash was marked less than window ago.
func (m *marks) recent(hash uint64, now, window time.Duration) bool {
	s := &m.slots[hash%uint64(len(m.slots))]
	at := s.at.Load()
	return at != 0 && s.hash.Load() == hash && int64(now) < at-1+int64(window)
}

// forget drops all marks.
func (m *marks) forget() {
	for i := range m.slots {
		m.slots[i].at.Store(0)
	}
}

// claim marks hash, and reports whether it had no mark within window.
func (m *marks) claim(hash uint64, now, window time.Duration) bool {
	if m.recent(hash, now, window) {
		return false
	}
	m.note(hash, now)
	return true
}
