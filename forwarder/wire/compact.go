package wire

// writtenName is a name with labels of its own before its end or pointer.
type writtenName struct {
	at         int
	compressed bool // as far as possible, or it should be; else it must not be
}

// maxWritten is how many such names are compared with each other; more than that
// are written anew, which costs less. Most answers have one to three.
const maxWritten = 8

// Compact reports whether all names are compressed as far as they can be (RFC 1035,
// 4.1.4), and none that must not be (RFC 3597, 4).
func (m *Message) Compact() bool {
	if m.overdone {
		return false
	}
	end := HeaderLen
	if len(m.RRs) > 0 {
		end = m.RRs[len(m.RRs)-1].End
	}
	for i, w := range m.written {
		if w.at >= end {
			break
		}
		if i == maxWritten || w.compressed && m.isLong(i) {
			return false
		}
	}
	return true
}

// isLong reports whether written name i has more in common with a name before it
// than it has behind its own labels.
func (m *Message) isLong(i int) bool {
	at := m.written[i].at
	own := 0
	for off := at; m.Msg[off] > 0 && m.Msg[off] < 64; off += 1 + int(m.Msg[off]) {
		own++
	}
	least := labels(m.Msg, at) - own
	if common(m.Msg, at, HeaderLen) > least {
		return true
	}
	for _, w := range m.written[:i] {
		if w.at < reach && common(m.Msg, at, w.at) > least {
			return true
		}
	}
	return false
}

// common counts the labels that two checked names end in, in the same case of letters.
func common(msg []byte, a, b int) (n int) {
	for extra := labels(msg, a) - labels(msg, b); extra != 0; {
		if extra > 0 {
			_, a = label(msg, follow(msg, a))
			extra--
		} else {
			_, b = label(msg, follow(msg, b))
			extra++
		}
	}
	for {
		la, na := label(msg, follow(msg, a))
		lb, nb := label(msg, follow(msg, b))
		switch {
		case len(la) == 0:
			return n
		case string(la) == string(lb):
			n++
		default:
			n = 0
		}
		a, b = na, nb
	}
}
