package wire

import "encoding/binary"

// QueryOptions is what a query to upstream is made of.
type QueryOptions struct {
	ID       uint16
	Flags    uint16 // RD, CD
	Question []byte // name, type, class in wire form
	EDNS     bool
	UDPSize  uint16 // octets that we take
	DO       bool
	Cookie   []byte // client cookie, or client and server cookie; nil sends none
}

// AppendQuery appends a query. It never carries a client subnet: names in a
// private zone have the same address for all (RFC 7871, 7.1.2).
func AppendQuery(dst []byte, o QueryOptions) []byte {
	from := len(dst)
	dst = AppendHeader(dst, o.ID, o.Flags, 1, 0, 0, 0)
	dst = append(dst, o.Question...)
	if !o.EDNS {
		return dst
	}
	AddOPT(dst, from)
	opt := len(dst)
	dst = AppendOPT(dst, o.UDPSize, 0, o.DO)
	if o.Cookie != nil {
		dst = AppendOption(dst, opt, OptionCookie, o.Cookie...)
	}
	return dst
}

// SameQuestion reports whether msg is a response to a standard query whose
// only question is question: the name but for case, type and class exactly.
func SameQuestion(msg, question []byte) bool {
	if len(msg) < HeaderLen+len(question) || count(msg, 0) != 1 {
		return false
	}
	if f := Flags(msg); f&QR == 0 || f>>opcodeShift&opcodeMask != OpcodeQuery {
		return false
	}
	got := msg[HeaderLen : HeaderLen+len(question)]
	n := len(question) - 4
	return equalFold(got[:n], question[:n]) &&
		binary.BigEndian.Uint32(got[n:]) == binary.BigEndian.Uint32(question[n:])
}

// QuestionOf returns the first question of msg, or nil when it has no whole one.
func QuestionOf(msg []byte) []byte {
	if len(msg) < HeaderLen || count(msg, 0) == 0 {
		return nil
	}
	end := plainName(msg, HeaderLen)
	if end == 0 || end+4 > len(msg) {
		return nil
	}
	return msg[HeaderLen : end+4]
}
