package forwarder

import (
	"time"

	"vpcdns/forwarder/wire"
)

// ede is an extended error (RFC 8914); the zero value is none.
type ede struct {
	code uint16
	text string
}

// response is an answer on its way to those who asked.
type response struct {
	answers
	asOf  time.Duration // its TTLs count from then
	stale bool          // they are over
	from  Source
	why   ede
}

// servfail is an answer without records that says SERVFAIL.
const servfail = wire.Answer("\x02\x00\x00\x00\x00\x00\x00\x00")

// failure is the response when there is no answer.
func failure(from Source, why ede) response {
	return response{answers: both(servfail), from: from, why: why}
}

// isFailure reports whether a response tells clients that nothing is to be had.
func (r *response) isFailure() bool { return r.plain.Rcode() == wire.ServFail }

// aging is what becomes of a response's TTLs now.
func (w *worker) aging(r *response) wire.Aging {
	if r.stale {
		return w.staleAging()
	}
	return wire.Aging{Sub: elapsed(w.now - r.asOf)}
}

// respond appends the response to q, and counts it for a zone.
func (w *worker) respond(dst []byte, q *query, r *response, zone uint16) []byte {
	ans := r.forDO(q.EDNS.DO)
	w.count(q, zone, r.from, ans.Rcode())
	if ans.Marked() {
		return w.replyWatched(dst, q, ans, w.aging(r), r.why)
	}
	return w.reply(dst, q, ans, w.aging(r), r.why)
}

// smallestUDP is what every client takes over UDP, in octets (RFC 1035,
// 2.3.4), and the least that EDNS can mean (RFC 6891, 6.2.3).
const smallestUDP = 512

// flags returns the flags of a reply to the current query, for rights as they
// are: RA only for those who may recurse.
func (w *worker) flags(q *query) uint16 {
	f := wire.QR | q.Flags&(wire.RD|wire.CD)
	if q.may.recurse && w.st.cfg.Recursion {
		f |= wire.RA
	}
	return f
}

// reply appends a whole reply with ans.
func (w *worker) reply(dst []byte, q *query, ans wire.Answer, g wire.Aging, e ede) []byte {
	from := len(dst)
	switch minimal := q.Type == wire.TypeANY && w.st.cfg.MinimalAny && q.via == viaUDP && ans.Count(0) > 0; {
	case minimal:
		dst = wire.AppendFirstSet(dst, &q.Query, w.flags(q), ans, g, &w.order, q.EDNS.DO)
	case len(ans) > smallestUDP && ans.Size(q.Question) > w.limit(q):
		return w.cut(dst, q, ans, g, e)
	default:
		dst = wire.AppendReply(dst, &q.Query, w.flags(q), ans, g, &w.order)
	}
	if q.EDNS.Present {
		dst = w.appendOPT(dst, from, ans.Rcode(), q, e)
	}
	if len(dst)-from <= smallestUDP || len(dst)-from <= w.limit(q) {
		return dst
	}
	return w.cut(dst[:from], q, ans, g, e)
}

// cut appends a reply with as much of ans as the client takes.
func (w *worker) cut(dst []byte, q *query, ans wire.Answer, g wire.Aging, e ede) []byte {
	from, room := len(dst), w.limit(q)
	dst = wire.AppendHeader(dst, q.ID, w.flags(q)|uint16(ans.Rcode()), 1, 0, 0, 0)
	dst = append(dst, q.Question...)
	if q.EDNS.Present {
		head := len(dst)
		dst = w.appendOPT(dst, from, ans.Rcode(), q, e)
		room -= len(dst) - head
		dst = dst[:head]
	}
	dst = wire.Cut(dst, from, &q.Query, ans, g, room, !q.EDNS.Present)
	if q.EDNS.Present {
		dst = w.appendOPT(dst, from, ans.Rcode(), q, e)
	}
	return dst
}

// largestTCP is what the length in front of a message can say (RFC 1035,
// 4.2.2).
const largestTCP = 65535

// limit returns the largest reply that the client takes.
func (w *worker) limit(q *query) int {
	e := &q.EDNS
	if q.via != viaUDP {
		return largestTCP
	}
	if !e.Present {
		return smallestUDP
	}
	most := w.st.edns.most
	if most > w.st.edns.noCookie && !w.goodCookie(q) {
		most = w.st.edns.noCookie
	}
	return max(smallestUDP, min(int(e.UDPSize), most))
}

// appendOPT appends our OPT with the options that the client asked for to the
// reply that starts at from.
func (w *worker) appendOPT(msg []byte, from, rcode int, q *query, e ede) []byte {
	wire.AddOPT(msg, from)
	edns, opt := &q.EDNS, len(msg)
	msg = wire.AppendOPT(msg, w.st.edns.advertise, rcode, edns.DO)
	if edns.Cookie != nil && w.st.cfg.EDNS.AnswerCookie {
		var buf [wire.CookieLen]byte
		data := wire.AppendCookie(buf[:0], edns.Cookie, q.addr.Addr(), w.clock.unix(w.now), &w.st.secrets[0])
		msg = wire.AppendOption(msg, opt, wire.OptionCookie, data...)
	}
	if id := w.st.cfg.Identity.ServerID; edns.NSID && id != nil {
		msg = wire.AppendOption(msg, opt, wire.OptionNSID, []byte(*id)...)
	}
	if edns.Keepalive && q.via != viaUDP {
		t := uint16(w.st.cfg.TCP.AdvertisedTimeout / (100 * time.Millisecond))
		msg = wire.AppendOption(msg, opt, wire.OptionKeepalive, byte(t>>8), byte(t))
	}
	if edns.ECS != nil {
		msg = wire.AppendECS(msg, opt, edns.ECS)
	}
	if e != (ede{}) {
		msg = wire.AppendEDE(msg, opt, e.code, e.text)
	}
	return msg
}

// goodCookie reports whether the query carries a server cookie of ours.
func (w *worker) goodCookie(q *query) bool {
	for i := range w.st.secrets {
		if wire.GoodCookie(q.EDNS.Cookie, q.addr.Addr(), w.clock.unix(w.now), &w.st.secrets[i]) {
			return true
		}
	}
	return false
}

// replyEmpty appends a reply without records: the question when it was sound,
// and our OPT when the client sent one.
func (w *worker) replyEmpty(dst []byte, q *query, flags uint16, rcode int, e ede) []byte {
	from := len(dst)
	qd := uint16(1)
	if q.Question == nil {
		qd = 0
	}
	dst = wire.AppendHeader(dst, q.ID, flags|uint16(rcode&0xf), qd, 0, 0, 0)
	dst = append(dst, q.Question...)
	if q.EDNS.Present {
		dst = w.appendOPT(dst, from, rcode, q, e)
	}
	return dst
}
