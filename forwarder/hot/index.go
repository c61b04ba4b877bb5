package hot

import "math/bits"

// index finds numbers by key: linear probing, never more than half full. It allocates
// nothing once it is made, which a map does not promise to who deletes.
type index struct {
	slots []slot
	mask  uint64
}

type slot struct {
	key    uint64
	number uint32 // plus one; 0: empty
}

func newIndex(size int) index {
	n := uint64(1) << bits.Len(uint(2*size-1))
	return index{slots: make([]slot, n), mask: n - 1}
}

// find returns the place of key, or the empty one where it belongs.
func (x *index) find(key uint64) uint64 {
	i := key & x.mask
	for x.slots[i].number != 0 && x.slots[i].key != key {
		i = (i + 1) & x.mask
	}
	return i
}

func (x *index) get(key uint64) (number uint32, ok bool) {
	s := x.slots[x.find(key)]
	return s.number - 1, s.number != 0
}

func (x *index) put(key uint64, number uint32) { x.slots[x.find(key)] = slot{key, number + 1} }

// delete closes the gap: what stands behind it moves up, as far as it may.
func (x *index) delete(key uint64) {
	gap := x.find(key)
	for i := (gap + 1) & x.mask; x.slots[i].number != 0; i = (i + 1) & x.mask {
		if distance := (i - x.slots[i].key) & x.mask; distance >= (i-gap)&x.mask {
			x.slots[gap] = x.slots[i]
			gap = i
		}
	}
	x.slots[gap] = slot{}
}
