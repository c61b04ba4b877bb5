package cache

import (
	"iter"
	"time"
)

// All yields the entries, whatever their age. It takes no lock: of what is Put or
// dropped meanwhile some are seen.
func (c *Cache) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for i := range c.shards {
			if !c.shards[i].table.Load().each(yield) {
				return
			}
		}
	}
}

// Marked yields the entries that were used since they were stored, or since they were
// spared for that when room was needed, or else the others. Apart from that it is
// All.
func (c *Cache) Marked(used bool) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for i := range c.shards {
			if !c.shards[i].table.Load().eachMarked(used, yield) {
				return
			}
		}
	}
}

// Purge drops all entries.
func (c *Cache) Purge() {
	for i := range c.shards {
		c.shards[i].purge()
	}
}

// Delete drops the entry of a key, if there is one.
func (c *Cache) Delete(hash uint64, key []byte) {
	if e, ok := c.Get(hash, key); ok {
		c.shard(hash).remove(e)
	}
}

// DeleteFunc drops the entries for which drop returns true, and returns how
// many. It takes one shard after another, and calls drop without a lock for
// what the shard held when its turn came: an entry that was Put since stays.
func (c *Cache) DeleteFunc(drop func(Entry) bool) int {
	n := 0
	for i := range c.shards {
		n += c.shards[i].deleteFunc(drop)
	}
	return n
}

// SweepNext drops the entries that are past StaleUntil from the next of the
// Shards parts of the cache, and returns how many. Called now and then, it keeps
// the cache clean without ever taking the processor from the readers for long.
func (c *Cache) SweepNext(now time.Duration) int {
	return c.shard(c.swept.Add(1)).deleteFunc(dead(now))
}

func dead(now time.Duration) func(Entry) bool {
	return func(e Entry) bool { return e.StaleUntil() <= now }
}
