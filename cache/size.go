package cache

import (
	"math"
	"math/bits"
)

// Stats counts since the Cache was made, but for the first three, which say
// how it is now.
type Stats struct {
	Entries   int
	Bytes     int64
	MaxBytes  int64  // 0 is no limit
	Evictions uint64 // entries dropped for want of room
	Refused   uint64 // entries too large to be stored
}

// Stats is not a consistent picture while the cache is in use.
func (c *Cache) Stats() Stats {
	st := Stats{Bytes: c.Bytes(), MaxBytes: c.MaxBytes()}
	for i := range c.shards {
		c.shards[i].addTo(&st)
	}
	return st
}

// Len returns the number of entries.
func (c *Cache) Len() int { return c.Stats().Entries }

// Bytes returns what the entries cost in resident memory: see the package's
// comment. The empty cache, 40 kB, is not counted, nor is what the collector
// has yet to find.
func (c *Cache) Bytes() int64 { return c.bytes.Load() }

// MaxBytes returns the limit, 0 if there is none.
func (c *Cache) MaxBytes() int64 {
	if n := c.max.Load(); n < math.MaxInt64 {
		return n
	}
	return 0
}

// SetMaxBytes changes the limit, 0 is none, and drops the oldest entries until
// the rest is within it.
func (c *Cache) SetMaxBytes(n int64) {
	room := limit(n)
	c.max.Store(room)
	c.shrink(room, 0, nil)
}

func limit(n int64) int64 {
	if n <= 0 {
		return math.MaxInt64
	}
	return n
}

// shrink takes the oldest entries of one shard after another, in turns, while
// there are too many; spare gives none.
func (c *Cache) shrink(room int64, from uint64, spare *shard) {
	for ; c.bytes.Load() > room; from++ {
		if s := c.shard(from); s != spare {
			s.evict(room)
		}
	}
}

// overhead is what an entry costs beside its string: see the package's comment.
const overhead = 128

func (e Entry) cost() int64 { return cost(len(e)) }

// cost returns what an entry of n bytes costs. Go's allocator rounds up to
// multiples of 16 bytes at first, and then to about an eighth of the size.
func cost(n int) int64 {
	step := max(16, 1<<bits.Len(uint(n-1))>>4)
	return int64((n+step-1)&^(step-1)) + overhead
}
