package wire

import "encoding/binary"

// linked, in an answer's first octet, says that pointers lead into sets whose
// records change places. A reply in which they do gets its pointers anew: each label
// is written where it is first needed, and pointed to after that, so that it is as
// long in any order.
const linked = 1 << 6

// relinking is what that takes.
type relinking struct {
	base  int      // where the kept records start in a message
	from  int      // where the reply starts
	moved []uint16 // by offset in the kept message: where in the reply a label is, or 0
}

// relink starts a reply with its pointers anew: dst[from:] is header and question.
func (a *arrangement) relink(dst []byte, from int) {
	a.base, a.from = len(dst)-from, from
	n := a.base + len(a.body)
	if len(a.order.moved) < n {
		a.order.moved = make([]uint16, reach)
	}
	a.moved = a.order.moved[:n]
	clear(a.moved)
}

// appendRelinked appends record i and ages it.
func (a *arrangement) appendRelinked(dst []byte, i int) []byte {
	ttl, end := a.ttl(i), a.endOf(i)
	dst = a.appendName(dst, a.start(i), true)
	head := len(dst)
	dst = append(dst, a.body[ttl-4:ttl+6]...) // type, class, TTL, length
	a.age(dst[head+4:], a.body[ttl:])
	at := ttl + 6
	if l := layoutOf(binary.BigEndian.Uint16(dst[head:])); l.names > 0 {
		first := at + before(l, a.body[at:end])
		dst = append(dst, a.body[at:first]...)
		at = first
		for range l.names {
			dst = a.appendName(dst, at, l.compressed)
			at = behindName(a.body, at)
		}
	}
	dst = append(dst, a.body[at:end]...)
	binary.BigEndian.PutUint16(dst[head+8:], uint16(len(dst)-head-10))
	return dst
}

// appendName appends the name at off in the records.
func (a *arrangement) appendName(dst []byte, off int, compressed bool) []byte {
	for {
		c := int(a.body[off])
		switch {
		case c == 0:
			return append(dst, 0)
		case c >= 192:
			to := (c&0x3f)<<8 | int(a.body[off+1])
			if to < a.base { // the question stays where it is
				return append(dst, byte(c), a.body[off+1])
			}
			off = to - a.base
			continue
		}
		at := &a.moved[a.base+off]
		if *at != 0 && compressed {
			return append(dst, 0xc0|byte(*at>>8), byte(*at))
		}
		*at = uint16(len(dst) - a.from)
		dst = append(dst, a.body[off:off+c+1]...)
		off += c + 1
	}
}
