package cache

import (
	"encoding/binary"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

// Entry is one answer with its key and times: a string, which stays valid after
// it left the cache, and immutable but for the count of its hits. Only Put, Get
// and DeleteFunc make Entries; the methods of other strings crash.
//
// Layout: two words in the machine's order, then the key, then the value. The low
// 20 bits of the first word are the length of all, the rest is the time stored in
// units of 2^20 ns. The second word is, from the low end, 9 bits of length of the
// key, 9 of hits, 23 of TTL and 23 of seconds stale. With so short a header most
// entries fit a smaller size class, and as the length is part of it an entry is
// found by one pointer.
type Entry string

const (
	headerSize = 16
	maxSize    = 1<<20 - 1 // of an entry; the low bits of a time that it costs
	maxKey     = 1<<keyBits - 1
	maxSeconds = 1<<timeBits - 1
	maxCount   = 1<<hitBits - 1

	keyBits, hitBits, timeBits = 9, 9, 23

	hitsAt  = keyBits
	ttlAt   = hitsAt + hitBits
	staleAt = ttlAt + timeBits
)

// Times says how long an entry is of use.
type Times struct {
	Stored time.Duration // when, on the caller's monotonic clock, maybe before it began
	TTL    uint32        // seconds that it is fresh from then on, at most 2^23 - 1, which are 97 days
	Stale  uint32        // seconds more that it may serve as stale, at most as many
}

// newEntry allocates once.
func newEntry(key, value []byte, t Times) Entry {
	size := headerSize + len(key) + len(value)
	var header [headerSize]byte
	binary.NativeEndian.PutUint64(header[:], uint64(t.Stored)&^maxSize|uint64(size))
	binary.NativeEndian.PutUint64(header[8:],
		uint64(min(t.Stale, maxSeconds))<<staleAt|uint64(min(t.TTL, maxSeconds))<<ttlAt|uint64(len(key)))

	var b strings.Builder
	b.Grow(size)
	b.Write(header[:])
	b.Write(key)
	b.Write(value)
	return Entry(b.String())
}

// start is where the entry begins in memory. It keeps the entry alive.
func (e Entry) start() *byte { return unsafe.StringData(string(e)) }

// same reports whether two entries are one, not only equal.
func same(a, b Entry) bool { return a.start() == b.start() }

// entryAt is the inverse of start.
func entryAt(start *byte) Entry {
	return Entry(unsafe.String(start, *(*uint64)(unsafe.Pointer(start))&maxSize))
}

// Key returns the key that the entry was stored with.
func (e Entry) Key() string { return string(e[headerSize:e.valueAt()]) }

// Value returns the bytes that were stored.
func (e Entry) Value() string { return string(e[e.valueAt():]) }

// Stored returns when the entry was stored, on the caller's clock, up to
// 1.05 ms before the time that Put was given: no TTL is stretched.
func (e Entry) Stored() time.Duration {
	return time.Duration(*(*uint64)(unsafe.Pointer(e.start())) &^ maxSize)
}

// TTL returns for how many seconds the entry is fresh, from Stored on.
func (e Entry) TTL() uint32 { return uint32(e.second().Load() >> ttlAt & maxSeconds) }

// Expires returns when the entry stops to be fresh, on the caller's clock.
func (e Entry) Expires() time.Duration { return e.Stored() + seconds(e.TTL()) }

// StaleUntil returns when the entry stops to be of any use. It is Expires for
// an entry that may not be served stale.
func (e Entry) StaleUntil() time.Duration {
	return e.Expires() + seconds(uint32(e.second().Load()>>staleAt))
}

func (e Entry) valueAt() int { return headerSize + int(e.second().Load()&maxKey) }

// second is the header's second word, which is aligned: Go's allocator aligns
// what has no pointers, and is not smaller than this, to 8 octets at least. It is
// loaded as fast as any.
func (e Entry) second() *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Add(unsafe.Pointer(e.start()), 8))
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }
