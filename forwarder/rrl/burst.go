package rrl

import (
	"container/list"
	"time"
)

const (
	// quietFor is how long none of a block's responses was limited when the log
	// says that it stops (BIND's DNS_RRL_STOP_LOG_SECS).
	quietFor = 60 * time.Second

	// MaxLines bounds the lines in the log a second, and maxBursts the bursts
	// whose end is still to be told: addresses are forged, and there may be very
	// many.
	MaxLines  = 10
	maxBursts = 1000
)

// Burst is a run of limited responses: of one kind, to one block, about one name.
// Its beginning and its end are logged.
type Burst struct {
	Kind   Kind
	text   string // of both lines; "" until it is set
	bucket *bucket
	last   time.Duration // when a response was limited
	place  *list.Element // in bursts.list; nil once it is over
}

// Over is a burst that is over.
type Over struct {
	Text  string // as set by Describe
	Early bool   // it was forgotten before it was over
}

// bursts are those that are not over, the one that was quiet for the longest
// first.
type bursts struct {
	list  list.List // of *Burst
	over  []Over    // to be told
	lines int       // logged in this second
}

// limited notes that a response of b was limited. It returns the burst that
// begins with it, if it is to be logged.
func (s *bursts) limited(now time.Duration, b *bucket, kind Kind) *Burst {
	if b.burst != nil {
		b.burst.last = now
		s.list.MoveToBack(b.burst.place)
		return nil
	}
	if s.lines >= MaxLines || s.list.Len() >= maxBursts {
		return nil
	}
	s.lines++
	b.burst = &Burst{Kind: kind, bucket: b, last: now}
	b.burst.place = s.list.PushBack(b.burst)
	return b.burst
}

// end ends b's burst, if there is one.
func (s *bursts) end(b *bucket, early bool) {
	if b.burst == nil {
		return
	}
	s.list.Remove(b.burst.place)
	b.burst.place = nil
	if b.burst.text != "" {
		s.over = append(s.over, Over{b.burst.text, early})
	}
	b.burst = nil
}

// Describe sets what the log says of a burst.
func (r *Limiter) Describe(b *Burst, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b.text = text
}

// Over returns some bursts that are over since the last call. A nil r has none.
func (r *Limiter) Over(now time.Duration) []Over {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for e := r.bursts.list.Front(); e != nil && len(r.bursts.over) < MaxLines; {
		b := e.Value.(*Burst)
		e = e.Next()
		if now-b.last < quietFor {
			break
		}
		if b.bucket.worth(float64(r.rates[b.Kind]), now) >= 0 {
			r.bursts.end(b.bucket, false)
		}
	}
	return r.bursts.take()
}

// Forget forgets all clients, and returns the bursts that were not over. A nil r
// has none.
func (r *Limiter) Forget() []Over {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.buckets.Purge() // ends each
	return r.bursts.take()
}

func (s *bursts) take() []Over {
	over := s.over
	s.over = nil
	return over
}
