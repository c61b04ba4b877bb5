// Package latency keeps how long replies take, by kind: as histograms since the start, and
// of the last minute. Kinds are numbers of the caller's.
package latency

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds are the upper bounds of the buckets; one more bucket holds what is above them.
var Bounds = bounds()

// A decade has six: a quantile is in the same bucket as the truth, two thirds above it or
// two fifths below at most.
var decade = [...]time.Duration{10, 15, 20, 30, 50, 70}

const numBounds = 7 * 6 // 1 µs to 7 s

func bounds() (bounds [numBounds]time.Duration) {
	unit := time.Microsecond / 10
	for i := range bounds {
		bounds[i] = decade[i%len(decade)] * unit
		if i%len(decade) == len(decade)-1 {
			unit *= 10
		}
	}
	return bounds
}

// Histogram is how long replies took. Buckets are not cumulative.
type Histogram struct {
	Buckets [numBounds + 1]uint64
	Sum     time.Duration
}

// Within returns how many replies took no longer than some of Bounds (1, 2 and 5
// of each decade), by that bound in seconds, and the number of all.
func (h *Histogram) Within() (within map[float64]uint64, all uint64) {
	within = make(map[float64]uint64, numBounds/2)
	for i, n := range h.Buckets {
		all += n
		if i < numBounds && i%2 == 0 {
			within[Bounds[i].Seconds()] = all
		}
	}
	return within, all
}

// Quantile is the time within which a share of what a histogram has came, by
// interpolation. Its buckets are not cumulative, and one more than their upper bounds:
// what is above all bounds counts as the last of them.
func Quantile(share float64, buckets []uint64, bounds []time.Duration) time.Duration {
	var all uint64
	for _, n := range buckets {
		all += n
	}
	rank, before, low := share*float64(all), 0.0, time.Duration(0)
	for i, high := range bounds {
		n := float64(buckets[i])
		if n > 0 && before+n >= rank {
			return low + time.Duration((rank-before)/n*float64(high-low))
		}
		before, low = before+n, high
	}
	return low
}

// Counts are the histograms of replies by kind. All methods may be called concurrently.
type Counts struct {
	kinds  []kind
	minute minute
}

type kind struct {
	buckets [numBounds + 1]atomic.Uint64
	sum     atomic.Int64 // time.Duration
}

// New returns Counts of so many kinds.
func New(kinds int) *Counts {
	c := &Counts{kinds: make([]kind, kinds)}
	for i := range c.minute.looks {
		c.minute.looks[i] = make([]Histogram, kinds)
	}
	return c
}

// Observe counts a reply, which stands for weight of them.

func (c *Counts) Observe(kind int, took time.Duration, weight uint32) {
	h := &c.kinds[kind]
	i, _ := slices.BinarySearch(Bounds[:], took) // a bound is the last of its bucket
	h.buckets[i].Add(uint64(weight))
	h.sum.Add(int64(took) * int64(weight))
}

// Histograms returns what there is so far, by kind.
func (c *Counts) Histograms() []Histogram {
	all := make([]Histogram, len(c.kinds))
	for k := range all {
		from := &c.kinds[k]
		for i := range from.buckets {
			all[k].Buckets[i] = from.buckets[i].Load()
		}
		all[k].Sum = time.Duration(from.sum.Load())
	}
	return all
}

const (
	// looks at the histograms, lookEvery apart, make a minute.
	looks     = 12
	lookEvery = time.Minute / looks
)

// minute remembers how the histograms were in the last minute.
type minute struct {
	mu    sync.Mutex
	looks [looks][]Histogram // by kind
	turn  int
	due   time.Duration // the next look
}

// Tick tells the time, about once a second.
func (c *Counts) Tick(now time.Duration) {
	m := &c.minute
	m.mu.Lock()
	defer m.mu.Unlock()
	if now < m.due {
		return
	}
	m.due = now + lookEvery
	m.looks[m.turn] = c.Histograms()
	m.turn = (m.turn + 1) % looks
}

// LastMinute returns what has come since the oldest look, by kind: in the last 55 to 60 s.
func (c *Counts) LastMinute() []Histogram {
	c.minute.mu.Lock()
	before := c.minute.looks[c.minute.turn]
	c.minute.mu.Unlock()
	now := c.Histograms()
	for k := range now {
		for i := range now[k].Buckets {
			now[k].Buckets[i] -= before[k].Buckets[i]
		}
		now[k].Sum -= before[k].Sum
	}
	return now
}
