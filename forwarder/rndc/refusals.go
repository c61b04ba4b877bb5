package rndc

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// refusalBurst lines about those who are turned away may be written at once, and
	// then one each refusalEvery: who has no key must not fill the log.
	refusalBurst = 20
	refusalEvery = time.Second
)

// refusals bounds these lines. The zero value has written none.
type refusals struct {
	mu     sync.Mutex
	paid   time.Time // the lines that were written are paid for at one each refusalEvery
	untold int       // that were too many
}

// mayTell takes a line from what may be written, and returns how many were too many
// before it.
func (r *refusals) mayTell(now time.Time) (untold int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.paid.Before(now) {
		r.paid = now
	}
	if r.paid.Sub(now) > (refusalBurst-1)*refusalEvery {
		r.untold++
		return 0, false
	}
	r.paid = r.paid.Add(refusalEvery)
	untold, r.untold = r.untold, 0
	return untold, true
}

// refused logs that somebody was turned away.
func (s *Server) refused(level slog.Level, text string) {
	untold, ok := s.refusals.mayTell(time.Now())
	if !ok {
		return
	}
	if untold > 0 {
		text += fmt.Sprintf(" (%d such lines before it were left out)", untold)
	}
	s.o.Log.Log(s.ctx, level, text)
}
