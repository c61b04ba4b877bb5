// Package cache keeps answers until they expire, and stale ones a while
// longer. It knows no DNS: a key and a value are bytes, and times are read on
// the caller's clock.
//
// A Cache is a fixed number of shards. Each has a table of its own in which
// readers find entries without a lock, and, for writers under a mutex, an LRU
// of golang-lru that says who is the oldest. A hit never touches the LRU: it
// marks the entry as used, unless it is marked already, and an entry so marked
// gets a second chance when it is the oldest. Readers thus write next to nothing,
// and any number of processors may ask for one name.
//
// An entry is found by a 64-bit hash under a secret of the process, and its
// whole key is compared after that. It is one string without pointers, which a
// reader may keep; a slot of the table points to its first byte.
//
// What an entry costs, in bytes, with a key of 39 and a value of 40: 96 for the
// string (16 of header, rounded up to a size class of Go's allocator), 13 to 26
// for the slot, by how full the table is, 64 for the element of the LRU's list,
// and 21 to 40 for the LRU's map: about 210, and 224 with the marks and the
// slack of the allocator. Bytes counts 224 for it.
package cache

import (
	"hash/maphash"
	"sync/atomic"
)

// Cache is safe for concurrent use. Make one with New.
type Cache struct {
	seed maphash.Seed
	max  atomic.Int64
	_    [48]byte // what Puts write stays off the lines that Gets read

	bytes atomic.Int64
	swept atomic.Uint64
	_     [48]byte

	shards [Shards]shard
}

// New returns an empty cache that holds up to maxBytes: see Bytes for what is
// counted. 0 is no limit.
func New(maxBytes int64) *Cache {
	c := &Cache{seed: maphash.MakeSeed()}
	c.max.Store(limit(maxBytes))
	for i := range c.shards {
		c.shards[i].init(c.seed, &c.bytes)
	}
	return c
}

// Hash returns the hash that Get and Put want beside the key.
func (c *Cache) Hash(key []byte) uint64 { return maphash.Bytes(c.seed, key) }

// Get returns the entry of the key, fresh, stale or dead alike: the caller
// looks at its times. It takes no lock and allocates nothing.
func (c *Cache) Get(hash uint64, key []byte) (Entry, bool) {
	return c.shard(hash).table.Load().get(hash, key)
}

// Put stores a copy of the value, in place of the entry that the key had, and
// drops the oldest entries where the cache is full. It allocates the entry, and
// for a new key an element of the LRU. An entry that is
// larger than the whole cache, or than 1 MiB, or has a key of more than 511
// bytes, is not stored, but the old one is dropped all the same. Put returns the entry, or ""
// if it was not stored.
func (c *Cache) Put(hash uint64, key, value []byte, t Times) Entry {
	s, room := c.shard(hash), c.max.Load()
	size := headerSize + len(key) + len(value)
	if len(key) > maxKey || size > maxSize || cost(size) > room {
		s.refuse(hash)
		return ""
	}
	e := newEntry(key, value, t)
	s.put(hash, e, room)
	c.shrink(room, hash, s)
	return e
}

func (c *Cache) shard(hash uint64) *shard { return &c.shards[hash%Shards] }
