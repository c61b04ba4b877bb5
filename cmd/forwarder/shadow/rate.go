package shadow

import (
	"context"
	"sync"
	"time"
)

// Rate bounds how many questions are asked in a second: the VPC resolver's packets
// are shared with the server that is in use. Its methods may be called by several
// goroutines.
type Rate struct {
	every time.Duration
	mu    sync.Mutex
	next  time.Time // when the next one may be asked
}

// NewRate allows that many a second, evenly, or a few after a pause.
func NewRate(perSecond int) *Rate { return &Rate{every: time.Second / time.Duration(perSecond)} }

// burst is how much of a pause can be made up for: a log is read at intervals.
const burst = 2 * followEvery

// Try takes a turn if there is one now.
func (r *Rate) Try() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.next.After(now) {
		return false
	}
	r.take(now)
	return true
}

// Wait waits for a turn.
func (r *Rate) Wait(ctx context.Context) error {
	r.mu.Lock()
	now := time.Now()
	turn := r.take(now)
	r.mu.Unlock()
	return sleep(ctx, turn.Sub(now))
}

func (r *Rate) take(now time.Time) (turn time.Time) {
	if earliest := now.Add(-burst); r.next.Before(earliest) {
		r.next = earliest
	}
	turn = r.next
	r.next = turn.Add(r.every)
	return turn
}
