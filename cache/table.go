package cache

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"
)

// table finds the entries of a shard. Readers use it without a lock while a
// writer, which holds the shard's, changes it: an entry stays in the slot that
// it was first put in, a slot's pointer is loaded and stored whole, and a
// reader believes nothing but the key that it finds in the entry. A table that
// became too small is replaced as a whole; who still reads the old one sees it
// as it was.
type table struct {
	buckets []bucket // a power of two
	shift   uint8    // of a hash, to the number of its first bucket
}

// bucket is a cache line. An entry stands in its first bucket, or in the next
// behind that which had a free slot.
type bucket struct {
	lanes atomic.Uint64
	slots [ways]atomic.Pointer[byte] // where each entry starts
}

// Byte i of a bucket's lanes belongs to slot i: the low 7 bits are the tag of
// its entry, 0 if the slot is free, and the high bit says that the entry was
// used since that bit was cleared last. The highest byte counts the entries
// that went past this bucket because it was full.
const (
	ways     = 7
	lowBits  = 0x0001010101010101
	usedBits = lowBits << 7
	past     = 1 << 56
	pastMany = 255 * uint64(past) // never decreased again

	// fill is how many entries a bucket has on average before the table
	// grows: one in ten is then not in its first.
	fill = 5
)

// newTable returns a table of 1<<log buckets.
func newTable(log uint8) *table {
	return &table{make([]bucket, 1<<log), 64 - log}
}

func (t *table) log() uint8 { return 64 - t.shift }

func (t *table) full(entries int) bool { return entries > fill*len(t.buckets) }

// tag takes bits that have no part in choosing the bucket, in any table that
// fits in memory.
func tag(hash uint64) uint64 { return max(1, hash>>8&0x7f) }

// matching returns the high bits of the lanes that have the tag.
func matching(lanes, tag uint64) uint64 {
	return (usedBits - (lanes^tag*lowBits)&^usedBits&(past-1)) & usedBits
}

// bucket wraps around at the end of the table.
func (t *table) bucket(i uint64) *bucket { return &t.buckets[i&uint64(len(t.buckets)-1)] }

func slotOf(match uint64) int { return bits.TrailingZeros64(match) >> 3 }

// get returns the entry of the key, and marks it used.
func (t *table) get(hash uint64, key []byte) (Entry, bool) {
	want := tag(hash)
	for i, n := hash>>t.shift, len(t.buckets); n > 0; i, n = i+1, n-1 {
		b := t.bucket(i)
		lanes := b.lanes.Load()
		for m := matching(lanes, want); m != 0; m &= m - 1 {
			start := b.slots[slotOf(m)].Load()
			if start == nil {
				continue
			}
			e := entryAt(start)
			if e.Key() != string(key) {
				continue
			}
			if used := m & -m; lanes&used == 0 {
				b.lanes.Or(used)
			}
			return e, true
		}
		if lanes < past {
			break
		}
	}
	return "", false
}

// place is where an entry stands: the number of its bucket, not wrapped
// around, so that it is not less than the number of its first.
type place struct {
	bucket uint64
	slot   int
}

// find returns the place of the entry whose key has the hash. This and all
// below is for the writer.
func (t *table) find(seed maphash.Seed, hash uint64) (place, Entry) {
	want := tag(hash)
	for i, n := hash>>t.shift, len(t.buckets); n > 0; i, n = i+1, n-1 {
		b := t.bucket(i)
		lanes := b.lanes.Load()
		for m := matching(lanes, want); m != 0; m &= m - 1 {
			e := entryAt(b.slots[slotOf(m)].Load())
			if maphash.String(seed, e.Key()) == hash {
				return place{i, slotOf(m)}, e
			}
		}
		if lanes < past {
			break
		}
	}
	return place{}, ""
}

// insert adds an entry whose hash the table does not have. The table must not
// be full. used is 0x80 if the entry was used.
func (t *table) insert(hash uint64, e Entry, used uint64) {
	first := hash >> t.shift
	i := first
	for matching(t.bucket(i).lanes.Load(), 0) == 0 {
		i++
	}
	b := t.bucket(i)
	slot := slotOf(matching(b.lanes.Load(), 0))
	b.slots[slot].Store(e.start())
	b.setLane(slot, tag(hash)|used)
	for ; first < i; first++ {
		t.bucket(first).passed(1)
	}
}

func (t *table) replace(p place, e Entry) { t.bucket(p.bucket).slots[p.slot].Store(e.start()) }

func (t *table) delete(hash uint64, p place) {
	b := t.bucket(p.bucket)
	b.setLane(p.slot, 0)
	b.slots[p.slot].Store(nil)
	for first := hash >> t.shift; first < p.bucket; first++ {
		t.bucket(first).passed(-1)
	}
}

// forget clears the mark of use at p, and reports whether it was set.
func (t *table) forget(p place) bool {
	used := uint64(0x80) << (8 * p.slot)
	return t.bucket(p.bucket).lanes.And(^used)&used != 0
}

// grown returns a table of twice the size with the same entries.
func (t *table) grown(seed maphash.Seed) *table {
	big := newTable(t.log() + 1)
	for i := range t.buckets {
		b := &t.buckets[i]
		lanes := b.lanes.Load()
		for slot := range b.slots {
			if start := b.slots[slot].Load(); start != nil {
				e := entryAt(start)
				big.insert(maphash.String(seed, e.Key()), e, lanes>>(8*slot)&0x80)
			}
		}
	}
	return big
}

// setLane competes with readers that mark entries as used, with nobody else.
func (b *bucket) setLane(slot int, lane uint64) {
	for {
		lanes := b.lanes.Load()
		if b.lanes.CompareAndSwap(lanes, lanes&^(0xff<<(8*slot))|lane<<(8*slot)) {
			return
		}
	}
}

// passed counts n entries more that went past the bucket. A count that got to
// its end stays there, and costs readers a needless look at the next bucket.
func (b *bucket) passed(n int64) {
	if b.lanes.Load() < pastMany {
		b.lanes.Add(uint64(n) * past)
	}
}

// each calls yield with each entry until that returns false, and reports whether
// it never did.
func (t *table) each(yield func(Entry) bool) bool {
	for i := range t.buckets {
		for slot := range ways {
			if start := t.buckets[i].slots[slot].Load(); start != nil && !yield(entryAt(start)) {
				return false
			}
		}
	}
	return true
}

// eachMarked is each for those that are marked as used, or for the others.
func (t *table) eachMarked(used bool, yield func(Entry) bool) bool {
	for i := range t.buckets {
		b := &t.buckets[i]
		lanes := b.lanes.Load()
		for slot := range ways {
			start := b.slots[slot].Load()
			if start != nil && lanes>>(8*slot)&0x80 != 0 == used && !yield(entryAt(start)) {
				return false
			}
		}
	}
	return true
}
