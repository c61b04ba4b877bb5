package forwarder

import "vpcdns/forwarder/wire"

// special answers what is not a sound question for the cache, as BIND does.
// waiting means that the query is ordinary after all.
func (a *answerer) special(dst []byte, fault wire.Fault, c *client) ([]byte, outcome) {
	a.zone = nil
	switch {
	case fault == wire.Sound:
		return a.peculiar(dst, c)
	case !c.tcp && chatters(c.addr.Port()):
		return a.ignore(dst, fault)
	}
	return a.faulty(dst, fault, c), replied
}

// chatters reports whether what comes from a port is an answer of a service to
// a datagram of ours: echo, daytime, chargen, time or kpasswd. A reply to it
// would be answered again, for ever (BIND drops it too).
func chatters(port uint16) bool {
	switch port {
	case 7, 13, 19, 37, 464:
		return true
	}
	return false
}

// echo returns the flags of a reply that neither recurses nor could.
func (a *answerer) echo() uint16 { return wire.QR | a.q.Flags&(wire.RD|wire.CD) }

const opcodeBits = 0xf << 11

// faulty answers a query that has a fault.
func (a *answerer) faulty(dst []byte, fault wire.Fault, c *client) []byte {
	a.tally.malformed++
	echo := a.echo()
	if a.q.Opcode() != wire.OpcodeQuery {
		echo = wire.QR | a.q.Flags&opcodeBits
		if op := a.q.Opcode(); op != wire.OpcodeNotify && op != wire.OpcodeUpdate {
			a.q.Question = nil // BIND does not look for one there
		}
	}
	switch fault {
	case wire.BadHeader:
		return a.header(dst, echo, wire.FormErr)
	case wire.BadOpcode:
		return a.bare(dst, echo, wire.NotImp, c, ede{})
	case wire.NotForUs:
		return a.notForUs(dst, echo, c)
	case wire.NoQuestion:
		return a.noQuestion(dst, c)
	case wire.BadVersion:
		a.q.EDNS.Cookie = nil
		return a.bare(dst, echo, wire.BadVers, c, ede{})
	case wire.Signed:
		if a.q.Opcode() == wire.OpcodeQuery {
			echo = a.flags()
		}
		return a.bare(dst, echo, wire.NotAuth, c, ede{})
	case wire.BadRecord:
		a.q.EDNS = wire.EDNS{}
	}
	a.q.EDNS.Cookie = nil
	return a.bare(dst, echo, wire.FormErr, c, ede{})
}

// header appends a reply of a header alone.
func (a *answerer) header(dst []byte, flags uint16, rcode int) []byte {
	a.count(0, SourceLocal, rcode)
	return wire.AppendHeader(dst, a.q.ID, flags|uint16(rcode), 0, 0, 0, 0)
}

// notForUs answers NOTIFY and UPDATE: no zone here is anybody's secondary or
// can be changed.
func (a *answerer) notForUs(dst []byte, flags uint16, c *client) []byte {
	if a.q.Type != wire.TypeSOA {
		return a.bare(dst, flags, wire.FormErr, c, ede{})
	}
	return a.header(dst, flags, wire.NotAuth)
}

// noQuestion answers a query without question: one that only wants a cookie
// gets it (RFC 7873, 5.4).
func (a *answerer) noQuestion(dst []byte, c *client) []byte {
	if a.q.EDNS.Cookie != nil && a.st.cfg.EDNS.AnswerCookie {
		a.tally.malformed--
		return a.bare(dst, a.echo(), wire.NoError, c, ede{})
	}
	return a.bare(dst, a.echo(), wire.FormErr, c, ede{})
}

// peculiar answers a sound query whose class or type is not for the cache.
func (a *answerer) peculiar(dst []byte, c *client) ([]byte, outcome) {
	switch q := &a.q; {
	case q.Class == wire.ClassANY || q.Class == wire.ClassNONE || q.Class == 0:
		return a.bare(dst, a.echo(), wire.FormErr, c, ede{}), replied
	case q.Class == wire.ClassHS:
		return a.bare(dst, a.echo(), wire.Refused, c, ede{code: wire.EDEProhibited}), replied
	case q.Type == wire.TypeMAILA || q.Type == wire.TypeMAILB:
		return a.bare(dst, a.flags(), wire.NotImp, c, ede{}), replied
	case q.Class != wire.ClassIN && q.Class != wire.ClassCH:
		return a.bare(dst, a.echo(), wire.NotImp, c, ede{}), replied
	case a.probed():
		return a.echoProbe(dst), replied
	case q.Class == wire.ClassCH && (q.Type == wire.TypeAXFR || q.Type == wire.TypeIXFR):
		return a.bare(dst, a.echo(), wire.NotAuth, c, ede{}), replied
	case q.Class == wire.ClassCH:
		return a.chaos(dst, c), replied
	case q.Type == wire.TypeAXFR || q.Type == wire.TypeIXFR:
		return a.bare(dst, a.flags(), wire.NotAuth, c, ede{}), replied
	case q.Type == wire.TypeOPT || q.Type >= 128 && q.Type < wire.TypeANY: // no data
		return a.bare(dst, a.flags(), wire.FormErr, c, ede{}), replied
	case a.st.cfg.EDNS.RequireServerCookie && !c.tcp && q.EDNS.Cookie != nil && !a.goodCookie(c):
		return a.bare(dst, a.flags(), wire.BadCookie, c, ede{}), replied
	}
	return dst, waiting
}

// denied turns away a client that may not read the cache, unless a static zone
// has other rules.
func (a *answerer) denied(dst []byte, c *client) ([]byte, outcome) {
	a.key = a.q.AppendKey(a.buf[:0])
	if z := a.st.local.Find(a.key[:len(a.key)-5]); z != nil {
		return a.fromZone(dst, z, c)
	}
	return a.prohibited(dst, c), replied
}

// prohibited is BIND's answer to a client outside an access list. With
// `recursion no` BIND gives no reason.
func (a *answerer) prohibited(dst []byte, c *client) []byte {
	from := len(dst)
	dst = wire.AppendHeader(dst, a.q.ID, a.echo()|wire.Refused, 1, 0, 0, 0)
	dst = append(dst, a.q.Question...)
	if a.q.EDNS.Present {
		why := ede{code: wire.EDEProhibited}
		if !a.st.cfg.Recursion {
			why = ede{}
		}
		dst = a.appendOPT(dst, from, wire.Refused, c, why)
	}
	a.count(0, SourceRefused, wire.Refused)
	a.logDenied(c)
	return dst
}
