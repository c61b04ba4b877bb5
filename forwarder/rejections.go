package forwarder

import (
	"bytes"

	"vpcdns/forwarder/wire"
)

// reason is why a query gets no data.
type reason uint8

const (
	badHeader reason = iota
	badRecord
	badSIG0
	badOption
	badVersion
	badClass
	noView
	noViewOpcode
	noClass
	badSignature
	badOpcode
	noQuestion
	cookieOnly
	badZone
	notForUs
	noUpdate
	notified
	noMailA
	noTransfer
	badType
	badCookie
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
	rcode     int
	ede       ede
	aa        bool
	ra        bool // RA for those who may recurse, as in answers
	header    bool // a header alone
	noOPT     bool // the client's OPT is not to be trusted
	noOptions bool // nor what it holds
	free      bool // BIND does not limit its rate: it comes before a view is found, or is no error
}

// rejections are BIND's, and stand in the order in which it looks for reasons.
// Which faults a message can have wire.Query.Parse says.
var rejections = [...]rejection{
	badHeader:  {rcode: wire.FormErr, header: true, free: true},
	badRecord:  {rcode: wire.FormErr, noOPT: true, free: true},
	badSIG0:    {rcode: wire.ServFail, noOPT: true, free: true},
	badOption:  {rcode: wire.FormErr, free: true},
	badVersion: {rcode: wire.BadVers, noOptions: true, free: true},

	badClass:     {rcode: wire.FormErr, free: true}, // ANY, NONE and 0 hold no data
	noView:       {rcode: wire.Refused, ede: ede{code: wire.EDEProhibited}, free: true},
	noViewOpcode: {rcode: wire.NotImp, ede: ede{code: wire.EDEProhibited}, free: true},
	noClass:      {rcode: wire.NotImp, free: true},
	badSignature: {rcode: wire.NotAuth},
	badOpcode:    {rcode: wire.NotImp},
	noQuestion:   {rcode: wire.ServFail, ra: true},  // but records
	cookieOnly:   {rcode: wire.NoError, free: true}, // RFC 7873, 5.4

	badZone:  {rcode: wire.FormErr, free: true}, // none in a NOTIFY or UPDATE, or of a type that is not SOA
	notForUs: {rcode: wire.NotAuth, free: true},
	noUpdate: {rcode: wire.Refused, free: true}, // zones here change by a reload
	notified: {rcode: wire.NoError, aa: true, free: true},

	noMailA:     {rcode: wire.NotImp, ra: true},
	noTransfer:  {rcode: wire.NotAuth, ra: true},
	badType:     {rcode: wire.FormErr, ra: true},
	badCookie:   {rcode: wire.BadCookie, ra: true, free: true},
	noChaosZone: {rcode: wire.Refused},

	cacheProhibited:     {rcode: wire.Refused, ede: ede{code: wire.EDEProhibited}},
	recursionProhibited: {rcode: wire.Refused, ede: ede{code: wire.EDEProhibited}},
	queryProhibited:     {rcode: wire.Refused, ra: true, ede: ede{code: wire.EDEProhibited}},
	zoneProhibited:      {rcode: wire.Refused, ra: true, ede: ede{code: wire.EDEProhibited}},

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
	if r.noOptions {
		q.EDNS.DropOptions()
	}
	flags := echo(q)
	if r.ra && q.Class != wire.ClassCH {
		flags = w.flags(q)
	}
	if r.aa {
		flags |= wire.AA
	}
	q.free = r.free
	zone, from := q.zoneNumber(), SourceLocal
	if why.prohibited() {
		zone, from = 0, SourceRefused
		r.ede = w.deniedEDE(why)
		w.logDenied(q, q.Question, why)
		if w.observers&observedByCounts != 0 {
			w.clientCounts.Shard(w.number).Denied(&q.Query)
		}
	}
	w.count(q, zone, from, r.rcode)
	if r.header {
		return wire.AppendHeader(dst, q.ID, flags|uint16(r.rcode), 0, 0, 0, 0)
	}
	return w.replyEmpty(dst, q, flags, r.rcode, r.ede)
}

// deniedEDE returns the extended error of a query that an access list turns away.
func (w *worker) deniedEDE(why reason) ede {
	if !w.st.cfg.Recursion && (why == cacheProhibited || why == recursionProhibited) { // BIND gives no reason then
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
	why := w.reasonOf(fault, q)
	if why != cookieOnly {
		w.tally.Malformed++
	}
	return w.reject(dst, q, why), replied
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
	if hasOtherOpcode(q) {
		q.Question = nil // BIND does not repeat it
	}
	switch fault {
	case wire.BadHeader:
		return badHeader
	case wire.BadRecord:
		return badRecord
	case wire.BadSIG0:
		return badSIG0
	case wire.BadOption:
		return badOption
	case wire.BadVersion:
		return badVersion
	}
	return w.reasonOfSound(fault == wire.Signed, q)
}

// hasOtherOpcode reports whether a query has an opcode that nothing is done for.
func hasOtherOpcode(q *query) bool {
	op := q.Opcode()
	return op != wire.OpcodeQuery && op != wire.OpcodeNotify && op != wire.OpcodeUpdate
}

// reasonOfSound returns why a well formed message gets no data.
func (w *worker) reasonOfSound(signed bool, q *query) reason {
	op := q.Opcode()
	if why, rejected := w.hasNoView(q); rejected {
		return why
	}
	switch {
	case signed && op != wire.OpcodeUpdate: // which may be meant for a server behind
		return badSignature
	case op == wire.OpcodeQuery:
		return noQuestion
	case hasOtherOpcode(q) || q.Class == wire.ClassCH:
		return badOpcode
	case q.Question == nil || q.Type != wire.TypeSOA:
		return badZone
	case w.st.local.Zones[string(wire.AppendLower(q.buf[:0], q.Name()))] == nil || signed:
		return notForUs
	case op == wire.OpcodeNotify:
		return notified
	}
	return noUpdate
}

// hasNoView returns why there is nothing of the class asked, if so. BIND has a
// view for class IN and one for CH; in class ANY there is the TKEY query.
func (w *worker) hasNoView(q *query) (why reason, rejected bool) {
	switch op := q.Opcode(); {
	case q.Class == wire.ClassIN || q.Class == wire.ClassCH || q.Class == wire.ClassANY && q.Type == wire.TypeTKEY:
		return 0, false
	case q.Class == 0 && op == wire.OpcodeQuery && q.Question == nil && q.EDNS.Cookie != nil && w.st.cfg.EDNS.AnswerCookie:
		return cookieOnly, true
	case q.Class == 0 && hasOtherOpcode(q):
		return badOpcode, true
	case q.Class == wire.ClassHS && hasOtherOpcode(q):
		return noViewOpcode, true
	case q.Class == wire.ClassHS || q.Class == wire.ClassNONE && op == wire.OpcodeUpdate:
		return noView, true
	case q.Class == 0 || q.Class == wire.ClassANY || q.Class == wire.ClassNONE:
		return badClass, true
	}
	return noClass, true
}

// serveNoData answers a sound query whose class or type is not for the cache.
func (w *worker) serveNoData(dst []byte, q *query) ([]byte, outcome) {
	if w.isProbe(q) {
		return w.answerProbe(dst, q), replied
	}
	if why, rejected := w.hasNoData(q); rejected {
		return w.reject(dst, q, why), replied
	}
	if q.Class == wire.ClassCH {
		return w.answerChaos(dst, q), replied
	}
	return dst, waiting
}

// isProbe reports whether q asks the question of Server.Check.
func (e *engine) isProbe(q *query) bool { return bytes.Equal(q.Question, e.probe) }

// answerProbe repeats it. Nothing counts that.
func (w *worker) answerProbe(dst []byte, q *query) []byte {
	dst = wire.AppendHeader(dst, q.ID, echo(q), 1, 0, 0, 0)
	return append(dst, q.Question...)
}

// hasNoData returns why there is no data of the class or type asked, if so.
func (w *worker) hasNoData(q *query) (why reason, rejected bool) {
	if why, rejected := w.hasNoView(q); rejected {
		return why, true
	}
	switch {
	case q.Type == wire.TypeMAILA || q.Type == wire.TypeMAILB:
		return noMailA, true
	case q.Type == wire.TypeAXFR || q.Type == wire.TypeIXFR:
		return noTransfer, true
	case q.Type == wire.TypeOPT || q.Type >= 128 && q.Type < wire.TypeANY:
		return badType, true
	case w.st.cfg.EDNS.RequireServerCookie && q.via == viaUDP && q.EDNS.Cookie != nil && !w.goodCookie(q):
		return badCookie, true
	}
	return 0, false
}
