package wire

import "encoding/binary"

// InBailiwick reports whether m, whose chain is c, says only what it was asked:
// the records of the authority section are about its zones or prove that a name does
// not exist, and the additional section is empty but for an OPT.
func (m *Message) InBailiwick(c Chain) bool {
	for i := range m.Section(1) {
		if !m.denies(&m.Section(1)[i], c) {
			return false
		}
	}
	extra := m.Section(2)
	return len(extra) == 0 || len(extra) == 1 && extra[0].Type == TypeOPT
}

// denies reports whether rr belongs to a negative answer: the SOA of a zone
// that has the name asked or the end of its chain (RFC 2308, 3), or a proof.
func (m *Message) denies(rr *RR, c Chain) bool {
	switch rr.Type {
	case TypeSOA:
		return m.isAbove(rr.Start, c.Final) || m.isAbove(rr.Start, HeaderLen)
	case TypeRRSIG:
		t := m.covered(rr)
		return t == TypeSOA || t == typeNSEC || t == typeNSEC3
	case typeNSEC, typeNSEC3:
		return true
	}
	return false
}

// covered returns the type that a signature covers (RFC 4034, 3.1), or 0.
func (m *Message) covered(rr *RR) uint16 {
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
