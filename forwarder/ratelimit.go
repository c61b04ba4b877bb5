package forwarder

import (
	"encoding/binary"
	"fmt"

	"vpcdns/forwarder/rrl"
	"vpcdns/forwarder/wire"
)

// limitRate debits the reply over UDP that starts at dst[from:]. It may cut it
// down to a question with TC, or take it away.
func (w *worker) limitRate(dst []byte, from int, q *query) ([]byte, outcome) {
	if len(dst)-from < wire.HeaderLen || w.goodCookie(q) || w.isProbe(q) {
		return dst, replied
	}
	var buf [maxKey]byte
	kind, name := kindOf(buf[:0], q, dst[from:])
	r := w.st.rates
	what, first := r.Debit(w.now, q.addr.Addr(), kind, name)
	if first != rrl.None {
		w.logLimited(r, first, q)
	}
	if r.LogOnly() {
		return dst, replied
	}
	switch what {
	case rrl.Drop:
		w.tally.dropped++
		w.tally.limited++
		return dst[:from], dropped
	case rrl.Slip:
		w.tally.slipped++
		return w.slip(dst[:from], wire.Flags(dst[from:]), q), replied
	}
	return dst, replied
}

// slip appends a reply with nothing but TC, so that the client asks over TCP.
func (w *worker) slip(dst []byte, flags uint16, q *query) []byte {
	from := len(dst)
	dst = wire.AppendHeader(dst, q.ID, flags|wire.TC, 1, 0, 0, 0)
	dst = append(dst, q.Question...)
	if q.EDNS.Present {
		dst = w.appendOPT(dst, from, wire.NoError, q, ede{})
	}
	return dst
}

// logLimited writes, in BIND's words, that replies to the client's block begin
// to be limited, with the name of one of them.
func (w *worker) logLimited(r *rrl.Limiter, kind rrl.Kind, q *query) {
	limit := "limit"
	if r.LogOnly() {
		limit = "would limit"
	}
	line := fmt.Sprintf("%s %s to %s", limit, kind, r.Block(q.addr.Addr()))
	if kind != rrl.All && kind != rrl.Error {
		line += fmt.Sprintf(" for %s IN %s", trimDot(wire.NameText(q.Name())), typeName(q.Type))
	}
	w.logs.rateLimit.Info(line)
}

// kindOf returns the kind of a reply and what it is counted under: names that
// do not exist are counted by zone, as a flood of them never repeats one.
func kindOf(buf []byte, q *query, reply []byte) (rrl.Kind, []byte) {
	answers := binary.BigEndian.Uint16(reply[6:])
	switch rcode := wire.Rcode(reply); {
	case q.Question == nil:
		return rrl.Error, nil
	case rcode == wire.NXDomain:
		return rrl.Nxdomain, appendApex(buf, q, reply)
	case rcode != wire.NoError:
		return rrl.Error, nil
	case answers == 0:
		return rrl.Nodata, wire.AppendLower(buf, q.Name())
	}
	return rrl.Response, wire.AppendLower(buf, q.Question)
}

// appendApex appends the owner of the SOA that a negative reply begins with, or
// what stands for the forward zone if it begins with something else.
func appendApex(buf []byte, q *query, reply []byte) []byte {
	answers, authority := binary.BigEndian.Uint16(reply[6:]), binary.BigEndian.Uint16(reply[8:])
	if answers > 0 || authority == 0 || q.EDNS.DO {
		return binary.BigEndian.AppendUint16(buf, q.zoneID)
	}
	return wire.AppendName(buf, reply, wire.HeaderLen+len(q.Question))
}
