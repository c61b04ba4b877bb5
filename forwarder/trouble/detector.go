package trouble

import (
	"time"
)

// Recent is what happened in each of the last 60 seconds. The zero value is
// nothing.
type Recent struct {
	seconds [60]struct{ all, bad uint32 }
	at      int
	halves  [2]Sketch // clients of the last half minute, and of the one before
}

// Add appends a second.
func (r *Recent) Add(h *Harm) {
	r.at = (r.at + 1) % len(r.seconds)
	s := &r.seconds[r.at]
	s.all, s.bad = clamp(h.Queries), clamp(h.Failed)
	if r.at%30 == 0 {
		r.halves[1], r.halves[0] = r.halves[0], Sketch{}
	}
	r.halves[0].add(&h.Clients)
}

func clamp(n uint64) uint32 { return uint32(min(n, 1<<32-1)) }

// Last adds up the last n seconds, 60 at most; the clients are those of about a
// minute.
func (r *Recent) Last(n int) (h Harm) {
	for i := range n {
		s := &r.seconds[(r.at+len(r.seconds)-i)%len(r.seconds)]
		h.Queries += uint64(s.all)
		h.Failed += uint64(s.bad)
	}
	h.Clients = r.halves[0]
	h.Clients.add(&r.halves[1])
	return h
}

// Detector decides whether what is asked fails, from what happened second by second.
// The zero value has seen nothing.
type Detector struct {
	recent Recent
	run    int // failures without a success, but for those of the same second
	idle   int // seconds in which nothing was asked
	bad    bool
}

const (
	// Three failures without a success between them are no accident, at whatever
	// rate. Half of all is a trouble; a fifth is one where it is many.
	fewFailures, manyFailures = 3, 20
	fewShare, manyShare       = 2, 5

	// It is over when no more than a tenth fails.
	goodShare = 10

	// shortSpan, in seconds, makes a change show soon, also where much was well before.
	shortSpan, longSpan = 10, 60

	// unasked, in seconds, is when nobody can tell any more whether it still fails.
	unasked = 600
)

// Second takes a second's count, and reports whether it fails now.
func (d *Detector) Second(all, failed uint64) (bad bool) {
	d.recent.Add(&Harm{Queries: all, Failed: failed})
	switch {
	case all > failed:
		d.run = 0
	default:
		d.run += int(min(failed, fewFailures))
	}
	if d.idle++; all > 0 {
		d.idle = 0
	}
	short, long := d.recent.Last(shortSpan), d.recent.Last(longSpan)
	if d.bad {
		if d.bad = short.Queries == short.Failed || short.Failed*goodShare > short.Queries; !d.bad {
			d.recent = Recent{} // what was then is over
		}
	} else if d.bad = failed > 0 && (d.run >= fewFailures || fails(&short) || fails(&long)); d.bad {
		d.recent = Recent{} // what was well before does not end it
		d.recent.Add(&Harm{Queries: all, Failed: failed})
	}
	return d.bad
}

func fails(h *Harm) bool {
	return h.Failed >= fewFailures && h.Failed*fewShare >= h.Queries || h.Failed >= manyFailures && h.Failed*manyShare >= h.Queries
}

// Unasked reports whether nothing was asked for so long that nobody can tell any
// more.
func (d *Detector) Unasked() bool { return d.idle >= unasked }

// Pace decides whether a server is slower than is usual for it. The zero value has
// seen nothing.
type Pace struct {
	Usual time.Duration // what an answer took on the average while it was not slow; 0 is unknown
	Now   time.Duration // what it took in the last batch

	batch   []uint64 // answers by their time
	sum     time.Duration
	n       uint64
	seconds int
	slow    bool
}

const (
	// A batch is what is looked at: that many answers, and not in one instant, as
	// all may have waited for one thing.
	batchAnswers, batchSeconds = 5, 3

	// slowFrom is what a client notices, slowFactor what is no accident.
	slowFrom   = 100 * time.Millisecond
	slowFactor = 10

	// slowAlways is slow where nothing is known to be usual.
	slowAlways = 500 * time.Millisecond
)

// Second takes the answers of a second: how many took no longer than each of bounds,
// one by one, and one more number of those above; and the sum of all times. It
// reports whether the server is slow now.
func (p *Pace) Second(answers []uint64, bounds []time.Duration, sum time.Duration) (slow bool) {
	if p.batch == nil {
		p.batch = make([]uint64, len(answers))
	}
	for i, n := range answers {
		p.batch[i] += n
		p.n += n
	}
	p.sum += sum
	if p.seconds++; p.n >= batchAnswers && p.seconds >= batchSeconds {
		p.take(bounds)
		clear(p.batch)
		p.n, p.sum, p.seconds = 0, 0, 0
	}
	return p.slow
}

// take looks at a batch. Half of the answers decide, as a few names may take long
// to resolve.
func (p *Pace) take(bounds []time.Duration) {
	p.Now = p.sum / time.Duration(p.n)
	half := p.atLeastHalfTook(bounds)
	switch {
	case p.slow:
		p.slow = half >= slowFrom && (p.Usual == 0 || p.Now > p.Usual*slowFactor/2)
	case p.Usual == 0:
		p.slow = half >= slowAlways
	default:
		p.slow = half >= slowFrom && p.Now >= p.Usual*slowFactor
	}
	if !p.slow && p.Usual == 0 {
		p.Usual = p.Now
	} else if !p.slow {
		p.Usual += (p.Now - p.Usual) / 8
	}
}

// atLeastHalfTook is what half of the answers took at least.
func (p *Pace) atLeastHalfTook(bounds []time.Duration) time.Duration {
	below := uint64(0)
	for i, n := range p.batch {
		if below += n; 2*below > p.n && i > 0 {
			return bounds[i-1]
		} else if 2*below > p.n {
			return 0
		}
	}
	return 0
}

// Growth is how much a counter has grown, which may have begun anew.
func Growth(now, before uint64) uint64 {
	if now < before {
		return now
	}
	return now - before
}
