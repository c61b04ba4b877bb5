package wire

import "encoding/binary"

// Fault is what is wrong with a query, or Sound. Each has its own reply
// (BIND's, as observed): see the server's refusals.
type Fault uint8

// The faults, in the order in which they are looked for.
const (
	Sound      Fault = iota
	Ignore           // no reply: shorter than a header, or itself a response
	BadHeader        // FORMERR, header only: more than one question, a broken one, or none in NOTIFY or UPDATE
	NoQuestion       // QDCOUNT 0: FORMERR, or an answer to its COOKIE alone
	BadOpcode        // NOTIMP without question, but with OPT for who sent one
	NotForUs         // NOTIFY or UPDATE: NOTAUTH, header only; FORMERR for another type than SOA
	BadRecord        // FORMERR with the question: records behind it are broken, or the OPT is
	BadOption        // FORMERR with question and OPT: an EDNS option of impossible length
	BadVersion       // BADVERS: EDNS above 0 (RFC 6891, 6.1.3)
	Signed           // TSIG is present: no keys here (BIND ignores SIG(0))
)

// Query is a parsed query. Its slices are parts of the datagram.
type Query struct {
	ID, Flags   uint16
	Type, Class uint16
	Question    []byte // name, type and class as sent; nil when broken
	EDNS        EDNS
}

// Opcode returns the query's opcode.
func (q *Query) Opcode() int { return int(q.Flags>>opcodeShift) & opcodeMask }

// Name returns the question's name in wire form, as sent.
func (q *Query) Name() []byte { return q.Question[:len(q.Question)-4] }

// Parse reads msg into q and returns what is wrong with it. Whatever it
// returns, all fields are set or zero.
func (q *Query) Parse(msg []byte) Fault {
	*q = Query{}
	if len(msg) < HeaderLen {
		return Ignore
	}
	q.ID, q.Flags = ID(msg), Flags(msg)
	if q.Flags&QR != 0 {
		return Ignore
	}
	qd := count(msg, 0)
	if qd > 1 {
		return BadHeader
	}
	end := HeaderLen
	if qd == 1 {
		if end = q.question(msg); end == 0 {
			return BadHeader
		}
	}
	return q.rest(msg, end)
}

// question reads the question and returns the offset behind it, or 0.
func (q *Query) question(msg []byte) int {
	end := plainName(msg, HeaderLen)
	if end == 0 || end+4 > len(msg) {
		return 0
	}
	q.Type = binary.BigEndian.Uint16(msg[end:])
	q.Class = binary.BigEndian.Uint16(msg[end+2:])
	q.Question = msg[HeaderLen : end+4]
	return end + 4
}

// maxQueryRecords may stand behind a question. An OPT, a TSIG and the SOA of an
// IXFR make sense there; hundreds with names of a hundred pointers each would
// cost a millisecond.
const maxQueryRecords = 16

// rest reads what stands behind the question: any sound records may, but only
// OPT and TSIG mean something.
func (q *Query) rest(msg []byte, off int) Fault {
	fault, strange := Sound, false
	an, ns, ar := count(msg, 1), count(msg, 2), count(msg, 3)
	if an+ns+ar > maxQueryRecords {
		return q.first(BadRecord)
	}
	for i := range an + ns + ar {
		var rr RR
		if !rr.parse(msg, off) {
			return q.first(BadRecord)
		}
		off = rr.End
		strange = strange || rr.Type != TypeOPT
		switch f := q.record(msg, &rr, i >= an+ns, i == an+ns+ar-1); {
		case f == BadRecord:
			return q.first(f)
		case fault == Sound:
			fault = f
		}
	}
	if strange && q.Question != nil && !new(Message).Parse(msg) { // a query has no need of them
		return q.first(BadRecord)
	}
	return q.first(fault)
}

// record looks at one record behind the question.
func (q *Query) record(msg []byte, rr *RR, additional, last bool) Fault {
	switch rr.Type {
	case TypeOPT:
		if !additional || q.EDNS.Present || !rr.atRoot(msg) {
			return BadRecord
		}
		return q.opt(msg, rr)
	case TypeTSIG:
		if !additional || !last || rr.Class != ClassANY { // RFC 8945, 5.1
			return BadRecord
		}
		return Signed
	}
	return Sound
}

// opt reads the OPT. Only a response may say which scope a subnet has
// (RFC 7871, 7.1.2); BIND answers such a query without OPT.
func (q *Query) opt(msg []byte, rr *RR) Fault {
	f := q.EDNS.parse(msg, rr)
	if f == Sound && q.EDNS.ECS != nil && q.EDNS.ECS[3] != 0 {
		return BadRecord
	}
	return f
}

// first ranks the faults of a query whose records gave f.
func (q *Query) first(f Fault) Fault {
	switch op := q.Opcode(); {
	case f == BadRecord || f == BadOption:
		return f
	case q.EDNS.Present && q.EDNS.Version > 0:
		return BadVersion
	case f != Sound:
		return f
	case op == OpcodeNotify || op == OpcodeUpdate:
		if q.Question == nil {
			return BadHeader
		}
		return NotForUs
	case op != OpcodeQuery:
		return BadOpcode
	case q.Question == nil:
		return NoQuestion
	}
	return Sound
}

// Clone returns a copy of q that keeps nothing of the datagram but what it has
// slices of. They are parts of the returned buf, to which they were appended.
func (q *Query) Clone(buf []byte) (Query, []byte) {
	c := *q
	from := len(buf)
	buf = append(append(append(buf, q.Question...), q.EDNS.Cookie...), q.EDNS.ECS...)
	rest := buf[from:]
	for _, part := range []*[]byte{&c.Question, &c.EDNS.Cookie, &c.EDNS.ECS} {
		if n := len(*part); *part != nil {
			*part, rest = rest[:n:n], rest[n:]
		}
	}
	return c, buf
}

// Key is what tells an answer from all others: name in lower case, type, class,
// and bits that say for which queries it is good.
type Key []byte

// KeyBits are the last octet of a Key. An answer is good for queries that have
// set what its bits say, and maybe more.
type KeyBits byte

const (
	KeyDO       KeyBits = 1 << iota // it has signatures
	KeyCD                           // upstream was told not to check them
	KeyAllTypes                     // the name does not exist, for any type; that of the Key is 0
)

// AppendKey appends the Key of what upstream is asked for q.
func (q *Query) AppendKey(dst []byte) Key {
	name := q.Name()
	dst = AppendLower(dst, name)
	tail := q.Question[len(name):]
	var bits KeyBits
	if q.Flags&CD != 0 {
		bits = KeyCD
	}
	return append(dst, tail[0], tail[1], tail[2], tail[3], byte(bits))
}

// AppendKey appends the Key of m's question with those bits.
func (m *Message) AppendKey(dst []byte, bits KeyBits) Key {
	n := len(m.Question) - 4
	dst = append(AppendLower(dst, m.Question[:n]), m.Question[n:]...)
	return append(dst, byte(bits))
}

// Name is the name of a Key.
func (k Key) Name() []byte { return k[:len(k)-5] }

// Bits are the bits of a Key.
func (k Key) Bits() KeyBits { return KeyBits(k[len(k)-1]) }

// SetBits changes the bits of a Key in place.
func (k Key) SetBits(b KeyBits) { k[len(k)-1] = byte(b) }

// Type is the type of a Key.
func (k Key) Type() uint16 { return binary.BigEndian.Uint16(k[len(k)-5:]) }

// SetType changes the type of a Key in place.
func (k Key) SetType(t uint16) { binary.BigEndian.PutUint16(k[len(k)-5:], t) }

// KeyName returns the name of a key that AppendKey made.
func KeyName(key string) string { return key[:len(key)-5] }
