package wire

import "encoding/binary"

// Fault is what is wrong with a query, or Sound. Each has its own reply
// (BIND's, as observed): see the server's rejections.
type Fault uint8

// The faults. One of a record is the first that is met; those behind BadOption
// are looked for in this order, in a message that is well formed.
const (
	Sound      Fault = iota
	Ignore           // no reply: shorter than a header, or itself a response
	BadHeader        // FORMERR, header only: more than one question, or a broken one
	BadRecord        // FORMERR with the question: records behind it are broken, or the OPT is
	BadSIG0          // SERVFAIL with the question: a SIG(0) that is not the last record
	BadOption        // FORMERR with question and OPT: an EDNS option that cannot be
	BadVersion       // BADVERS: EDNS above 0 (RFC 6891, 6.1.3)
	Signed           // TSIG is present: no keys here (BIND ignores SIG(0))
	NoQuery          // without a question, or of another opcode than QUERY
)

// Query is a parsed query. Its slices are parts of the datagram.
type Query struct {
	ID, Flags   uint16
	Type, Class uint16 // without a question the class is its first record's
	Question    []byte // name, type and class as sent; nil when broken
	EDNS        EDNS
}

// Opcode returns the query's opcode.
func (q *Query) Opcode() int { return int(q.Flags>>opcodeShift) & opcodeMask }

// Name returns the question's name in wire form, as sent.
func (q *Query) Name() []byte { return q.Question[:len(q.Question)-4] }

// IsTransfer reports whether a zone is asked for, which is no query as others in BIND.
func (q *Query) IsTransfer() bool { return q.Type == TypeAXFR || q.Type == TypeIXFR }

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
	if q.asksNoData() && (q.Class == ClassNONE || q.Class == ClassANY) {
		return 0
	}
	q.Question = msg[HeaderLen : end+4]
	return end + 4
}

// asksNoData reports whether the query is a NOTIFY or an UPDATE, which name a zone
// and so its class.
func (q *Query) asksNoData() bool {
	op := q.Opcode()
	return op == OpcodeNotify || op == OpcodeUpdate
}

// rank looks for what may be wrong with a well formed message. Only a response may
// say which scope a subnet has (RFC 7871, 7.1.2); BIND answers such a query
// without OPT.
func (q *Query) rank(signed bool) Fault {
	switch {
	case q.EDNS.Version > 0:
		return BadVersion
	case q.EDNS.ECS != nil && q.EDNS.ECS[3] != 0:
		return BadRecord
	case signed:
		return Signed
	case q.Question == nil || q.Opcode() != OpcodeQuery:
		return NoQuery
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
