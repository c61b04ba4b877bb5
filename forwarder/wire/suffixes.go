package wire

// suffixes are the names that stand in a message that is being written, and all
// that they end in: a tree of labels below the root, which has number 0.
type suffixes struct {
	labels []suffix
	index  index
	buf    []byte
}

type suffix struct {
	hash   uint64
	parent uint16
	at     uint16 // where in the message it stands
}

func (s *suffixes) reset() {
	s.labels = append(s.labels[:0], suffix{})
	s.index.reset()
}

// hash is that of a label below parent.
func (s *suffixes) hash(parent int, l []byte) uint64 {
	s.buf = append(append(s.buf[:0], byte(parent>>8), byte(parent)), l...)
	return s.index.hash(s.buf)
}

// child returns the number of label l below parent in msg, or -1. Letters keep their
// case: another one is another label.
func (s *suffixes) child(msg []byte, parent int, l []byte, hash uint64) int {
	return s.index.find(hash, func(n int) bool {
		c := &s.labels[n]
		if c.hash != hash || int(c.parent) != parent {
			return false
		}
		have, _ := label(msg, int(c.at))
		return string(have) == string(l)
	})
}

// add adds a label below parent, which stands at an offset that pointers reach, and
// returns its number.
func (s *suffixes) add(parent int, hash uint64, at int) int {
	n := len(s.labels)
	s.labels = append(s.labels, suffix{hash, uint16(parent), uint16(at)})
	s.index.add(hash, n, func(n int) uint64 { return s.labels[n].hash })
	return n
}
