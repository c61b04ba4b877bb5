// Package querylog writes a line about a query in BIND's words, without garbage.
package querylog

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net/netip"
	"strconv"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/wire"
)

// Log is a category with a line for each query.
type Log struct {
	*slog.Logger
	lines logging.LineHandler // nil: the handler is of somebody else
}

// New returns the Log that writes to l.
func New(l *slog.Logger) Log {
	lines, _ := l.Handler().(logging.LineHandler)
	return Log{l, lines}
}

// On reports whether anybody takes the lines.
func (l *Log) On() bool { return l.Enabled(context.Background(), slog.LevelInfo) }

// Write logs a line, and keeps nothing of it.
func (l *Log) Write(line []byte) {
	if l.lines == nil {
		l.Info(string(line))
		return
	}
	l.lines.HandleLine(time.Now(), slog.LevelInfo, line)
}

// Query is a query as lines tell of it.
type Query struct {
	*wire.Query
	Client, Local netip.AddrPort // who asks, and our address that was asked
	TCP           bool
	GoodCookie    bool   // its cookie is one of ours
	View          string // "": not said
}

// AppendQuery appends the line of the log of queries.
func AppendQuery(dst []byte, q *Query) []byte {
	return appendHow(appendAsked(dst, q, "query: "), q)
}

// AppendResponse appends the line of the log of responses, in the words of BIND 9.20: the
// numbers are those of records in each section.
func AppendResponse(dst []byte, q *Query, rcode string, reply []byte) []byte {
	dst = appendAsked(dst, q, "response: ")
	dst = append(append(dst, rcode...), ' ')
	for at := 6; at < wire.HeaderLen; at += 2 {
		dst = strconv.AppendUint(dst, uint64(binary.BigEndian.Uint16(reply[at:])), 10)
		dst = append(dst, ' ')
	}
	return appendHow(dst, q)
}

// AppendDenied appends the line that says what an access list denied of a name, which is
// the query's or where its aliases lead.
func AppendDenied(dst []byte, q *Query, what string, name []byte, list string) []byte {
	dst, _ = appendClient(dst, q)
	dst = append(append(dst, what...), " '"...)
	dst = appendName(dst, name)
	dst = append(append(dst, '/'), TypeName(q.Type)...)
	dst = append(append(dst, '/'), ClassName(q.Class)...)
	dst = append(append(dst, "' denied ("...), list...)
	return append(dst, ')')
}

// appendAsked appends what both logs say of a query: who asks, and for what.
func appendAsked(dst []byte, q *Query, what string) []byte {
	dst, name := appendClient(dst, q)
	dst = append(dst, what...)
	dst = append(append(dst, name...), ' ')
	dst = append(append(dst, ClassName(q.Class)...), ' ')
	return append(append(dst, TypeName(q.Type)...), ' ')
}

// appendClient appends the client of a query and the view that it is in, and returns
// the query's name in dst too. That BIND shows an address of its memory tells queries
// of one client apart; a port does too.
func appendClient(dst []byte, q *Query) (line, name []byte) {
	dst = append(dst, "client @0x"...)
	dst = strconv.AppendUint(dst, uint64(q.Client.Port()), 16)
	dst = q.Client.Addr().AppendTo(append(dst, ' '))
	dst = strconv.AppendUint(append(dst, '#'), uint64(q.Client.Port()), 10)
	dst = append(dst, " ("...)
	from := len(dst)
	dst = appendName(dst, q.Name())
	name = dst[from:]
	dst = append(dst, "): "...)
	if q.View != "" {
		dst = append(append(append(dst, "view "...), q.View...), ": "...)
	}
	return dst, name
}

// appendHow appends how a query was asked: its flags, where it came, and for which
// subnet.
func appendHow(dst []byte, q *Query) []byte {
	dst = appendFlags(dst, q)
	dst = q.Local.Addr().AppendTo(append(dst, " ("...))
	return appendSubnet(append(dst, ')'), q.EDNS.ECS)
}

// appendFlags appends BIND's letters: recursion desired or not, EDNS and its
// version, TCP, DO, CD, and a cookie that is valid or just present.
func appendFlags(dst []byte, q *Query) []byte {
	if q.Flags&wire.RD != 0 {
		dst = append(dst, '+')
	} else {
		dst = append(dst, '-')
	}
	if q.EDNS.Present {
		dst = strconv.AppendUint(append(dst, "E("...), uint64(q.EDNS.Version), 10)
		dst = append(dst, ')')
	}
	if q.TCP {
		dst = append(dst, 'T')
	}
	if q.EDNS.DO {
		dst = append(dst, 'D')
	}
	if q.Flags&wire.CD != 0 {
		dst = append(dst, 'C')
	}
	switch {
	case q.EDNS.Cookie == nil:
		return dst
	case q.GoodCookie:
		return append(dst, 'V')
	}
	return append(dst, 'K')
}

// appendSubnet appends a client subnet as BIND's log of queries has it.
func appendSubnet(dst, ecs []byte) []byte {
	if ecs == nil {
		return dst
	}
	dst = append(dst, " [ECS "...)
	switch family, bits := ecs[1], ecs[4:]; family {
	case 1:
		var a [4]byte
		copy(a[:], bits)
		dst = netip.AddrFrom4(a).AppendTo(dst)
	case 2:
		var a [16]byte
		copy(a[:], bits)
		dst = netip.AddrFrom16(a).AppendTo(dst)
	default:
		dst = append(dst, "<unknown address, family 0>"...)
	}
	dst = strconv.AppendUint(append(dst, '/'), uint64(ecs[2]), 10)
	return append(dst, "/0]"...)
}

// NameText is a name as BIND writes it, without the dot of the root.
func NameText(name []byte) string { return string(appendName(nil, name)) }

func appendName(dst, name []byte) []byte {
	if len(name) <= 1 {
		return append(dst, '.')
	}
	for {
		n := 1 + int(name[0])
		for _, c := range name[1:n] {
			dst = appendOctet(dst, c)
		}
		if name = name[n:]; len(name) <= 1 {
			return dst
		}
		dst = append(dst, '.')
	}
}

func appendOctet(dst []byte, c byte) []byte {
	switch c {
	case '"', '(', ')', '.', ';', '\\', '@', '$':
		return append(dst, '\\', c)
	}
	if c <= ' ' || c >= 0x7f {
		return append(dst, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
	}
	return append(dst, c)
}

// otherNames are types that BIND 9.18 calls otherwise than miekg/dns.
var otherNames = map[uint16]string{
	0: "TYPE0", 11: "WKS", 22: "NSAP", 38: "A6", 40: "SINK", 66: "DSYNC", 67: "HHIT", 68: "BRID",
	128: "TYPE128", 259: "DOA", 262: "WALLET",
}

// TypeName is a type as BIND writes it.
func TypeName(t uint16) string {
	if name, ok := otherNames[t]; ok {
		return name
	}
	return dns.Type(t).String()
}

// ClassName is a class as BIND writes it.
func ClassName(class uint16) string {
	switch class {
	case wire.ClassIN:
		return "IN"
	case wire.ClassANY:
		return "ANY"
	}
	return dns.Class(class).String()
}
