package demo

import (
	"fmt"
	"time"
)

// longest is how long anything is waited for that is to happen.
const longest = 20 * time.Second

// lapse is how long it took until something happened, if it did.
type lapse struct {
	time.Duration
	known bool
}

// set is for the first time that it happens.
func (l *lapse) set(d time.Duration) {
	if !l.known {
		l.Duration, l.known = max(0, d), true
	}
}

func (l lapse) String() string {
	if !l.known {
		return fmt.Sprintf("not in %.0f s", longest.Seconds())
	}
	return brief(l.Duration)
}

// brief is a duration in a few columns.
func brief(d time.Duration) string {
	if d = d.Round(time.Millisecond); d < time.Second {
		return fmt.Sprintf("%d ms", max(1, d.Milliseconds()))
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
