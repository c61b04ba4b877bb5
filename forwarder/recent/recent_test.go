package recent

import (
	"testing"
	"time"
)

func TestQuestions(t *testing.T) {
	var r Questions
	if r.Has(0, 0, time.Hour) {
		t.Error("Has(0) = true with nothing noted")
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
		if got := r.First(test.hash, test.now, time.Second); got != test.want {
			t.Errorf("First(%d, %v) = %v, want %v", test.hash, test.now, got, test.want)
		}
	}
}

func TestFailures(t *testing.T) {
	const ttl = 10 * time.Second
	var s Failures
	check := func(what string, hash uint64, now time.Duration, want bool) {
		t.Helper()
		if got := s.Has(hash, now, ttl); got != want {
			t.Errorf("%s: Has(%d, %v) = %v, want %v", what, hash, now, got, want)
		}
	}
	s.Note(1, 0)
	check("after a failure", 1, ttl-1, true)
	check("after its time", 1, ttl, false)
	check("another", 2, 0, false)
	s.Note(2, 0)
	s.Answered()
	check("answers do not change single failures", 1, ttl-1, true)
	for range outageRun {
		s.Note(3, 0)
	}
	check("in an outage", 3, ttl/2-1, true)
	check("in an outage, later", 3, ttl/2, false)
	s.Answered()
	check("after an outage", 3, 0, false)
	check("after an outage", 1, 0, false)
}

// A client is a regular that was answered in three seconds; one that came lately is
// not driven out.
func TestClients(t *testing.T) {
	var r Clients
	steps := []struct {
		name   string
		client uint64
		at     time.Duration
		want   bool // after it
	}{
		{name: "once", client: 7, at: 0},
		{name: "again in that second", client: 7, at: time.Second - 1},
		{name: "in another second", client: 7, at: time.Second},
		{name: "in a third", client: 7, at: 9 * time.Second, want: true},
		{name: "another in its place", client: 7 + 4096, at: 10 * time.Second},
		{name: "it is one still", client: 7, at: 10 * time.Second, want: true},
		{name: "another after a while", client: 7 + 4096, at: 90 * time.Second},
		{name: "which has to earn it", client: 7 + 4096, at: 91 * time.Second},
		{name: "and does", client: 7 + 4096, at: 92 * time.Second, want: true},
		{name: "while it is there", client: 7, at: 93 * time.Second},
	}
	for _, step := range steps {
		r.Note(step.client, step.at)
		if got := r.Has(step.client); got != step.want {
			t.Errorf("%s: Has(%d) = %v, want %v", step.name, step.client, got, step.want)
		}
	}
	for i := range 1000 {
		r.Note(1, time.Duration(i)*time.Second)
	}
	if !r.Has(1) {
		t.Error("a client of many seconds is no regular")
	}
}
