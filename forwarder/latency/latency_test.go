package latency

import (
	"testing"
	"time"
)

func TestBounds(t *testing.T) {
	for i, want := range map[int]time.Duration{0: time.Microsecond, 1: 1500, 5: 7000, 6: 10_000, 18: time.Millisecond, numBounds - 1: 7 * time.Second} {
		if got := Bounds[i]; got != want {
			t.Errorf("Bounds[%d] = %v, want %v", i, got, want)
		}
	}
}

func TestHistogram(t *testing.T) {
	c := New(2)
	for range 90 {
		c.Observe(1, 3*time.Microsecond, 10) // a bound holds what is equal
	}
	c.Observe(1, 4500*time.Millisecond, 100)
	c.Observe(1, time.Minute, 1)
	h := c.Histograms()[1]
	within, all := h.Within()
	for bound, want := range map[float64]uint64{2e-6: 0, 5e-6: 900, 2: 900, 5: 1000} {
		if got, ok := within[bound]; !ok || got != want {
			t.Errorf("within %v s: %d, %v, want %d", bound, got, ok, want)
		}
	}
	if len(within) != numBounds/2 || all != 1001 || h.Sum != 2700*time.Microsecond+450*time.Second+time.Minute {
		t.Errorf("%d bounds, %d replies in %v", len(within), all, h.Sum)
	}
	for share, want := range map[float64][2]time.Duration{0.5: {2000, 3000}, 0.89: {2000, 3000}, 0.95: {3 * time.Second, 5 * time.Second}, 1: {7 * time.Second, 7 * time.Second}} {
		if got := Quantile(share, h.Buckets[:], Bounds[:]); got < want[0] || got > want[1] {
			t.Errorf("Quantile(%v) = %v, want %v", share, got, want)
		}
	}
}

// The last minute is what came in it, of each kind by itself.
func TestLastMinute(t *testing.T) {
	c := New(2)
	counted := func(kind int) uint64 {
		_, all := c.LastMinute()[kind].Within()
		return all
	}
	for s := range 300 {
		c.Tick(time.Duration(s) * time.Second)
		if s < 200 {
			c.Observe(1, time.Millisecond, 1)
		}
		if n := counted(1); s >= 60 && s < 200 && (n < 55 || n > 61) || s >= 262 && n != 0 {
			t.Fatalf("after %d s LastMinute has %d, want those of a minute", s, n)
		}
	}
	if n := counted(0); n != 0 {
		t.Errorf("LastMinute has %d of a kind that did not come", n)
	}
	if h := c.Histograms()[1]; h.Sum != 200*time.Millisecond {
		t.Errorf("Histograms has %v, want 200 ms", h.Sum)
	}
}

// Counting is for the path of queries.
func TestObserveAllocates(t *testing.T) {
	c := New(1)
	if n := testing.AllocsPerRun(100, func() { c.Observe(0, time.Millisecond, 1) }); n != 0 {
		t.Errorf("Observe allocates %v times, want none", n)
	}
}
