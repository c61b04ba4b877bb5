package rndc

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// replayWindow is how long a message is remembered: BIND's.
	replayWindow = 900 * time.Second

	// maxReplays bounds what is remembered, to some 2 MB. Past it the oldest is
	// forgotten: who replays it lacks the nonce all the same.
	maxReplays = 16384
)

// replays remembers messages, of all connections. The zero value is empty.
type replays struct {
	mu    sync.Mutex
	seen  map[[sha256.Size]byte]struct{}
	order []replay // by time
}

type replay struct {
	sum [sha256.Size]byte
	at  time.Time
}

// note remembers a message by what makes it one of its own, and reports whether
// it has been here before.
func (r *replays) note(id string, now time.Time) (again bool) {
	sum := sha256.Sum256([]byte(id))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(now)
	if _, again = r.seen[sum]; again {
		return true
	}
	if r.seen == nil {
		r.seen = make(map[[sha256.Size]byte]struct{})
	}
	r.seen[sum] = struct{}{}
	r.order = append(r.order, replay{sum, now})
	return false
}

// forget drops what is too old or too much. r.mu is held.
func (r *replays) forget(now time.Time) {
	for len(r.order) > 0 && (len(r.order) >= maxReplays || now.Sub(r.order[0].at) > replayWindow) {
		delete(r.seen, r.order[0].sum)
		r.order = r.order[1:]
	}
}
