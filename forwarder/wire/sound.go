package wire

import "encoding/binary"

// mostSingletons is how many CNAME, DNAME or SOA records a section may have: far
// more than a chain that anybody follows.
const mostSingletons = 255

// sound reports whether rr, the next record of its section, which begins with record
// first, may stand there.
func (m *Message) sound(rr *RR, first int) bool {
	if rr.Class != binary.BigEndian.Uint16(m.Question[len(m.Question)-2:]) {
		return rr.Type == TypeOPT || rr.Type == TypeTSIG
	}
	switch rr.Type {
	case TypeCNAME, TypeDNAME, TypeSOA:
		return m.only(rr, m.RRs[first:])
	case typeNSEC3:
		l, _ := label(m.Msg, follow(m.Msg, rr.Start))
		return base32hex(l)
	}
	return true
}

// only reports whether none of the records before rr gives its name another record
// of its type, of which there can be one (RFC 1034, 3.6.2; RFC 6672, 2.4).
func (m *Message) only(rr *RR, before []RR) bool {
	n := 0
	for i := range before {
		other := &before[i]
		if other.Type != rr.Type {
			continue
		}
		if n++; n == mostSingletons || sameName(m.Msg, other.Start, rr.Start) && !m.sameData(other, rr) {
			return false
		}
	}
	return true
}

// base32hex reports whether l is a hash in base 32, without padding (RFC 5155, 3.3;
// RFC 4648, 7).
func base32hex(l []byte) bool {
	var last byte
	for _, c := range l {
		switch c = lower(c); {
		case c >= '0' && c <= '9':
			last = c - '0'
		case c >= 'a' && c <= 'v':
			last = c - 'a' + 10
		default:
			return false
		}
	}
	spare := 5 * len(l) % 8 // bits behind the last octet
	return spare < 5 && last&(1<<spare-1) == 0
}
