package watch

import "time"

// run is answers of one kind without one of another between them.
type run struct {
	first, last time.Duration
	n           int
}

// maxGap is between two answers of a run at most: of a longer time nothing is known.
const maxGap = 30 * time.Second

func (r *run) add(now time.Duration) {
	if r.n == 0 || now-r.last > maxGap {
		*r = run{first: now}
	}
	r.last = max(now, r.last)
	r.n++
}

func (r *run) end() { *r = run{} }

func (r *run) length() time.Duration { return r.last - r.first }
