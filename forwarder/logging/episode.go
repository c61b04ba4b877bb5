package logging

import "time"

const (
	// A log that fails again within flapTime of its recovery has to work for
	// minHold, and each time for twice as long, before it is told that it does.
	flapTime = 10 * time.Minute
	minHold  = 5 * time.Second
	maxHold  = 30 * time.Minute
)

// episode is the time in which a log cannot be written, with a first line and a
// last one, however often it comes and goes meanwhile. The zero value is none.
type episode struct {
	began, good time.Time
	failing     bool // now
	open        bool // its last line is not written
	hold        time.Duration
	lost        int // lines
}

// fail notes that the log cannot be written, and reports whether that is news.
func (e *episode) fail(now time.Time) (first bool) {
	if e.failing {
		return false
	}
	e.failing = true
	if e.open {
		return false
	}
	if !e.good.IsZero() && now.Sub(e.good) < max(flapTime, 2*e.hold) {
		e.hold = min(max(minHold, 2*e.hold), maxHold)
	} else {
		e.hold = 0
	}
	e.open, e.began, e.lost = true, now, 0
	return true
}

// works notes that the log was written, and reports whether the episode is over.
func (e *episode) works(now time.Time) (last bool) {
	if e.failing {
		e.failing, e.good = false, now
	}
	if !e.open || now.Sub(e.good) < e.hold {
		return false
	}
	e.open = false
	return true
}

// lasted is how long it took.
func (e *episode) lasted() time.Duration {
	return e.good.Sub(e.began).Round(time.Millisecond)
}
