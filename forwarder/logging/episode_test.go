package logging

import (
	"testing"
	"time"
)

// A log that comes and goes is told of ever more rarely.
func TestEpisodeFlaps(t *testing.T) {
	var e episode
	now, told := time.Unix(0, 0), 0
	for range 1800 { // an hour: it fails every other second
		if e.fail(now) {
			told++
		}
		now = now.Add(time.Second)
		if e.works(now) {
			told++
		}
		now = now.Add(time.Second)
	}
	if told > 5 {
		t.Errorf("%d lines in an hour of flapping, want a few", told)
	}
	now = now.Add(time.Hour)
	if e.open && !e.works(now) || e.failing {
		t.Error("an hour later it is not over")
	}
	if !e.fail(now.Add(time.Hour)) || !e.works(now.Add(time.Hour+time.Second)) {
		t.Error("after a long calm a short fault has not its two lines")
	}
}
