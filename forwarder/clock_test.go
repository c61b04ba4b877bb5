package forwarder

import (
	"testing"
	"time"
)

func TestElapsed(t *testing.T) {
	tests := []struct {
		age  time.Duration
		want uint32
	}{
		{0, 0},
		{100 * time.Millisecond, 0},
		{100*time.Millisecond + 1, 1},
		{time.Second, 1},
		{1100 * time.Millisecond, 1},
		{1101 * time.Millisecond, 2},
		{-time.Second, 0}, // stored a moment after the batch's clock was read
		{100 * 365 * 24 * time.Hour, 3153600000},
	}
	for _, test := range tests {
		if got := elapsed(test.age); got != test.want {
			t.Errorf("elapsed(%v) = %d, want %d", test.age, got, test.want)
		}
	}
}

func TestClientWait(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		0: patience, time.Second: time.Second, patience: patience, 10 * time.Second: patience,
	} {
		cfg := &Config{Limits: Limits{ResolverQueryTimeout: timeout}}
		if got := clientWait(cfg); got != want {
			t.Errorf("clientWait(%v) = %v, want %v", timeout, got, want)
		}
	}
}
