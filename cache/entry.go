package cache

import (
	"encoding/binary"
	"strings"
	"time"
	"unsafe"
)

// Entry is one answer with its key and times: an immutable string, which stays
// valid after it left the cache. Only Put, Get and DeleteFunc make Entries; the
// methods of other strings panic.
//
// Layout: two words, little endian, then the key, then the value. The low 20
// bits of the first word are the length of all, the rest is the time stored in
// units of 2^20 ns. The second word is, from the low end, 12 bits of length of
// the key, 26 of TTL and 26 of seconds stale. With so short a header most
// entries fit a smaller size class, and as the length is part of it an entry is
// found by one pointer.
type Entry string

const (
	headerSize = 16
	maxSize    = 1<<20 - 1 // of an entry; the low bits of a time that it costs
	maxKey     = 1<<12 - 1
	maxSeconds = 1<<26 - 1
)

// Times says how long an entry is of use.
type Times struct {
	Stored time.Duration // when, on the caller's monotonic clock, from 0 on
	TTL    uint32        // seconds that it is fresh from then on, at most 2^26 - 1
	Stale  uint32        // seconds more that it may serve as stale, at most as many
}

// newEntry allocates once.
func newEntry(key, value []byte, t Times) Entry {
	size := headerSize + len(key) + len(value)
	var header [headerSize]byte
	binary.LittleEndian.PutUint64(header[:], uint64(t.Stored)&^maxSize|uint64(size))
	binary.LittleEndian.PutUint64(header[8:],
		uint64(min(t.Stale, maxSeconds))<<38|uint64(min(t.TTL, maxSeconds))<<12|uint64(len(key)))

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
	header := Entry(unsafe.String(start, headerSize))
	return Entry(unsafe.String(start, header.word(0)&maxSize))
}

// Key returns the key that the entry was stored with.
func (e Entry) Key() string { return string(e[headerSize:e.valueAt()]) }

// Value returns the bytes that were stored.
func (e Entry) Value() string { return string(e[e.valueAt():]) }

// Stored returns when the entry was stored, on the caller's clock, up to
// 1.05 ms before the time that Put was given: no TTL is stretched.
func (e Entry) Stored() time.Duration { return time.Duration(e.word(0) &^ maxSize) }

// TTL returns for how many seconds the entry is fresh, from Stored on.
func (e Entry) TTL() uint32 { return uint32(e.word(8) >> 12 & maxSeconds) }

// Expires returns when the entry stops to be fresh, on the caller's clock.
func (e Entry) Expires() time.Duration { return e.Stored() + seconds(e.TTL()) }

// StaleUntil returns when the entry stops to be of any use. It is Expires for
// an entry that may not be served stale.
func (e Entry) StaleUntil() time.Duration {
	return e.Expires() + seconds(uint32(e.word(8)>>38))
}

func (e Entry) valueAt() int { return headerSize + int(e.word(8)&maxKey) }

// word is compiled to one load.
func (e Entry) word(at int) uint64 {
	b := e[at : at+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }
