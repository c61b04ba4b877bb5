package wire

import "encoding/binary"

// RR says where a record lies in its message, in octets from the message's
// start, and what its fixed fields hold.
type RR struct {
	Start, RData, End int
	TTL               uint32
	Type, Class       uint16
}

// maxTTL is the longest TTL in seconds. One with the top bit set is taken for 0
// (RFC 2181, 8).
const maxTTL = 1<<31 - 1

// ttlAt returns the offset of the record's TTL field.
func (rr *RR) ttlAt() int { return rr.RData - 6 }

// atRoot reports whether the record's owner is the root.
func (rr *RR) atRoot(msg []byte) bool { return msg[follow(msg, rr.Start)] == 0 }

// parse reads the record at off and checks its owner name and length.
func (rr *RR) parse(msg []byte, off int) bool {
	end, _ := skipName(msg, off)
	return rr.fields(msg, off, end)
}

// fields reads the record at off behind its owner name, which ends at end, or
// is broken when that is 0.
func (rr *RR) fields(msg []byte, off, end int) bool {
	if end == 0 || end+10 > len(msg) {
		return false
	}
	rr.Start, rr.RData = off, end+10
	rr.Type = binary.BigEndian.Uint16(msg[end:])
	rr.Class = binary.BigEndian.Uint16(msg[end+2:])
	rr.TTL = binary.BigEndian.Uint32(msg[end+4:])
	if rr.TTL > maxTTL && rr.Type != TypeOPT {
		rr.TTL = 0
	}
	rr.End = rr.RData + int(binary.BigEndian.Uint16(msg[end+8:]))
	return rr.End <= len(msg)
}

// Message is a parsed response. Parse may be called again on the same Message:
// it keeps its memory.
type Message struct {
	Msg      []byte
	Question []byte // name, type, class
	Sections [3]int // records in answer, authority and additional, OPT included
	RRs      []RR   // all of them in order
	EDNS     EDNS
	opt      int     // index of the OPT in RRs, or -1
	labels   offsets // where the labels of the names stand that Parse knows
	targets  offsets // where their compression pointers lead
	stray    bool    // a pointer leads elsewhere than to a label
	overdone bool    // one stands where none may
	written  []writtenName
	scratch  []byte
	packer   *packer
	seen     index
}

// Parse reads a response whole and reports whether it is well formed: one
// question, and records of its class, all names and lengths sound, at most one OPT,
// nothing twice that there can be once.
func (m *Message) Parse(msg []byte) bool {
	*m = Message{Msg: msg, RRs: m.RRs[:0], opt: -1, written: m.written[:0], scratch: m.scratch, packer: m.packer, seen: m.seen,
		labels: m.labels.reset(len(msg)), targets: m.targets.reset(len(msg))}
	if len(msg) < HeaderLen || len(msg) > maxMessage || count(msg, 0) != 1 {
		return false
	}
	end := plainName(msg, HeaderLen)
	if end == 0 || end+4 > len(msg) {
		return false
	}
	m.Question = msg[HeaderLen : end+4]
	m.labels.addName(msg, HeaderLen)
	off := end + 4
	for s := range m.Sections {
		first := len(m.RRs)
		m.Sections[s] = count(msg, s+1)
		for range m.Sections[s] {
			if off = m.record(off, s, first); off == 0 {
				return false
			}
		}
	}
	return true
}

// record reads the record at off, of a section that begins with record first, and
// returns the offset behind it, or 0.
func (m *Message) record(off, section, first int) int {
	var rr RR
	if !rr.fields(m.Msg, off, m.name(off, len(m.Msg), true)) {
		return 0
	}
	if rr.Type == TypeOPT {
		if section != 2 || m.opt >= 0 || !rr.atRoot(m.Msg) || m.EDNS.parse(m.Msg, &rr) == BadRecord {
			return 0
		}
		m.opt = len(m.RRs)
	}
	if !m.rdata(&rr) || !m.sound(&rr, first) {
		return 0
	}
	m.RRs = append(m.RRs, rr)
	return rr.End
}

// name reads the name at off, which ends by limit, and returns the offset
// behind it, or 0 when it is broken. It notes where the labels stand, where the
// name points, and whether it may.
func (m *Message) name(off, limit int, compressed bool) int {
	end, target := skipName(m.Msg[:limit], off)
	if end == 0 {
		return 0
	}
	if target != 0 {
		m.stray = m.stray || !m.labels.has(target)
		m.targets.add(target)
		m.overdone = m.overdone || !compressed
	}
	if c := m.Msg[off]; c > 0 && c < 64 && len(m.written) <= maxWritten {
		m.written = append(m.written, writtenName{off, compressed})
	}
	m.labels.addName(m.Msg, off)
	return end
}

// rdata checks the data of the types whose names may be compressed, and of
// addresses; what it does not know is opaque.
func (m *Message) rdata(rr *RR) bool {
	n := rr.End - rr.RData
	switch rr.Type {
	case TypeA:
		return n == 4
	case TypeAAAA:
		return n == 16
	}
	l := layoutOf(rr.Type)
	if l.names == 0 {
		return true
	}
	off := rr.RData + before(l, m.Msg[rr.RData:rr.End])
	for range l.names {
		if off = m.name(off, rr.End, l.compressed); off == 0 {
			return false
		}
	}
	if rr.Type == typeSVCB || rr.Type == typeHTTPS {
		return soundParams(m.Msg[off:rr.End])
	}
	return l.tail < 0 || off+l.tail == rr.End
}

// Rcode returns the whole response code, the OPT's part included.
func (m *Message) Rcode() int { return int(m.EDNS.ExtRcode)<<4 | Rcode(m.Msg) }

// Type returns the type that was asked.
func (m *Message) Type() uint16 {
	return binary.BigEndian.Uint16(m.Question[len(m.Question)-4:])
}

// Section returns the records of the answer (0), authority (1) or additional
// (2) section.
func (m *Message) Section(s int) []RR {
	from := 0
	for _, n := range m.Sections[:s] {
		from += n
	}
	return m.RRs[from : from+m.Sections[s]]
}
