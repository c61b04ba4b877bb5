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
