package forwarder

import (
	"testing"
	"time"
)

func TestRecent(t *testing.T) {
	var r recent
	if r.has(0, 0, time.Hour) {
		t.Error("has(0) = true with nothing noted")
	}
	tests := []struct {
		hash uint64
		now  time.Duration
		want bool
	}{
		{7, 0, true},
		{7, time.Second - 1, false},
		{7, time.Second, true},
		{7, time.Second + 1, false},
		{7 + 4096, time.Second + 1, true}, // takes the place of 7
		{7, time.Second + 1, true},
		{8, time.Second + 1, true},
		{8, time.Second + 1, false},
	}
	for _, test := range tests {
		if got := r.first(test.hash, test.now, time.Second); got != test.want {
			t.Errorf("first(%d, %v) = %v, want %v", test.hash, test.now, got, test.want)
		}
	}
}

func TestServfails(t *testing.T) {
	const ttl = 10 * time.Second
	var s servfails
	check := func(what string, hash uint64, now time.Duration, want bool) {
		t.Helper()
		if got := s.recent(hash, now, ttl); got != want {
			t.Errorf("%s: recent(%d, %v) = %v, want %v", what, hash, now, got, want)
		}
	}
	s.note(1, 0)
	check("after a failure", 1, ttl-1, true)
	check("after its time", 1, ttl, false)
	check("another", 2, 0, false)
	s.note(2, 0)
	s.answered()
	check("answers do not change single failures", 1, ttl-1, true)
	for range outageRun {
		s.note(3, 0)
	}
	check("in an outage", 3, ttl/2-1, true)
	check("in an outage, later", 3, ttl/2, false)
	s.answered()
	check("after an outage", 3, 0, false)
	check("after an outage", 1, 0, false)
}
