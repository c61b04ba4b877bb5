package upstream

import (
	"encoding/binary"

	"vpcdns/forwarder/wire"
)

// answer acts on msg, which matches t. cut says that the datagram was longer than
// we offered to take.
func (c *Client) answer(t *try, msg []byte, cut bool) {
	if t.done {
		return
	}
	c.tapAnswer(t, msg)
	s := t.server
	rcode, edns := c.edns(t.path, msg)
	c.answered(t)
	s.stats.Rcodes[min(rcode, NumRcodes)]++
	if s.shownOPT = s.shownOPT || edns.Present; c.unsure(t, msg) {
		return
	}
	t.done, t.r.vain = true, 0
	switch {
	case t.r.probe != nil:
		c.probed(t, rcode, msg)
	case !t.tcp && t.cookie && !c.cookieSound(t, edns):
		c.cookieMissing(t)
	case !t.tcp && (cut || wire.Truncated(msg)):
		c.truncated(t)
	case wire.Truncated(msg) && useful(rcode, msg):
		c.useless(t, errTruncated)
	case noEDNS(rcode, edns) && t.edns:
		c.withoutEDNS(t)
	case rcode == wire.BadCookie:
		c.badCookie(t)
	case useful(rcode, msg):
		c.succeed(t, edns, msg)
	default:
		c.failed(t, rcode)
	}
}

// probed ends a probe. One that was answered well brings a failing server back.
func (c *Client) probed(t *try, rcode int, msg []byte) {
	switch s := t.server; {
	case !useful(rcode, msg):
		s.stats.Failed++
	case s.failing > 0 && c.parser.Parse(msg) && !c.parser.Referral():
		s.well(c.t)
	}
	c.finish(t.r, nil, nil)
}

// truncated asks over TCP, once for all of a request's tries that say so.
func (c *Client) truncated(t *try) {
	t.server.stats.Truncated++
	if r, i := t.r, int(t.index); !r.truncated.has(i) {
		r.truncated.add(i)
		c.again(t)
	}
}

// withoutEDNS asks plainly, once as well.
func (c *Client) withoutEDNS(t *try) {
	t.server.stats.NoEDNS++
	if r, i := t.r, int(t.index); !r.plain.has(i) {
		r.plain.add(i)
		c.again(t)
	}
}

// succeed delivers msg, and remembers what made it come.
func (c *Client) succeed(t *try, edns wire.EDNS, msg []byte) {
	s, r := t.server, t.r
	from := t.origin()
	s.well(c.t)
	c.learnEDNS(t)
	if odd := r.badCookies > 0 || r.oddCookie.has(int(t.index)); odd && !(t.cookie && c.cookieSound(t, edns)) {
		c.forgetCookies(t.path)
	}
	c.tryAgain(r, s)
	r.Took, r.From = c.t-t.sent, s.Addr
	c.finish(r, msg, nil)
	c.ended[len(c.ended)-1].from = from
}

// again asks t's server once more, in another way.
func (c *Client) again(t *try) {
	r := t.r
	r.pinned, r.via = int32(t.index)+1, t.path
	c.unqueue(r)
	c.ask(r)
}

// cookieMissing drops an answer without the cookie that t's server must have sent, or with
// another, as it may be forged (RFC 7873, 5.3), and asks over TCP, where what is
// said of cookies counts no more; where there is no TCP, without a cookie.
func (c *Client) cookieMissing(t *try) {
	r, i := t.r, int(t.index)
	t.server.stats.CookieMissing++
	if !r.oddCookie.has(i) {
		r.oddCookie.add(i)
		c.again(t)
	}
}

// useless goes on after an answer to t that is of no use.
func (c *Client) useless(t *try, err error) {
	r := t.r
	c.unsound(r, t.origin(), err)
	c.unqueue(r)
	c.ask(r)
}

// badCookie asks again with the cookie that came with the answer, then over TCP
// (RFC 7873, 5.3), and last without a cookie.
func (c *Client) badCookie(t *try) {
	r, i := t.r, int(t.index)
	if t.number <= r.badCookie {
		return
	}
	r.badCookie = r.sent
	r.badCookies++
	switch {
	case !t.cookie:
		c.failed(t, wire.BadCookie)
		return
	case t.tcp || r.badCookies > 2:
		r.oddCookie.add(i)
		r.noTCP.add(i)
		r.truncated &^= 1 << i
	case r.badCookies == 2:
		r.truncated.add(i)
	}
	c.again(t)
}

// failed goes on with the next server, if there is one.
func (c *Client) failed(t *try, rcode int) {
	s, r := t.server, t.r
	s.stats.Failed++
	if r.failed.has(int(t.index)) {
		return
	}
	s.failed(s.failing, c.t)
	r.failed.add(int(t.index))
	r.err = ErrServFail{uint16(rcode)}
	if latest := r.tries; latest != t && !r.failed.has(int(latest.index)) {
		return // another server is being asked
	}
	c.unqueue(r)
	c.ask(r)
}

// cookieSound takes the cookie of an answer to t, and reports whether it is what
// t's query must have been answered with.
func (c *Client) cookieSound(t *try, edns wire.EDNS) bool {
	if edns.Cookie == nil {
		return !t.expect
	}
	return t.path.cookie.learn(edns.Cookie)
}

// forgetCookies sends none on p for a while: they were wrong over TCP too, or came
// to nothing where there is no TCP, so that it is a cache that hands out others'.
func (c *Client) forgetCookies(p *path) {
	if c.t < p.cookie.offUntil {
		return
	}
	p.cookie.forget(c.t)
	c.events = append(c.events, Event{Kind: CookiesOff, Server: p.server.Addr, Duration: cookielessFor})
}

// useful reports whether rcode is an answer about the name.
func useful(rcode int, msg []byte) bool {
	switch rcode {
	case wire.NoError, wire.NXDomain:
		return true
	case wire.YXDomain: // a DNAME that led to too long a name (RFC 6672, 2.2)
		return binary.BigEndian.Uint16(msg[6:]) > 0
	}
	return false
}

// noEDNS reports whether the server does not know EDNS (RFC 6891, 7) or its
// version.
func noEDNS(rcode int, edns wire.EDNS) bool {
	return rcode == wire.FormErr && !edns.Present || rcode == wire.BadVers
}

// edns returns the whole response code and the OPT. An answer that ends in an
// OPT without options, as most do, is not parsed when p has no cookie to miss:
// a record that only looks like one can then hide nothing that is used here.
func (c *Client) edns(p *path, msg []byte) (rcode int, e wire.EDNS) {
	rcode = wire.Rcode(msg)
	if len(msg) < wire.HeaderLen+bareOPT || msg[10]|msg[11] == 0 {
		return rcode, e
	}
	if tail := msg[len(msg)-bareOPT:]; p.cookie.n == 0 && isBareOPT(tail) {
		e.Present = true
		return rcode, e
	}
	if !c.parser.Parse(msg) {
		return rcode, e
	}
	return c.parser.Rcode(), c.parser.EDNS
}

// bareOPT is the length of an OPT record without options.
const bareOPT = 11

func isBareOPT(tail []byte) bool {
	const typeAt, rcodeAt, lengthAt = 1, 5, 9
	return tail[0] == 0 && binary.BigEndian.Uint16(tail[typeAt:]) == wire.TypeOPT &&
		tail[rcodeAt] == 0 && binary.BigEndian.Uint16(tail[lengthAt:]) == 0
}
