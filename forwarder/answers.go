package forwarder

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cache"
	"vpcdns/forwarder/wire"
)

// A cache entry's value is the number of the server that gave the answer, that of its
// zone, and the answer. The highest bit says that signatures were left out: who sets
// DO is answered from the entry beside it, with wire.KeyDO among its bits.

const (
	strippedBit = 0x80
	originLen   = 2 // octets
)

// origin is where an answer came from.
type origin struct {
	server uint8  // of state.serverNumbers
	zone   uint16 // of zoneNumbers
}

func (o origin) append(dst []byte) []byte { return append(dst, o.server, byte(o.zone)) }

func splitValue(v string) (zone uint16, ans wire.Answer) {
	return uint16(v[1]), wire.Answer(v[originLen:])
}

// originOf returns where an entry came from.
func originOf(e cache.Entry) origin {
	v := e.Value()
	return origin{v[0] &^ strippedBit, uint16(v[1])}
}

// suits reports whether an entry may be given to who sets DO, or does not.
func suits(e cache.Entry, do bool) bool { return !do || e.Value()[0]&strippedBit == 0 }

// findFresh returns a fresh answer to the question of key, which is as upstream is
// asked, for who sets DO or does not. It leaves key as it was.
func findFresh(c *cache.Cache, key wire.Key, hash uint64, do bool, now time.Duration) (cache.Entry, bool) {
	e, ok := c.Get(hash, key)
	fresh := ok && now < e.Expires()
	if fresh && suits(e, do) {
		return e, true
	}
	return findOther(c, key, do, fresh, now)
}

// findOther looks where an answer can be found too: with signatures, if the one
// under key is fresh but stripped of them; with the bits that are good for the
// question as well; and where the name does not exist. An NXDOMAIN holds for every
// type of its name (RFC 2308, 5).
func findOther(c *cache.Cache, key wire.Key, do, stripped bool, now time.Duration) (e cache.Entry, ok bool) {
	asked, rtype := key.Bits(), key.Type()
	if stripped {
		e, ok = getFresh(c, key, asked|wire.KeyDO, do, now)
	}
	if !ok && asked&wire.KeyCD != 0 {
		e, ok = getFresh(c, key, 0, do, now)
	}
	if !ok && anyType(rtype) {
		key.SetType(0)
		if e, ok = getFresh(c, key, wire.KeyAllTypes, do, now); !ok && asked&wire.KeyCD != 0 {
			e, ok = getFresh(c, key, wire.KeyAllTypes|wire.KeyCD, do, now)
		}
		key.SetType(rtype)
	}
	key.SetBits(asked)
	return e, ok
}

// getFresh returns the fresh entry with these bits in place of key's, or the one
// with signatures beside it.
func getFresh(c *cache.Cache, key wire.Key, bits wire.KeyBits, do bool, now time.Duration) (cache.Entry, bool) {
	key.SetBits(bits)
	e, ok := c.Get(c.Hash(key), key)
	if !ok || now >= e.Expires() || suits(e, do) {
		return e, ok && now < e.Expires()
	}
	key.SetBits(bits | wire.KeyDO)
	e, ok = c.Get(c.Hash(key), key)
	return e, ok && now < e.Expires()
}

// anyType reports whether an NXDOMAIN for one type holds for rtype, and the other
// way round: a DS record is the parent's, whose servers may be others.
func anyType(rtype uint16) bool { return rtype != dns.TypeDS }

// answers are one answer as clients get it: with signatures for those who set
// DO, and without.
type answers struct{ plain, signed wire.Answer }

func both(ans wire.Answer) answers { return answers{ans, ans} }

func (a answers) forDO(do bool) wire.Answer {
	if do {
		return a.signed
	}
	return a.plain
}

// answersOf returns the answer of an entry under key, with its signatures from
// beside it.
func answersOf(c *cache.Cache, key wire.Key, e cache.Entry) answers {
	_, plain := splitValue(e.Value())
	if suits(e, true) {
		return both(plain)
	}
	beside := slices.Clone(key) // others may read it
	beside.SetBits(key.Bits() | wire.KeyDO)
	s, ok := c.Get(c.Hash(beside), beside)
	if !ok {
		return both(plain)
	}
	_, signed := splitValue(s.Value())
	return answers{plain, signed}
}

// mostTypes are the types that a name has as a rule: those are looked at when it
// is said not to exist.
var mostTypes = [...]uint16{
	dns.TypeA, dns.TypeAAAA, dns.TypeCNAME, dns.TypeMX, dns.TypeTXT, dns.TypeSRV,
	dns.TypeNS, dns.TypeSOA, dns.TypePTR, dns.TypeSVCB, dns.TypeHTTPS,
}

// hasData reports whether there are fresh data of key's name.
func hasData(c *cache.Cache, key wire.Key, now time.Duration) (found bool) {
	eachType(key, func() {
		bits := key.Bits()
		for _, b := range [...]wire.KeyBits{bits, bits ^ wire.KeyCD} { // dropData drops both
			key.SetBits(b)
			if e, ok := c.Get(c.Hash(key), key); ok && now < e.Expires() {
				found = true
			}
		}
		key.SetBits(bits)
	})
	return found
}

// dropData drops the data of key's name, whatever upstream was told of them.
func dropData(c *cache.Cache, key wire.Key) {
	eachType(key, func() { dropBits(c, key) })
}

// dropAnswer drops the entry of key, and the one with signatures beside it.
func dropAnswer(c *cache.Cache, key wire.Key) {
	bits := key.Bits()
	for _, b := range [...]wire.KeyBits{bits, bits | wire.KeyDO} {
		key.SetBits(b)
		c.Delete(c.Hash(key), key)
	}
	key.SetBits(bits)
}

// dropBits drops the entries of key's name and type, with all bits but those that
// make it another question's.
func dropBits(c *cache.Cache, key wire.Key) {
	bits := key.Bits()
	for b := range wire.KeyDO | wire.KeyCD + 1 {
		key.SetBits(b | bits&wire.KeyAllTypes)
		c.Delete(c.Hash(key), key)
	}
	key.SetBits(bits)
}

// forAllTypes returns a copy of key, in buf, that stands for all types of its name.
func forAllTypes(buf []byte, key wire.Key) wire.Key {
	all := append(wire.Key(buf[:0]), key...)
	all.SetType(0)
	all.SetBits(key.Bits() | wire.KeyAllTypes)
	return all
}

// eachType calls f with key changed to each of its name's usual types, and its
// own.
func eachType(key wire.Key, f func()) {
	rtype := key.Type()
	f()
	for _, t := range mostTypes {
		if t != rtype {
			key.SetType(t)
			f()
		}
	}
	key.SetType(rtype)
}

// repeatFor is how long an answer without TTL is given again: what has a TTL of 0
// is no licence for one packet a query.
const repeatFor = 100 * time.Millisecond

// repeats keeps answers that have no TTL left for that long. It is bounded: where
// two meet the newer stays.
type repeats struct {
	slots [1024]atomic.Pointer[repeat]
}

type repeat struct {
	key     string
	came    time.Duration
	asOf    time.Duration // TTLs count from then
	zone    uint16
	answers answers
}

func (r *repeats) put(hash uint64, p *repeat) { r.slots[hash%uint64(len(r.slots))].Store(p) }

// get returns what came for key lately, or nil.
func (r *repeats) get(hash uint64, key wire.Key, now time.Duration) *repeat {
	p := r.slots[hash%uint64(len(r.slots))].Load()
	if p == nil || p.key != string(key) || now-p.came >= repeatFor {
		return nil
	}
	return p
}

// drop forgets what came for key.
func (r *repeats) drop(hash uint64, key wire.Key) {
	slot := &r.slots[hash%uint64(len(r.slots))]
	if p := slot.Load(); p != nil && p.key == string(key) {
		slot.CompareAndSwap(p, nil)
	}
}

func (r *repeats) clear() {
	for i := range r.slots {
		r.slots[i].Store(nil)
	}
}
