package wire

import "slices"

// reach is how far into a message a compression pointer reaches: it has 14
// bits (RFC 1035, 4.1.4).
const reach = 1 << 14

// offsets is a set of offsets that pointers can reach, a bit for each.
type offsets []uint64

// reset returns the empty set for a message of n octets.
func (s offsets) reset(n int) offsets {
	words := (min(n, reach) + 63) / 64
	s = slices.Grow(s[:0], words)[:words]
	clear(s)
	return s
}

func (s offsets) add(off int) {
	if off < 64*len(s) {
		s[off/64] |= 1 << (off % 64)
	}
}

func (s offsets) has(off int) bool { return s[off/64]>>(off%64)&1 != 0 }

// any reports whether an offset in [from, to) is in the set.
func (s offsets) any(from, to int) bool {
	to = min(to, 64*len(s))
	for from < to {
		word := s[from/64] >> (from % 64)
		if n := to - from; n < 64 {
			word &= 1<<n - 1
		}
		if word != 0 {
			return true
		}
		from = (from | 63) + 1
	}
	return false
}

// addName adds where the checked name at off has its labels and its pointer.
func (s offsets) addName(msg []byte, off int) {
	for {
		s.add(off)
		c := int(msg[off])
		if c == 0 || c >= 64 {
			return
		}
		off += c + 1
	}
}
