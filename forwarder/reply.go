package forwarder

import (
	"time"

	"vpcdns/forwarder/scrub"
	"vpcdns/forwarder/wire"
)

// ede is an extended error (RFC 8914); the zero value is none.
type ede struct {
	code uint16
	text string
}

// smallestUDP is what every client takes over UDP, in octets (RFC 1035,
// 2.3.4), and the least that EDNS can mean (RFC 6891, 6.2.3).
const smallestUDP = 512

// flags returns the flags of a reply to the current query, for rights as they
// are: RA only for those who may recurse.
func (a *answerer) flags() uint16 {
	f := wire.QR | a.q.Flags&(wire.RD|wire.CD)
	if a.rights.recurse && a.st.cfg.Recursion {
		f |= wire.RA
	}
	return f
}

// reply appends a whole reply with ans.
func (a *answerer) reply(dst []byte, ans wire.Answer, g wire.Aging, c *client, e ede) []byte {
	from := len(dst)
	if a.q.Type == wire.TypeANY && a.st.cfg.MinimalAny && !c.tcp {
		ans = scrub.MinimalAny(a.q.Question, ans)
	}
	if len(ans) > smallestUDP && ans.Size(a.q.Question) > a.limit(c) {
		return a.cut(dst, ans, g, c, e)
	}
	dst = wire.AppendReply(dst, &a.q, a.flags(), ans, g, &a.order)
	if a.q.EDNS.Present {
		dst = a.appendOPT(dst, from, ans.Rcode(), c, e)
	}
	if len(dst)-from <= smallestUDP || len(dst)-from <= a.limit(c) {
		return dst
	}
	return a.cut(dst[:from], ans, g, c, e)
}

// cut appends a reply with as much of ans as the client takes.
func (a *answerer) cut(dst []byte, ans wire.Answer, g wire.Aging, c *client, e ede) []byte {
	from, room := len(dst), a.limit(c)
	dst = wire.AppendHeader(dst, a.q.ID, a.flags()|uint16(ans.Rcode()), 1, 0, 0, 0)
	dst = append(dst, a.q.Question...)
	if a.q.EDNS.Present {
		head := len(dst)
		dst = a.appendOPT(dst, from, ans.Rcode(), c, e)
		room -= len(dst) - head
		dst = dst[:head]
	}
	dst = wire.Cut(dst, from, &a.q, ans, g, room, !a.q.EDNS.Present)
	if a.q.EDNS.Present {
		dst = a.appendOPT(dst, from, ans.Rcode(), c, e)
	}
	return dst
}

// largestTCP is what the length in front of a message can say (RFC 1035,
// 4.2.2).
const largestTCP = 65535

// limit returns the largest reply that the client takes.
func (a *answerer) limit(c *client) int {
	e := &a.q.EDNS
	if c.tcp {
		return largestTCP
	}
	if !e.Present {
		return smallestUDP
	}
	most := a.st.edns.most
	if most > a.st.edns.noCookie && !a.goodCookie(c) {
		most = a.st.edns.noCookie
	}
	return max(smallestUDP, min(int(e.UDPSize), most))
}

// appendOPT appends our OPT with the options that the client asked for to the
// reply that starts at from.
func (a *answerer) appendOPT(msg []byte, from, rcode int, c *client, e ede) []byte {
	wire.AddOPT(msg, from)
	q, opt := &a.q.EDNS, len(msg)
	msg = wire.AppendOPT(msg, a.st.edns.advertise, rcode, q.DO)
	if q.Cookie != nil && a.st.cfg.EDNS.AnswerCookie {
		var buf [wire.CookieLen]byte
		data := wire.AppendCookie(buf[:0], q.Cookie, c.addr.Addr(), a.unix(), &a.st.secrets[0])
		msg = wire.AppendOption(msg, opt, wire.OptionCookie, data...)
	}
	if id := a.st.cfg.Identity.ServerID; q.NSID && id != nil {
		msg = wire.AppendOption(msg, opt, wire.OptionNSID, []byte(*id)...)
	}
	if q.Keepalive && c.tcp {
		t := uint16(a.st.cfg.TCP.AdvertisedTimeout / (100 * time.Millisecond))
		msg = wire.AppendOption(msg, opt, wire.OptionKeepalive, byte(t>>8), byte(t))
	}
	if q.ECS != nil {
		msg = wire.AppendECS(msg, opt, q.ECS)
	}
	if e != (ede{}) {
		msg = wire.AppendEDE(msg, opt, e.code, e.text)
	}
	return msg
}

// goodCookie reports whether the query carries a server cookie of ours.
func (a *answerer) goodCookie(c *client) bool {
	for i := range a.st.secrets {
		if wire.GoodCookie(a.q.EDNS.Cookie, c.addr.Addr(), a.unix(), &a.st.secrets[i]) {
			return true
		}
	}
	return false
}

// unix is the batch's time as cookies have it. It follows the wall clock only
// at the server's start: a clock that is set does not spoil cookies.
func (a *answerer) unix() uint32 { return uint32((a.s.startUnix + a.now) / time.Second) }

// bare appends a reply without records: the question when it was sound, and
// our OPT when the client sent one.
func (a *answerer) bare(dst []byte, flags uint16, rcode int, c *client, e ede) []byte {
	from := len(dst)
	qd := uint16(1)
	if a.q.Question == nil {
		qd = 0
	}
	dst = wire.AppendHeader(dst, a.q.ID, flags|uint16(rcode&0xf), qd, 0, 0, 0)
	dst = append(dst, a.q.Question...)
	if a.q.EDNS.Present {
		dst = a.appendOPT(dst, from, rcode, c, e)
	}
	a.count(a.zoneID(), SourceLocal, rcode)
	return dst
}

// refuse turns the query away.
func (a *answerer) refuse(dst []byte, c *client, e ede) []byte {
	return a.bare(dst, a.flags(), wire.Refused, c, e)
}

// fail says that no answer could be had.
func (a *answerer) fail(dst []byte, c *client, e ede) []byte {
	return a.bare(dst, a.flags(), wire.ServFail, c, e)
}
