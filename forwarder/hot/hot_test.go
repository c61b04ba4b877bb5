package hot

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// mix makes a good hash of a number.
func mix(n uint64) uint64 {
	n ^= n >> 33
	n *= 0xff51afd7ed558ccd
	n ^= n >> 33
	n *= 0xc4ceb9fe1a85ec53
	return n ^ n>>33
}

// counted is a table beside exact counts of the same stream.
type counted struct {
	*Table
	exact map[uint64]float64
	all   float64
}

func newCounted(size int) *counted { return &counted{New(size, 8, 0), make(map[uint64]float64), 0} }

func (c *counted) add(n uint64, weight uint32) {
	key := mix(n)
	c.Add(key, binary.BigEndian.AppendUint64(nil, n), weight, 0)
	c.exact[key] += float64(weight)
	c.all += float64(weight)
}

// check holds the table to what space-saving promises.
func (c *counted) check(t *testing.T) {
	t.Helper()
	bound := c.all / float64(c.size)
	top := c.Top(c.size, 0)
	seen := make(map[uint64]bool)
	for _, i := range top {
		exact := c.exact[i.Key]
		if i.Count < exact || i.AtLeast() > exact || i.Over > bound || seen[i.Key] {
			t.Fatalf("Top() has %+v, want %v counted, and %v too many at most, once", i, exact, bound)
		}
		if n := binary.BigEndian.Uint64(i.Label); mix(n) != i.Key {
			t.Fatalf("Top() has label %x with key %x", i.Label, i.Key)
		}
		seen[i.Key] = true
	}
	for key, n := range c.exact {
		if n > bound && !seen[key] {
			t.Fatalf("Top() lacks key %x, which came %v times of %v", key, n, c.all)
		}
	}
}

func TestErrorBound(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.1, 1, 100_000)
	for _, tt := range []struct {
		name string
		next func(i int) uint64
	}{
		{"zipf", func(int) uint64 { return zipf.Uint64() }},
		{"all different", func(i int) uint64 { return uint64(i) }},
		{"in turns, more than there is room for", func(i int) uint64 { return uint64(i % 130) }},
		{"frequent last", func(i int) uint64 { return uint64(min(i, 90_000)) }},
		{"few", func(i int) uint64 { return uint64(i % 3) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCounted(128)
			for i := range 100_000 {
				c.add(tt.next(i), 1+uint32(r.IntN(3)))
				if i%20_011 == 0 {
					c.check(t)
				}
			}
			c.check(t)
		})
	}
}

// A flood of random names, nine in ten of all queries, neither drives out what is truly
// asked for nor stands before it.
func TestFloodDrivesOutNothing(t *testing.T) {
	const hot = 20
	r := rand.New(rand.NewPCG(3, 4))
	c := New(1000, 8, time.Minute)
	for i := range 300_000 {
		n := 1000 + r.Uint64N(1<<62)
		if i%10 == 0 {
			n = r.Uint64N(hot)
		}
		c.Add(mix(n), binary.BigEndian.AppendUint64(nil, n), 1, time.Duration(i)*time.Millisecond/5)
	}
	now := time.Minute
	for i, item := range c.Top(hot, now) {
		if n := binary.BigEndian.Uint64(item.Label); n >= hot {
			t.Errorf("Top()[%d] = %d, a random name: %+v", i, n, item)
		}
		if item.Share > 1.5*0.1/hot || item.Rate < 0.5*5000*0.1/hot || item.Rate > 1.5*5000*0.1/hot {
			t.Errorf("Top()[%d] = %+v, want about half a per cent of 5000 a second", i, item)
		}
	}
}

// What was frequent yields to what is: after ten half-lives nobody speaks of it.
func TestDecay(t *testing.T) {
	c := New(10, 8, time.Minute)
	for i := range 6000 {
		c.Add(1, []byte("old"), 10, time.Duration(i)*10*time.Millisecond)
	}
	if top := c.Top(1, time.Minute); len(top) != 1 || math.Abs(top[0].Rate-1000) > 50 {
		t.Fatalf("Top() = %+v, want 1000 a second", top)
	}
	now := 11 * time.Minute
	c.Add(2, []byte("new"), 100, now)
	top := c.Top(2, now)
	if len(top) != 2 || string(top[0].Label) != "new" || string(top[1].Label) != "old" {
		t.Fatalf("Top() = %+v, want the new one first", top)
	}
	if top := c.Top(2, now+30*time.Minute); len(top) != 0 {
		t.Errorf("Top() after half an hour of silence = %+v, want none", top)
	}
}

// Counts mean the same after weeks, however often they were scaled.
func TestRescale(t *testing.T) {
	c := New(2, 8, time.Second)
	for s := range 1000 {
		c.Add(1, nil, 1, time.Duration(s)*time.Second)
		c.Add(2, nil, 3, time.Duration(s)*time.Second)
	}
	top := c.Top(2, 999*time.Second)
	if len(top) != 2 || math.Abs(top[0].Count-6) > 1e-6 || math.Abs(top[1].Count-2) > 1e-6 || math.Abs(top[0].Share-0.75) > 1e-6 {
		t.Errorf("Top() = %+v, want 6 and 2", top)
	}
}

func TestLabels(t *testing.T) {
	c := New(1, 4, 0)
	c.Add(1, []byte("four"), 1, 0)
	label := c.Top(1, 0)[0].Label
	c.Add(2, []byte("longer"), 2, 0) // takes the place
	if string(label) != "four" {
		t.Errorf("Label = %q after its key left, want four", label)
	}
	if top := c.Top(1, 0); len(top) != 1 || len(top[0].Label) != 0 || top[0].AtLeast() != 2 || top[0].Over != 1 {
		t.Errorf("Top() = %+v, want the second without a label", top)
	}
}

// The memory is that of New, whatever comes.
func TestMemoryIsBounded(t *testing.T) {
	c := New(1000, 255, time.Minute)
	label := []byte(strings.Repeat("x", 255))
	n := uint64(0)
	allocs := testing.AllocsPerRun(100_000, func() {
		n++
		c.Add(mix(n), label, 1, time.Duration(n)*time.Microsecond)
	})
	if allocs != 0 || len(c.items) != 1000 || cap(c.items) != 1000 || len(c.index.slots) != 2048 {
		t.Errorf("%v allocations, %d counters, %d slots; want 0, 1000 and 2048", allocs, len(c.items), len(c.index.slots))
	}
}

func TestIndex(t *testing.T) {
	const size = 64
	r := rand.New(rand.NewPCG(5, 6))
	x, want := newIndex(size), make(map[uint64]uint32)
	var keys []uint64
	for range 10_000 {
		if len(keys) < size && r.IntN(2) == 0 {
			key := r.Uint64N(1<<20)<<8 | r.Uint64N(16) // few begin in many places
			if _, ok := want[key]; !ok {
				keys = append(keys, key)
				want[key] = r.Uint32N(size)
				x.put(key, want[key])
			}
		} else if len(keys) > 0 {
			i := r.IntN(len(keys))
			x.delete(keys[i])
			delete(want, keys[i])
			keys = slices.Delete(keys, i, i+1)
		}
		for key, n := range want {
			if got, ok := x.get(key); !ok || got != n {
				t.Fatalf("get(%x) = %d, %v, want %d", key, got, ok, n)
			}
		}
		if _, ok := x.get(1 << 40); ok {
			t.Fatal("get() finds a key that is not there")
		}
		if len(keys) > 40 {
			x.delete(keys[0])
			delete(want, keys[0])
			keys = keys[1:]
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 1, 1_000_000)
	keys := make([]uint64, 1<<16)
	for i := range keys {
		keys[i] = mix(zipf.Uint64())
	}
	c, label := New(1000, 257, time.Minute), make([]byte, 30)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		c.Add(keys[i%len(keys)], label, 1, time.Duration(i)*time.Microsecond)
		i++
	}
}
