package trouble

import (
	"testing"
	"time"
)

// seconds is what a Detector sees: so many seconds of so many questions and failures.
type seconds struct{ n, all, failed int }

func TestDetector(t *testing.T) {
	for name, tc := range map[string]struct {
		seen []seconds
		want bool
	}{
		"nothing":                               {nil, false},
		"well":                                  {[]seconds{{60, 100, 0}}, false},
		"all fail":                              {[]seconds{{60, 100, 0}, {1, 100, 100}}, true},
		"all fail for some seconds":             {[]seconds{{60, 100, 0}, {5, 100, 100}}, true},
		"all fail where much was well":          {[]seconds{{60, 100, 0}, {1, 20, 13}, {2, 20, 20}}, true},
		"57 of 76 in a minute":                  {[]seconds{{20, 1, 0}, {57, 1, 1}}, true},
		"one name of many":                      {[]seconds{{60, 100, 3}}, false},
		"a quarter of many":                     {[]seconds{{60, 100, 25}}, true},
		"two in a row":                          {[]seconds{{1, 1, 0}, {2, 1, 1}}, false},
		"three in a row":                        {[]seconds{{1, 1, 0}, {3, 1, 1}}, true},
		"one a minute":                          {[]seconds{{1, 1, 1}, {59, 0, 0}, {1, 1, 1}, {59, 0, 0}, {1, 1, 1}}, true},
		"one a minute, one good":                {[]seconds{{1, 1, 1}, {59, 0, 0}, {1, 1, 0}, {59, 0, 0}, {1, 1, 1}}, false},
		"good again":                            {[]seconds{{9, 10, 10}, {12, 10, 0}}, false},
		"one good answer at a low rate ends it": {[]seconds{{1, 1, 1}, {59, 0, 0}, {1, 1, 1}, {59, 0, 0}, {1, 1, 1}, {59, 0, 0}, {1, 1, 0}}, false},
		"still a third":                         {[]seconds{{9, 10, 10}, {30, 9, 3}}, true},
		"silence tells nothing":                 {[]seconds{{9, 10, 10}, {599, 0, 0}}, true},
	} {
		var d Detector
		got := false
		for _, s := range tc.seen {
			for range s.n {
				got = d.Second(uint64(s.all), uint64(s.failed))
			}
		}
		if got != tc.want {
			t.Errorf("%s: fails = %v, want %v", name, got, tc.want)
		}
		if d.Unasked() {
			t.Errorf("%s: Unasked() = true", name)
		}
	}
	var d Detector
	d.Second(3, 3)
	for range unasked {
		d.Second(0, 0)
	}
	if !d.Unasked() {
		t.Error("Unasked() = false after a long silence")
	}
}

func TestRecent(t *testing.T) {
	var r Recent
	for i := range 100 {
		r.Add(harm(10, uint64(i%2), uint64(i)))
	}
	if h := r.Last(60); h.Queries != 600 || h.Failed != 30 || h.Clients.Len() < 30 || h.Clients.Len() > 61 {
		t.Errorf("Last(60) = %d, %d, %d clients, want 600, 30, and those of a minute at most", h.Queries, h.Failed, h.Clients.Len())
	}
	if h := r.Last(1); h.Queries != 10 || h.Failed != 1 {
		t.Errorf("Last(1) = %d, %d, want 10, 1", h.Queries, h.Failed)
	}
}

func TestPace(t *testing.T) {
	bounds := []time.Duration{time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, time.Second}
	const fast, medium, slow = 500 * time.Microsecond, 60 * time.Millisecond, 1500 * time.Millisecond
	type batch struct {
		seconds, answers int // in each
		took             time.Duration
	}
	for name, tc := range map[string]struct {
		seen []batch
		want bool
	}{
		"fast":                  {[]batch{{30, 10, fast}}, false},
		"slow":                  {[]batch{{30, 10, fast}, {3, 10, slow}}, true},
		"for a moment":          {[]batch{{30, 10, fast}, {1, 2, slow}, {2, 10, fast}}, false},
		"one a minute":          {[]batch{{30, 10, fast}, {1, 1, slow}, {59, 0, 0}, {1, 1, slow}, {59, 0, 0}, {1, 1, slow}, {59, 0, 0}, {1, 1, slow}, {59, 0, 0}, {1, 1, slow}}, true},
		"not noticed":           {[]batch{{30, 10, fast}, {6, 10, medium}}, false},
		"slow from the start":   {[]batch{{3, 10, slow}}, true},
		"medium from the start": {[]batch{{3, 10, medium}}, false},
		"back":                  {[]batch{{30, 10, fast}, {6, 10, slow}, {3, 10, fast}}, false},
		"far away, as ever":     {[]batch{{30, 10, medium}, {6, 10, 2 * medium}}, false},
	} {
		var p Pace
		got := false
		for _, b := range tc.seen {
			for range b.seconds {
				answers := make([]uint64, len(bounds)+1)
				i := 0
				for i < len(bounds) && b.took > bounds[i] {
					i++
				}
				answers[i] = uint64(b.answers)
				got = p.Second(answers, bounds, time.Duration(b.answers)*b.took)
			}
		}
		if got != tc.want {
			t.Errorf("%s: slow = %v, want %v", name, got, tc.want)
		}
	}
}
