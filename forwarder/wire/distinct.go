package wire

// few is how many records are compared each with each; of more a table is made.
const few = 16

// Distinct reports whether no section of m has a record twice.
func (m *Message) Distinct() bool {
	for s := range m.Sections {
		rrs := m.Section(s)
		for i := range rrs {
			if m.earlier(rrs, i) >= 0 {
				return false
			}
		}
	}
	return true
}

// Dedup drops of rrs what an earlier one of them says (RFC 2181, 5), which gets the
// lesser TTL of both.
func (m *Message) Dedup(rrs []RR) []RR {
	kept := rrs[:0]
	for i := range rrs {
		kept = append(kept, rrs[i])
		last := len(kept) - 1
		if j := m.earlier(kept, last); j >= 0 {
			kept[j].TTL = min(kept[j].TTL, kept[last].TTL)
			kept = kept[:last]
		}
	}
	return kept
}

// earlier returns the number of the record before the last that is the same as
// that, or -1. It is called for each beginning of rrs, one after the other.
func (m *Message) earlier(rrs []RR, last int) int {
	if last < few {
		rr := &rrs[last]
		for i := range rrs[:last] {
			if rrs[i].Type == rr.Type && m.sameRecord(&rrs[i], rr) {
				return i
			}
		}
		return -1
	}
	if last == few {
		m.seen.reset()
		for i := range rrs[:last] {
			m.seen.add(m.hashOf(&rrs[i]), i, func(n int) uint64 { return m.hashOf(&rrs[n]) })
		}
	}
	hash := m.hashOf(&rrs[last])
	i := m.seen.find(hash, func(n int) bool { return m.sameRecord(&rrs[n], &rrs[last]) })
	if i < 0 {
		m.seen.add(hash, last, func(n int) uint64 { return m.hashOf(&rrs[n]) })
	}
	return i
}

func (m *Message) hashOf(rr *RR) uint64 {
	m.scratch = m.appendCanonical(m.scratch[:0], rr)
	return m.seen.hash(m.scratch)
}

// sameRecord reports whether two records are the same but for their TTL.
func (m *Message) sameRecord(a, b *RR) bool {
	if a.Type == TypeA && m.Msg[a.End-1] != m.Msg[b.End-1] { // mostly
		return false
	}
	return a.Type == b.Type && m.sameData(a, b) && sameName(m.Msg, a.Start, b.Start)
}
