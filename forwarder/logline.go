package forwarder

import (
	"context"
	"log/slog"
	"net/netip"
	"strconv"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/wire"
)

// lineLog is a category with a line for each query, which is made without garbage.
type lineLog struct {
	*slog.Logger
	lines logging.LineHandler // nil: the handler is of somebody else
}

func newLineLog(l *slog.Logger) lineLog {
	lines, _ := l.Handler().(logging.LineHandler)
	return lineLog{l, lines}
}

// on reports whether anybody takes the lines.
func (l *lineLog) on() bool { return l.Enabled(context.Background(), slog.LevelInfo) }

// write logs a line, and keeps nothing of it.
func (l *lineLog) write(line []byte) {
	if l.lines == nil {
		l.Info(string(line))
		return
	}
	l.lines.HandleLine(time.Now(), slog.LevelInfo, line)
}

// appendAsked appends what both logs say of a query: who asks, and for what.
func (w *worker) appendAsked(dst []byte, q *query, what string) []byte {
	dst, name := w.appendClient(dst, q)
	dst = append(dst, what...)
	dst = append(append(dst, name...), ' ')
	dst = append(append(dst, className(q.Class)...), ' ')
	return append(append(dst, typeName(q.Type)...), ' ')
}

// appendClient appends the client of a query and the view that it is in, and returns
// the query's name in dst too. That BIND shows an address of its memory tells queries
// of one client apart; a port does too.
func (w *worker) appendClient(dst []byte, q *query) (line, name []byte) {
	dst = append(dst, "client @0x"...)
	dst = strconv.AppendUint(dst, uint64(q.addr.Port()), 16)
	dst = q.addr.Addr().AppendTo(append(dst, ' '))
	dst = strconv.AppendUint(append(dst, '#'), uint64(q.addr.Port()), 10)
	dst = append(dst, " ("...)
	from := len(dst)
	dst = appendName(dst, q.Name())
	name = dst[from:]
	dst = append(dst, "): "...)
	if view := w.st.cfg.View; view != "_default" && q.may.inView && q.Class != wire.ClassCH { // which has a view of its own
		dst = append(append(append(dst, "view "...), view...), ": "...)
	}
	return dst, name
}

// appendHow appends how a query was asked: its flags, where it came, and for which
// subnet.
func (w *worker) appendHow(dst []byte, q *query) []byte {
	dst = w.appendFlags(dst, q)
	dst = q.local.Addr().AppendTo(append(dst, " ("...))
	return appendSubnet(append(dst, ')'), q.EDNS.ECS)
}

// appendFlags appends BIND's letters: recursion desired or not, EDNS and its
// version, TCP, DO, CD, and a cookie that is valid or just present.
func (w *worker) appendFlags(dst []byte, q *query) []byte {
	if q.Flags&wire.RD != 0 {
		dst = append(dst, '+')
	} else {
		dst = append(dst, '-')
	}
	if q.EDNS.Present {
		dst = strconv.AppendUint(append(dst, "E("...), uint64(q.EDNS.Version), 10)
		dst = append(dst, ')')
	}
	if q.via == viaTCP {
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
	case w.goodCookie(q):
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

// nameText is a name as BIND writes it, without the dot of the root.
func nameText(name []byte) string { return string(appendName(nil, name)) }

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

func typeName(t uint16) string {
	if name, ok := otherNames[t]; ok {
		return name
	}
	return dns.Type(t).String()
}

func className(class uint16) string {
	switch class {
	case wire.ClassIN:
		return "IN"
	case wire.ClassANY:
		return "ANY"
	}
	return dns.Class(class).String()
}
