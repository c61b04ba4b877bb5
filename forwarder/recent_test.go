package forwarder

import (
	"testing"
	"time"
)

func TestMarks(t *testing.T) {
	var m marks
	if m.recent(0, 0, time.Hour) {
		t.Error("recent(0) = true with no mark")
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
		if got := m.claim(test.hash, test.now, time.Second); got != test.want {
			t.Errorf("claim(%d, %v) = %v, want %v", test.hash, test.now, got, test.want)
		}
	}
}
