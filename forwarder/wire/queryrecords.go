package wire

import "encoding/binary"

// maxQueryRecords may stand behind a question. An OPT, a TSIG and the SOA of an
// IXFR make sense there; hundreds with names of a hundred pointers each would
// cost a millisecond.
const maxQueryRecords = 16

// Sections of records, as count and BIND number them.
const (
	answer     = 1
	authority  = 2
	additional = 3
)

// rest reads what stands behind the question: any sound records may, but only
// OPT and TSIG mean something.
func (q *Query) rest(msg []byte, off int) Fault {
	an, ns, ar := count(msg, answer), count(msg, authority), count(msg, additional)
	n := an + ns + ar
	if n > maxQueryRecords {
		return BadRecord
	}
	var rr RR
	for i := range n {
		if !rr.parse(msg, off) {
			return BadRecord
		}
		off = rr.End
		section := answer
		switch {
		case i >= an+ns:
			section = additional
		case i >= an:
			section = authority
		}
		if f := q.record(msg, &rr, section, i == n-1); f != Sound {
			return f
		}
	}
	return q.rank(n > 0 && rr.Type == TypeTSIG)
}

// record looks at one record behind the question.
func (q *Query) record(msg []byte, rr *RR, section int, last bool) Fault {
	switch rr.Type {
	case TypeOPT:
		if section != additional || q.EDNS.Present || !rr.atRoot(msg) {
			return BadRecord
		}
		return q.EDNS.parse(msg, rr)
	case TypeTSIG: // RFC 8945, 5.1
		if section != additional || !last || rr.Class != ClassANY || !soundTSIG(msg[:rr.End], rr.RData) {
			return BadRecord
		}
		return Sound
	case TypeTKEY: // of any class, and where Windows 2000 had it
		if section == authority || !soundTKEY(msg[:rr.End], rr.RData) {
			return BadRecord
		}
		return Sound
	}
	if q.Question == nil && q.Class == 0 {
		q.Class = rr.Class
	}
	switch {
	case !q.soundRecord(msg, rr, section):
		return BadRecord
	case rr.isSIG0(msg) && (section != additional || !last || !rr.atRoot(msg)): // RFC 2931, 3
		return BadSIG0
	}
	return Sound
}

// soundTSIG reports whether a TSIG's data, from off to the end of msg, has the
// lengths that it says (RFC 8945, 4.2).
func soundTSIG(msg []byte, off int) bool {
	algorithm, _ := skipName(msg, off)
	mac := skipCounted(msg, algorithm+8)                        // behind time signed and fudge
	return algorithm > 0 && skipCounted(msg, mac+4) == len(msg) // behind original ID and error
}

// soundTKEY does so for a TKEY's (RFC 2930, 2).
func soundTKEY(msg []byte, off int) bool {
	algorithm, _ := skipName(msg, off)
	key := skipCounted(msg, algorithm+12) // behind inception, expiration, mode and error
	return algorithm > 0 && skipCounted(msg, key) == len(msg)
}

// skipCounted returns the offset behind octets that stand at off behind their
// number, or one past the end of msg.
func skipCounted(msg []byte, off int) int {
	if off+2 > len(msg) {
		return len(msg) + 1
	}
	return off + 2 + int(binary.BigEndian.Uint16(msg[off:]))
}

// isSIG0 reports whether the record signs the message, as it covers no type
// (RFC 2931, 3). BIND takes no notice of what it says.
func (rr *RR) isSIG0(msg []byte) bool {
	return rr.Type == typeSIG && rr.End-rr.RData >= 2 && binary.BigEndian.Uint16(msg[rr.RData:]) == 0
}

// soundRecord reports whether a record that a query has no need of is well formed
// and of the question's class.
func (q *Query) soundRecord(msg []byte, rr *RR, section int) bool {
	update := q.Opcode() == OpcodeUpdate
	switch {
	case update && isValueless(rr.Class, section):
		return rr.RData == rr.End
	case rr.Type == 0 || rr.Type == TypeRRSIG || !update && isOnlyAsked(rr.Type):
		return false
	case (!update || rr.Type == typeSIG) && rr.Class != q.Class && q.Class != ClassANY && !rr.isSIG0(msg):
		return false
	}
	class := rr.Class
	if update && section == authority && class == ClassNONE {
		class = q.Class // it is to be deleted from the zone (RFC 2136, 2.5.4)
	}
	return soundData(msg, rr, class)
}

// isValueless reports whether an UPDATE's record of this class has no data
// (RFC 2136, 2.4 and 2.5).
func isValueless(class uint16, section int) bool {
	return section != additional && class == ClassANY || section == answer && class == ClassNONE
}

// isOnlyAsked reports whether there are no records of a type, only questions.
func isOnlyAsked(rtype uint16) bool { return rtype >= TypeIXFR && rtype <= TypeANY }

// soundData reports whether the data of a record is well formed for a class.
func soundData(msg []byte, rr *RR, class uint16) bool {
	m := Message{Msg: msg, stray: true} // where names point does not matter
	switch {
	case class == ClassCH && rr.Type == TypeA: // a domain, and an address in it
		end, _ := skipName(msg[:rr.End], rr.RData)
		return end > 0 && end+2 == rr.End
	case class != ClassIN && isOfIN(rr.Type) && !(class == ClassHS && rr.Type == TypeA):
		return true // BIND knows nothing of it
	}
	signer, _ := skipName(msg[:rr.End], min(rr.RData+18, rr.End))
	return m.rdata(rr) && (rr.Type != typeSIG || signer < rr.End)
}

// isOfIN reports whether a type's data is an address or another thing of class
// IN alone (RFC 3597, 3).
func isOfIN(rtype uint16) bool {
	switch rtype {
	case TypeA, TypeAAAA, 26, 33, 36: // PX SRV KX
		return true
	}
	return false
}
