package wire

import "encoding/binary"

// EDNS option codes (RFC 8764, 5001, 7871, 7314, 7873, 7828, 8145, 8914).
const (
	optionLLQ       = 1
	OptionNSID      = 3
	OptionECS       = 8
	optionExpire    = 9
	OptionCookie    = 10
	OptionKeepalive = 11
	optionKeyTag    = 14
	OptionEDE       = 15
	optionClientTag = 16
	optionServerTag = 17
)

// Extended DNS errors (RFC 8914, 4).
const (
	EDEStale       = 3
	EDECachedError = 13
	EDENotReady    = 14
	EDEProhibited  = 18
	EDENotAuth     = 20
	EDENoReachable = 22
	EDENetwork     = 23
)

const (
	optFixed = 11      // root name, type, class, TTL, length
	flagDO   = 1 << 15 // of the OPT's TTL (RFC 6891, 6.1.3)
)

// EDNS is what a message's OPT record says (RFC 6891). Its slices are parts of
// the message.
type EDNS struct {
	Present   bool
	DO        bool
	NSID      bool
	Keepalive bool
	Version   uint8
	ExtRcode  uint8  // the upper eight bits of the response code
	UDPSize   uint16 // octets
	Cookie    []byte // client cookie, and server cookie if it is longer than 8
	ECS       []byte // the option's data
}

// parse reads the OPT record rr. The first option that cannot be makes all of
// them void. Of an option that comes twice the first counts, as in BIND.
func (e *EDNS) parse(msg []byte, rr *RR) Fault {
	e.Present = true
	e.UDPSize = rr.Class
	e.ExtRcode, e.Version = uint8(rr.TTL>>24), uint8(rr.TTL>>16)
	e.DO = rr.TTL&flagDO != 0
	data := msg[rr.RData:rr.End]
	for len(data) > 0 {
		if len(data) < 4 {
			return BadRecord
		}
		code, n := binary.BigEndian.Uint16(data), int(binary.BigEndian.Uint16(data[2:]))
		if 4+n > len(data) {
			return BadRecord
		}
		if !e.option(code, data[4:4+n]) {
			e.DropOptions()
			return BadOption
		}
		data = data[4+n:]
	}
	return Sound
}

// DropOptions forgets what was asked for.
func (e *EDNS) DropOptions() { e.NSID, e.Keepalive, e.Cookie, e.ECS = false, false, nil, nil }

// option notes one option and reports whether it can be, by the rules that BIND
// knows.
func (e *EDNS) option(code uint16, data []byte) bool {
	n := len(data)
	switch code {
	case OptionNSID:
		e.NSID = true
	case OptionKeepalive:
		e.Keepalive = true
	case OptionECS:
		if e.ECS == nil {
			e.ECS = data
		}
		return soundECS(data)
	case OptionCookie:
		if e.Cookie == nil {
			e.Cookie = data
		}
		return n == clientCookieLen || n >= 16 && n <= 40
	case optionLLQ:
		return n == 18
	case optionExpire:
		return n == 0 || n == 4
	case optionKeyTag:
		return n > 0 && n%2 == 0
	case OptionEDE:
		return n >= 2
	case optionClientTag, optionServerTag:
		return n == 2
	}
	return true
}

// soundECS reports whether a client subnet has a known family, a length that
// fits it, and no bits behind its prefix (RFC 7871, 6).
func soundECS(data []byte) bool {
	if len(data) < 4 || data[0] != 0 || data[1] > 2 {
		return false
	}
	most := [...]uint8{0, 32, 128}[data[1]]
	source, scope := data[2], data[3]
	if source > most || scope > most || len(data) != 4+(int(source)+7)/8 {
		return false
	}
	return source%8 == 0 || data[len(data)-1]<<(source%8) == 0
}

// OPT finds the OPT record of a response to one question. It reads no further
// than that.
func OPT(msg []byte) (e EDNS, ok bool) {
	if len(msg) < HeaderLen || count(msg, 0) != 1 {
		return EDNS{}, false
	}
	name := plainName(msg, HeaderLen)
	if name == 0 {
		return EDNS{}, false
	}
	rr := RR{End: name + 4}
	for range count(msg, 1) + count(msg, 2) + count(msg, 3) {
		if !rr.parse(msg, rr.End) {
			return EDNS{}, false
		}
		if rr.Type == TypeOPT {
			fault := e.parse(msg, &rr)
			return e, fault != BadRecord
		}
	}
	return EDNS{}, false
}

// AppendOPT appends an OPT record without options; AppendOption adds to it.
// rcode is the whole response code, of which the OPT carries the upper bits.
func AppendOPT(dst []byte, size uint16, rcode int, do bool) []byte {
	var z byte
	if do {
		z = flagDO >> 8
	}
	return append(dst, 0, 0, TypeOPT, byte(size>>8), byte(size), byte(rcode>>4), 0, z, 0, 0, 0)
}

// AppendOption appends an option to the message msg, whose last record is an
// OPT that starts at opt.
func AppendOption(msg []byte, opt int, code uint16, data ...byte) []byte {
	n := len(data)
	msg = append(msg, byte(code>>8), byte(code), byte(n>>8), byte(n))
	msg = append(msg, data...)
	binary.BigEndian.PutUint16(msg[opt+9:], uint16(len(msg)-opt-optFixed))
	return msg
}

// AppendEDE appends an extended error with its text (RFC 8914, 2).
func AppendEDE(msg []byte, opt int, code uint16, text string) []byte {
	n := 2 + len(text)
	msg = append(msg, 0, OptionEDE, byte(n>>8), byte(n), byte(code>>8), byte(code))
	msg = append(msg, text...)
	binary.BigEndian.PutUint16(msg[opt+9:], uint16(len(msg)-opt-optFixed))
	return msg
}

// AppendECS echoes a query's client subnet with scope 0: the answer is the
// same for all (RFC 7871, 7.2.1).
func AppendECS(msg []byte, opt int, ecs []byte) []byte {
	at := len(msg) + 4
	msg = AppendOption(msg, opt, OptionECS, ecs...)
	msg[at+3] = 0
	return msg
}
