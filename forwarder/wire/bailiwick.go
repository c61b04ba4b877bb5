package wire

import "encoding/binary"

// Denies reports whether rr may stand in the authority section of a negative answer
// whose chain ends at the name at final: the SOA of a zone that has that name, or the
// one asked (RFC 2308, 3), and proofs.
func (m *Message) Denies(rr *RR, final int) bool {
	switch rr.Type {
	case TypeSOA:
		return m.isAbove(rr.Start, final) || m.isAbove(rr.Start, HeaderLen)
	case TypeRRSIG:
		t := m.Covered(rr)
		return t == TypeSOA || t == typeNSEC || t == typeNSEC3
	}
	return rr.Type == typeNSEC || rr.Type == typeNSEC3
}

// Covered returns the type that a signature covers (RFC 4034, 3.1), or 0.
func (m *Message) Covered(rr *RR) uint16 {
	if rr.End-rr.RData < 2 {
		return 0
	}
	return binary.BigEndian.Uint16(m.Msg[rr.RData:])
}

// isAbove reports whether the checked name at off has the one at zone, or is
// the same.
func (m *Message) isAbove(zone, off int) bool {
	return sameName(m.Msg, zone, off) || below(m.Msg, off, zone)
}

// SameName reports whether two checked names are equal but for case.
func (m *Message) SameName(a, b int) bool { return sameName(m.Msg, a, b) }

// Below reports whether the checked name at off is a proper subdomain of the one at
// parent.
func (m *Message) Below(off, parent int) bool { return below(m.Msg, off, parent) }

// Labels counts the labels of the checked name at off, without the root.
func (m *Message) Labels(off int) int { return labels(m.Msg, off) }

// FirstName returns where the first name in a record's data is, or 0.
func (m *Message) FirstName(rr *RR) int {
	l := layoutOf(rr.Type)
	if l.names == 0 {
		return 0
	}
	return rr.RData + before(l, m.Msg[rr.RData:rr.End])
}
