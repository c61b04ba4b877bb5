package wire

// maxName is the longest name in octets, root label included (RFC 1035, 3.1).
const maxName = 255

// maxPointers bounds the compression pointers of one name: one behind each of
// 126 labels leads to the last.
const maxPointers = 126

// plainName returns the offset behind the uncompressed name at off, or 0 when
// there is no whole valid name. Questions are not compressed: nothing stands
// before them that a pointer could mean.
func plainName(msg []byte, off int) int {
	for start := off; off < len(msg); {
		c := int(msg[off])
		off += c + 1
		if c > 63 || off-start > maxName {
			return 0
		}
		if c == 0 {
			return off
		}
	}
	return 0
}

// skipName returns the offset behind the name at off, or 0 when it is broken:
// out of bounds, too long, or with a pointer that does not point back
// (RFC 1035, 4.1.4). target is the first pointer's, or 0.
func skipName(msg []byte, off int) (end, target int) {
	length, low := 0, off
	for hops := 0; off < len(msg); {
		c := int(msg[off])
		switch {
		case c == 0:
			if end == 0 {
				end = off + 1
			}
			return end, target
		case c < 64:
			length += c + 1
			off += c + 1
			if length >= maxName {
				return 0, 0
			}
		case c < 192 || off+1 >= len(msg):
			return 0, 0
		default:
			t := (c&0x3f)<<8 | int(msg[off+1])
			if end == 0 {
				end, target = off+2, t
			}
			if hops++; hops > maxPointers || t >= low || t < HeaderLen {
				return 0, 0
			}
			off, low = t, t
		}
	}
	return 0, 0
}

// behindName returns the offset behind the checked name at off.
func behindName[T string | []byte](msg T, off int) int {
	for msg[off] > 0 && msg[off] < 64 {
		off += 1 + int(msg[off])
	}
	if msg[off] == 0 {
		return off + 1
	}
	return off + 2
}

// follow returns where the checked name at off really stands.
func follow(msg []byte, off int) int {
	for msg[off] >= 192 {
		off = int(msg[off]&0x3f)<<8 | int(msg[off+1])
	}
	return off
}

// label returns the label at off, and the offset behind it.
func label(msg []byte, off int) (l []byte, next int) {
	next = off + 1 + int(msg[off])
	return msg[off+1 : next], next
}

// sameName reports whether two checked names of msg are equal but for case.
func sameName(msg []byte, a, b int) bool {
	for {
		if a, b = follow(msg, a), follow(msg, b); a == b {
			return true
		}
		la, na := label(msg, a)
		lb, nb := label(msg, b)
		if !equalFold(la, lb) {
			return false
		}
		if len(la) == 0 {
			return true
		}
		a, b = na, nb
	}
}

// below reports whether the checked name at off is a proper subdomain of the
// one at parent.
func below(msg []byte, off, parent int) bool {
	extra := labels(msg, off) - labels(msg, parent)
	if extra <= 0 {
		return false
	}
	for range extra {
		_, off = label(msg, follow(msg, off))
	}
	return sameName(msg, off, parent)
}

// labels counts the labels of the checked name at off, without the root.
func labels(msg []byte, off int) (n int) {
	for {
		l, next := label(msg, follow(msg, off))
		if len(l) == 0 {
			return n
		}
		n++
		off = next
	}
}

// AppendName appends the checked name at off uncompressed and in lower case.
func AppendName(dst, msg []byte, off int) []byte {
	for {
		l, next := label(msg, follow(msg, off))
		dst = append(dst, byte(len(l)))
		dst = AppendLower(dst, l)
		if len(l) == 0 {
			return dst
		}
		off = next
	}
}
