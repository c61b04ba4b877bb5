package forwarder

import (
	"encoding/binary"
	"fmt"

	"vpcdns/forwarder/rrl"
	"vpcdns/forwarder/wire"
)

// limitRate debits the reply over UDP that starts at dst[from:]. It may cut it
// down to a question with TC, or take it away.
func (a *answerer) limitRate(dst []byte, from int, c *client) ([]byte, outcome) {
	if len(dst)-from < wire.HeaderLen || a.goodCookie(c) || a.probed() {
		return dst, replied
	}
	var buf [maxKey]byte
	kind, name := a.kindOf(buf[:0], dst[from:])
	r := a.st.rates
	what, first := r.Debit(a.now, c.addr.Addr(), kind, name)
	if first != rrl.None {
		a.logLimited(r, first, c)
	}
	if r.LogOnly() {
		return dst, replied
	}
	switch what {
	case rrl.Drop:
		a.tally.dropped++
		a.tally.limited++
		return dst[:from], dropped
	case rrl.Slip:
		a.tally.slipped++
		return a.slip(dst[:from], wire.Flags(dst[from:]), c), replied
	}
	return dst, replied
}

// slip appends a reply with nothing but TC, so that the client asks over TCP.
func (a *answerer) slip(dst []byte, flags uint16, c *client) []byte {
	from := len(dst)
	dst = wire.AppendHeader(dst, a.q.ID, flags|wire.TC, 1, 0, 0, 0)
	dst = append(dst, a.q.Question...)
	if a.q.EDNS.Present {
		dst = a.appendOPT(dst, from, wire.NoError, c, ede{})
	}
	return dst
}

// logLimited writes, in BIND's words, that replies to the client's block begin
// to be limited, with the name of one of them.
func (a *answerer) logLimited(r *rrl.Limiter, kind rrl.Kind, c *client) {
	limit := "limit"
	if r.LogOnly() {
		limit = "would limit"
	}
	line := fmt.Sprintf("%s %s to %s", limit, kind, r.Block(c.addr.Addr()))
	if kind != rrl.All && kind != rrl.Error {
		line += fmt.Sprintf(" for %s IN %s", trimDot(wire.NameText(a.q.Name())), typeName(a.q.Type))
	}
	a.s.logs.rateLimit.Info(line)
}

// kindOf returns the kind of a reply and what it is counted under: names that
// do not exist are counted by zone, as a flood of them never repeats one.
func (a *answerer) kindOf(buf, reply []byte) (rrl.Kind, []byte) {
	answers := binary.BigEndian.Uint16(reply[6:])
	switch rcode := wire.Rcode(reply); {
	case a.q.Question == nil:
		return rrl.Error, nil
	case rcode == wire.NXDomain:
		return rrl.Nxdomain, a.appendApex(buf, reply)
	case rcode != wire.NoError:
		return rrl.Error, nil
	case answers == 0:
		return rrl.Nodata, wire.AppendLower(buf, a.q.Name())
	}
	return rrl.Response, wire.AppendLower(buf, a.q.Question)
}

// appendApex appends the owner of the SOA that a negative reply begins with, or
// what stands for the forward zone if it begins with something else.
func (a *answerer) appendApex(buf, reply []byte) []byte {
	answers, authority := binary.BigEndian.Uint16(reply[6:]), binary.BigEndian.Uint16(reply[8:])
	if answers > 0 || authority == 0 || a.q.EDNS.DO {
		return binary.BigEndian.AppendUint16(buf, a.counted)
	}
	return wire.AppendName(buf, reply, wire.HeaderLen+len(a.q.Question))
}
