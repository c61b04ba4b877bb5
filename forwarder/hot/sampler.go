package hot

import (
	"math"
	"math/rand/v2"
	"time"
)

// Sampler picks some of many events by a countdown, so that one that is not picked
// costs a subtraction. Few events a second are all picked; of many one in so many, on
// average and at random: those stand for the others with their weight, whatever order
// the events are in. It belongs to one goroutine, and Begin comes before all else.
type Sampler struct {
	// Most is how many events of a window are picked, about: those of a sudden burst are
	// some more.
	Most uint32

	left  int64  // events until one is picked
	every uint32 // one of so many is picked
	taken uint32 // events of this window that were picked, or as many as they would be at this every
	drawn int64  // events of this window, with those left
	until time.Duration
}

// Window is how long a Sampler goes by what it has seen.
const Window = 100 * time.Millisecond

// Begin tells the time, before a batch of events.
func (s *Sampler) Begin(now time.Duration) {
	if now >= s.until {
		s.renew(now)
	}
}

// renew begins a window. That the countdown begins anew changes nobody's chances: they
// are the same for each event, however many came before.
func (s *Sampler) renew(now time.Duration) {
	seen, span := float64(s.drawn-s.left), float64(now-s.until+Window)
	s.every = uint32(max(1, seen*float64(Window)/span/float64(s.Most)))
	s.taken, s.until = 0, now+Window
	s.left = s.gap()
	s.drawn = s.left
}

// Picks counts an event, and reports whether it is picked: then Weight is to be called.
func (s *Sampler) Picks() bool {
	s.left--
	return s.left <= 0
}

// Weight returns for how many events the one stands that was picked.
func (s *Sampler) Weight() uint32 {
	weight := s.every
	if s.taken++; s.taken >= 2*s.Most {
		s.every, s.taken = s.every*2, s.Most
	}
	s.left = s.gap()
	s.drawn += s.left
	return weight
}

// gap draws how many events on one is picked: geometrically distributed, as is the
// number of throws until a die of so many sides shows its one.
func (s *Sampler) gap() int64 {
	if s.every == 1 {
		return 1
	}
	return 1 + int64(rand.ExpFloat64()/-math.Log1p(-1/float64(s.every)))
}
