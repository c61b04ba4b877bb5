package forwarder

import (
	"cmp"
	"encoding/binary"
	"fmt"

	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/querylog"
	"vpcdns/forwarder/rrl"
	"vpcdns/forwarder/wire"
)

// chaosLimit is that of the names of class CH, which BIND's own view has whatever
// the configuration says: their answers are much longer than the questions.
var chaosLimit = rrl.Config{
	ResponsesPerSecond: 3, NodataPerSecond: 3, NxdomainsPerSecond: 3, ErrorsPerSecond: 3,
	Window: 15, IPv4PrefixLen: 24, IPv6PrefixLen: 56, MaxTableSize: 20000,
}

// ratesOf returns what limits the rate of replies to q, or nil.
func (st *state) ratesOf(q *query) *rrl.Limiter {
	if q.Class == wire.ClassCH {
		return st.chaosRates
	}
	return st.rates
}

// limitRate debits the reply over UDP that starts at dst[from:]. It may cut it
// down to a question with TC, or take it away. As in BIND a cookie makes up for
// everything but errors.
func (w *worker) limitRate(dst []byte, from int, q *query) ([]byte, outcome) {
	r := w.st.ratesOf(q)
	if r == nil || q.free || len(dst)-from < wire.HeaderLen || w.isProbe(q) {
		return dst, replied
	}
	var buf [maxKey]byte
	kind, name := kindOf(buf[:0], q, dst[from:])
	if kind != rrl.Error && w.goodCookie(q) {
		return dst, replied
	}
	what, begun := r.Debit(w.now, q.addr.Addr(), kind, name)
	if begun != nil {
		w.logLimited(r, begun, q, dst[from:])
	}
	if r.LogOnly() {
		return dst, replied
	}
	switch what {
	case rrl.Drop:
		w.tally.Dropped++
		w.tally.Limited++
		return dst[:from], dropped
	case rrl.Slip:
		w.tally.Slipped++
		return w.slip(dst[:from], wire.Flags(dst[from:]), q), replied
	}
	return dst, replied
}

// slip appends a reply with nothing but TC, so that the client asks over TCP; or
// one of BADCOOKIE, for a client that need not.
func (w *worker) slip(dst []byte, flags uint16, q *query) []byte {
	rcode := int(flags & rcodeBits)
	flags = flags&^rcodeBits | wire.TC
	if q.EDNS.Cookie != nil && w.st.cfg.EDNS.AnswerCookie {
		rcode, flags = wire.BadCookie, flags&^(wire.TC|wire.AA)
	}
	return w.replyEmpty(dst, q, flags, rcode, ede{})
}

const rcodeBits = 0xf

// logLimited writes, in BIND's words, that replies to the client's block begin to
// be limited; reply is one of them.
func (w *worker) logLimited(r *rrl.Limiter, begun *rrl.Burst, q *query, reply []byte) {
	text := fmt.Sprintf("%s to %s", begun.Kind, r.Block(q.addr.Addr())) + w.limitedName(begun.Kind, q, reply)
	r.Describe(begun, text)
	if begun.Kind == rrl.Error {
		text = counts.RcodeName(wire.Rcode(reply)) + " " + text
	}
	w.logs.rateLimit.Info(would(r) + "limit " + text)
}

func would(r *rrl.Limiter) string {
	if r.LogOnly() {
		return "would "
	}
	return ""
}

// limitedName is what the log says of the name that replies of a kind are
// limited for.
func (w *worker) limitedName(kind rrl.Kind, q *query, reply []byte) string {
	switch kind {
	case rrl.All, rrl.Error:
		return ""
	case rrl.Nxdomain:
		return " for " + wire.TrimDot(w.missingFrom(q, reply))
	}
	text := fmt.Sprintf(" for %s %s", querylog.NameText(q.Name()), querylog.ClassName(q.Class))
	if kind == rrl.Response {
		text += " " + querylog.TypeName(q.Type)
	}
	return text
}

// missingFrom is the zone in which the name of an NXDOMAIN is missing, as far as
// its limit knows.
func (w *worker) missingFrom(q *query, reply []byte) string {
	if apex, ok := negativeApex(nil, q, reply); ok {
		return wire.NameText(apex)
	}
	return cmp.Or(w.st.zones.names[q.zoneID], "(?)")
}

// logNoLongerLimited writes for which blocks replies are no longer limited.
func (e *engine) logNoLongerLimited(r *rrl.Limiter, over []rrl.Over) {
	for _, o := range over {
		early := ""
		if o.Early { // BIND marks so that it has only forgotten
			early = "*"
		}
		e.logs.rateLimit.Info(early + would(r) + "stop limiting " + o.Text)
	}
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

// appendApex appends the zone in which a name is missing, or what stands for the
// forward zone.
func appendApex(buf []byte, q *query, reply []byte) []byte {
	if apex, ok := negativeApex(buf, q, reply); ok {
		return apex
	}
	return binary.BigEndian.AppendUint16(buf, q.zoneID)
}

// negativeApex appends the owner of the SOA that a negative reply begins with, if
// it does.
func negativeApex(buf []byte, q *query, reply []byte) (apex []byte, ok bool) {
	answers, authority := binary.BigEndian.Uint16(reply[6:]), binary.BigEndian.Uint16(reply[8:])
	if answers > 0 || authority == 0 || q.EDNS.DO {
		return nil, false
	}
	return wire.AppendName(buf, reply, wire.HeaderLen+len(q.Question)), true
}
