package cache_test

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"vpcdns/cache"
)

// The count is exact up to 16. Above it is right on average, as a rule within a sixth,
// and stays away from the entry's other numbers.
func TestHits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	times := cache.Times{Stored: 1 << 40, TTL: 1<<23 - 1, Stale: 1<<23 - 2}
	for _, calls := range []int{0, 1, 5, 16, 100, 3000, 100_000} {
		const entries = 200
		var sum, off float64
		for range entries {
			c := cache.New(0)
			put(c, "key", "value", times)
			e, _ := get(c, "key")
			for range calls {
				e.CountHit(r.Uint64())
			}
			sum += float64(e.Hits())
			off += math.Pow(float64(e.Hits())-float64(calls), 2)
			if e.Key() != "key" || e.Value() != "value" || e.Stored() != times.Stored || e.TTL() != times.TTL || e.StaleUntil()-e.Expires() != (1<<23-2)*1e9 {
				t.Fatalf("after %d hits the entry has key %q, value %q, TTL %d", calls, e.Key(), e.Value(), e.TTL())
			}
		}
		mean, deviation := sum/entries, math.Sqrt(off/entries)
		if calls <= 16 && deviation > 0 || math.Abs(mean-float64(calls)) > float64(calls)/15 || deviation > float64(calls)/5 {
			t.Errorf("of %d calls %.1f were counted on average, and %.1f off", calls, mean, deviation)
		}
	}
}

// However often a name is asked for, its count comes to an end.
func TestMostHits(t *testing.T) {
	c := cache.New(0)
	put(c, "key", "value", ttl)
	e, _ := get(c, "key")
	for range 600 {
		e.CountHit(0)
	}
	if got := e.Hits(); got != 31<<31-16 || e.TTL() != ttl.TTL || e.Key() != "key" {
		t.Errorf("Hits = %d, want %d", got, 31<<31-16)
	}
}

// Many may count at once, and look.
func TestHitsAtOnce(t *testing.T) {
	c := cache.New(0)
	put(c, "key", "value", ttl)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for range 5000 {
				e, _ := get(c, "key")
				e.CountHit(r.Uint64())
				e.Hits()
			}
		})
	}
	wg.Wait()
	if e, _ := get(c, "key"); e.Hits() < 2000 || e.Hits() > 60_000 {
		t.Errorf("Hits = %d after 20000", e.Hits())
	}
}
