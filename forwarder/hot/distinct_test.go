package hot

import (
	"math"
	"sync"
	"testing"
	"time"
)

func TestDistinct(t *testing.T) {
	for _, n := range []int{0, 1, 2, 100, 10_000, 100_000} {
		d := new(Distinct)
		d.Init()
		for i := range n {
			d.Set().Add(mix(uint64(i)))
			d.Set().Add(mix(uint64(i / 2)))
		}
		if got := d.Len(); math.Abs(float64(got-n)) > 0.02*float64(n) {
			t.Errorf("Len() = %d after %d keys", got, n)
		}
	}
}

// Who is silent for more than a minute is no longer counted; who comes back is one.
func TestDistinctForgets(t *testing.T) {
	d := new(Distinct)
	d.Init()
	for s := range 300 {
		d.Tick(time.Duration(s) * time.Second)
		d.Set().Add(mix(1))
		if s < 100 {
			d.Set().Add(mix(2))
		}
		want := 1
		if s < 100+60 {
			want = 2
		}
		if got := d.Len(); got != want && (s < 160 || s > 170) {
			t.Errorf("after %d s Len() = %d, want %d", s, got, want)
		}
	}
}

// What is beyond counting is a large number, no nonsense.
func TestDistinctFull(t *testing.T) {
	d := new(Distinct)
	d.Init()
	for i := range 3_000_000 {
		d.Set().Add(mix(uint64(i)))
	}
	if got := d.Len(); got != MaxDistinct {
		t.Errorf("Len() = %d after 3000000 keys, want %d", got, MaxDistinct)
	}
}

// All at once: the race detector looks.
func TestConcurrent(t *testing.T) {
	d, table := new(Distinct), New(50, 8, time.Second)
	d.Init()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 5000 {
				key := mix(uint64(i*w) % 80)
				d.Set().Add(key)
				table.Add(key, []byte("label"), 1, time.Duration(i)*time.Millisecond)
			}
		})
	}
	for i := range 100 {
		d.Tick(time.Duration(i) * time.Second)
		if n := d.Len(); n > 100 {
			t.Errorf("Len() = %d, want 80 at most", n)
		}
		for _, item := range table.Top(10, 5*time.Second) {
			if string(item.Label) != "label" || item.AtLeast() < 0 {
				t.Errorf("Top() has %+v", item)
			}
		}
	}
	wg.Wait()
	if n := len(table.Top(100, 5*time.Second)); n != 50 {
		t.Errorf("Top() has %d items, want all 50", n)
	}
}
