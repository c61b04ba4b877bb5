package cache

import (
	"encoding/binary"
	"strings"
	"time"
)

// Entry is one answer with its key and times: an immutable string, which stays
// valid after it left the cache. Only Get and DeleteFunc make Entries; the
// methods of other strings panic.
//
// Layout, little endian: 8 bytes of which the low 16 bits are the length of
// the key and the others the high bits of the time stored, 4 bytes of TTL, 4
// bytes of seconds stale; then the key, then the value. A time thus loses up
// to 65.5 µs, always towards the past so that no TTL is stretched, for a header of
// 16 bytes: one size class less.
type Entry string

const (
	headerSize = 16
	maxKey     = 1<<16 - 1
)

// Times says how long an entry is of use.
type Times struct {
	Stored time.Duration // when, on the caller's monotonic clock
	TTL    uint32        // seconds that it is fresh from then on
	Stale  uint32        // seconds more that it may serve as stale
}

// newEntry allocates once. The key must not be longer than maxKey.
func newEntry(key, value []byte, t Times) Entry {
	var header [headerSize]byte
	stored := uint64(t.Stored) &^ maxKey
	binary.LittleEndian.PutUint64(header[:], stored|uint64(len(key)))
	binary.LittleEndian.PutUint32(header[8:], t.TTL)
	binary.LittleEndian.PutUint32(header[12:], t.Stale)

	var b strings.Builder
	b.Grow(headerSize + len(key) + len(value))
	b.Write(header[:])
	b.Write(key)
	b.Write(value)
	return Entry(b.String())
}

// Key returns the key that the entry was stored with.
func (e Entry) Key() string { return string(e[headerSize:e.valueAt()]) }

// Value returns the bytes that were stored.
func (e Entry) Value() string { return string(e[e.valueAt():]) }

// Stored returns when the entry was stored, on the caller's clock, up to
// 65.5 µs before the time that Put was given.
func (e Entry) Stored() time.Duration { return time.Duration(e.word() &^ maxKey) }

// TTL returns for how many seconds the entry is fresh, from Stored on.
func (e Entry) TTL() uint32 { return e.number(8) }

// Expires returns when the entry stops to be fresh, on the caller's clock.
func (e Entry) Expires() time.Duration { return e.Stored() + seconds(e.TTL()) }

// StaleUntil returns when the entry stops to be of any use. It is Expires for
// an entry that may not be served stale.
func (e Entry) StaleUntil() time.Duration { return e.Expires() + seconds(e.number(12)) }

func (e Entry) valueAt() int { return headerSize + int(e.word()&maxKey) }

// word and number are each compiled to one load.
func (e Entry) word() uint64 { return uint64(e.number(0)) | uint64(e.number(4))<<32 }

func (e Entry) number(at int) uint32 {
	b := e[at : at+4]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }
