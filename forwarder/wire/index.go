package wire

import "hash/maphash"

// index finds numbered things by a hash: an open table, whose memory is used again.
type index struct {
	seed  maphash.Seed
	slots []uint16 // number + 1, or 0; of a power of two
	used  int
}

const leastSlots = 64

// reset empties the table.
func (x *index) reset() {
	if x.slots == nil {
		x.seed, x.slots = maphash.MakeSeed(), make([]uint16, leastSlots)
	}
	clear(x.slots)
	x.used = 0
}

func (x *index) hash(b []byte) uint64 { return maphash.Bytes(x.seed, b) }

// find returns the number of the thing with that hash for which same is true, or -1.
func (x *index) find(hash uint64, same func(number int) bool) int {
	for i := hash; ; i++ {
		switch n := int(x.slots[i%uint64(len(x.slots))]); {
		case n == 0:
			return -1
		case same(n - 1):
			return n - 1
		}
	}
}

// add puts in a number. hashOf gives the hash of one that is in.
func (x *index) add(hash uint64, number int, hashOf func(number int) uint64) {
	if 2*x.used >= len(x.slots) {
		old := x.slots
		x.slots = make([]uint16, 2*len(old))
		for _, n := range old {
			if n != 0 {
				x.put(hashOf(int(n-1)), n)
			}
		}
	}
	x.put(hash, uint16(number+1))
	x.used++
}

func (x *index) put(hash uint64, n uint16) {
	for i := hash; ; i++ {
		if slot := &x.slots[i%uint64(len(x.slots))]; *slot == 0 {
			*slot = n
			return
		}
	}
}
