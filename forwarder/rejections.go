package forwarder

import "vpcdns/forwarder/wire"

// reason is why a query gets no data.
type reason uint8

const (
	badHeader reason = iota
	badMessage
	badRecord
	badVersion
	badOpcode
	badSignature
	badClass
	badType
	badCookie
	noNotify
	notForUs
	cookieOnly
	noHesiod
	noClass
	noMailA
	noTransfer
	noChaosTransfer
	noChaosZone
	cacheProhibited
	recursionProhibited
	queryProhibited
	zoneProhibited
	noForwarders
	barred
	noRecursion
	shuttingDown
	forwardingLoop
)

// prohibited reports whether an access list turns the query away.
func (r reason) prohibited() bool { return r >= cacheProhibited && r <= zoneProhibited }

// rejection is a reply without data, in all that it depends on. The zero value
// repeats what the client sent: its question, RD and CD, and our OPT for its own.
type rejection struct {
	rcode    int
	ede      ede
	ra       bool // RA for those who may recurse, as in answers
	header   bool // a header alone
	noOPT    bool // the client's OPT is not to be trusted
	noCookie bool // nor its cookie
}

// rejections are BIND's. Which faults a message can have, and in which order
// they are looked for, wire.Query.Parse says.
var rejections = [...]rejection{
	badHeader:    {rcode: wire.FormErr, header: true},
	badMessage:   {rcode: wire.FormErr, noCookie: true},
	badRecord:    {rcode: wire.FormErr, noOPT: true},
	badVersion:   {rcode: wire.BadVers, noCookie: true},
	badOpcode:    {rcode: wire.NotImp},
	badSignature: {rcode: wire.NotAuth, ra: true},
	badClass:     {rcode: wire.FormErr}, // ANY, NONE and 0 hold no data
	badType:      {rcode: wire.FormErr, ra: true},
	badCookie:    {rcode: wire.BadCookie, ra: true},

	noNotify:   {rcode: wire.FormErr},               // of a type that is not SOA
	notForUs:   {rcode: wire.NotAuth, header: true}, // no zone here is anybody's secondary or can be changed
	cookieOnly: {rcode: wire.NoError},               // RFC 7873, 5.4

	noHesiod:        {rcode: wire.Refused, ede: ede{code: wire.EDEProhibited}},
	noClass:         {rcode: wire.NotImp},
	noMailA:         {rcode: wire.NotImp, ra: true},
	noTransfer:      {rcode: wire.NotAuth, ra: true},
	noChaosTransfer: {rcode: wire.NotAuth},
	noChaosZone:     {rcode: wire.Refused},

	cacheProhibited:     {rcode: wire.Refused, ede: ede{code: wire.EDEProhibited}},
	recursionProhibited: {rcode: wire.Refused, ede: ede{code: wire.EDEProhibited}},
	queryProhibited:     {rcode: wire.Refused, ede: ede{code: wire.EDEProhibited}},
	zoneProhibited:      {rcode: wire.Refused, ede: ede{code: wire.EDEProhibited}},

	noForwarders:   {rcode: wire.Refused, ra: true, ede: ede{wire.EDENotAuth, "no forwarders for this name"}},
	barred:         {rcode: wire.ServFail, ra: true, ede: ede{wire.EDENoReachable, "all forwarders are bogus or blackholed"}},
	noRecursion:    {rcode: wire.Refused, ra: true, ede: ede{wire.EDENotAuth, "not in cache, and recursion not desired"}},
	shuttingDown:   {rcode: wire.ServFail, ra: true, ede: ede{wire.EDENotReady, "shutting down"}},
	forwardingLoop: {rcode: wire.ServFail, ra: true, ede: ede{wire.EDENetwork, "forwarding loop"}},
}

// reject appends the reply to a query that gets no data.
func (w *worker) reject(dst []byte, q *query, why reason) []byte {
	r := rejections[why]
	if r.noOPT {
		q.EDNS = wire.EDNS{}
	}
	if r.noCookie {
		q.EDNS.Cookie = nil
	}
	flags := echo(q)
	if r.ra && q.Opcode() == wire.OpcodeQuery {
		flags = w.flags(q)
	}
	zone, from := q.zoneNumber(), SourceLocal
	if why.prohibited() {
		zone, from = 0, SourceRefused
		r.ede = w.deniedEDE(why)
		w.logDenied(q, q.Question, why)
	}
	w.count(q, zone, from, r.rcode)
	if r.header {
		return wire.AppendHeader(dst, q.ID, flags|uint16(r.rcode), 0, 0, 0, 0)
	}
	return w.replyEmpty(dst, q, flags, r.rcode, r.ede)
}

// deniedEDE returns the extended error of a query that an access list turns away.
func (w *worker) deniedEDE(why reason) ede {
	if !w.st.cfg.Recursion { // BIND gives no reason then
		return ede{}
	}
	return rejections[why].ede
}

const opcodeBits = 0xf << 11

// echo returns the flags of a reply that neither recurses nor could.
func echo(q *query) uint16 {
	if q.Opcode() != wire.OpcodeQuery {
		return wire.QR | q.Flags&opcodeBits
	}
	return wire.QR | q.Flags&(wire.RD|wire.CD)
}

// serveUnusual answers what is not a sound question for the cache, as BIND does.
// waiting means that the query is one after all.
func (w *worker) serveUnusual(dst []byte, fault wire.Fault, q *query) ([]byte, outcome) {
	switch {
	case fault == wire.Sound:
		return w.serveNoData(dst, q)
	case q.via == viaUDP && answersAnything(q.addr.Port()):
		return w.ignore(dst, fault)
	}
	w.tally.malformed++
	return w.reject(dst, q, w.reasonOf(fault, q)), replied
}

// answersAnything reports whether what comes from a port is an answer of a
// service to a datagram of ours: echo, daytime, chargen, time or kpasswd. A reply
// to it would be answered again, for ever (BIND drops it too).
func answersAnything(port uint16) bool {
	switch port {
	case 7, 13, 19, 37, 464:
		return true
	}
	return false
}

// reasonOf returns why a query with a fault gets no data.
func (w *worker) reasonOf(fault wire.Fault, q *query) reason {
	if op := q.Opcode(); op != wire.OpcodeQuery && op != wire.OpcodeNotify && op != wire.OpcodeUpdate {
		q.Question = nil // BIND does not look for one there
	}
	switch fault {
	case wire.BadHeader:
		return badHeader
	case wire.BadOpcode:
		return badOpcode
	case wire.NotForUs:
		if q.Type != wire.TypeSOA {
			return noNotify
		}
		return notForUs
	case wire.NoQuestion:
		if q.EDNS.Cookie == nil || !w.st.cfg.EDNS.AnswerCookie {
			return badMessage
		}
		w.tally.malformed--
		return cookieOnly
	case wire.BadVersion:
		return badVersion
	case wire.Signed:
		return badSignature
	case wire.BadRecord:
		return badRecord
	}
	return badMessage
}

// serveNoData answers a sound query whose class or type is not for the cache.
func (w *worker) serveNoData(dst []byte, q *query) ([]byte, outcome) {
	switch {
	case w.isProbe(q):
		return w.answerProbe(dst, q), replied
	case q.Class == wire.ClassCH && !isTransfer(q.Type) && !isMailA(q.Type):
		return w.answerChaos(dst, q), replied
	}
	if why, rejected := w.hasNoData(q); rejected {
		return w.reject(dst, q, why), replied
	}
	return dst, waiting
}

func isTransfer(rtype uint16) bool { return rtype == wire.TypeAXFR || rtype == wire.TypeIXFR }
func isMailA(rtype uint16) bool    { return rtype == wire.TypeMAILA || rtype == wire.TypeMAILB }

// hasNoData returns why there is no data of the class or type asked, if so.
func (w *worker) hasNoData(q *query) (why reason, rejected bool) {
	switch {
	case q.Class == wire.ClassANY || q.Class == wire.ClassNONE || q.Class == 0:
		return badClass, true
	case q.Class == wire.ClassHS:
		return noHesiod, true
	case isMailA(q.Type):
		return noMailA, true
	case q.Class != wire.ClassIN && q.Class != wire.ClassCH:
		return noClass, true
	case isTransfer(q.Type) && q.Class == wire.ClassCH:
		return noChaosTransfer, true
	case isTransfer(q.Type):
		return noTransfer, true
	case q.Type == wire.TypeOPT || q.Type >= 128 && q.Type < wire.TypeANY:
		return badType, true
	case w.st.cfg.EDNS.RequireServerCookie && q.via == viaUDP && q.EDNS.Cookie != nil && !w.goodCookie(q):
		return badCookie, true
	}
	return 0, false
}
