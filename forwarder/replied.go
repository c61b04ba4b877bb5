package forwarder

import (
	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/dnstap"
	"vpcdns/forwarder/wire"
)

// observers are who looks at whole messages, as bits of engine.observing: a worker
// asks once a batch.
type observers uint32

const (
	observedByTap observers = 1 << iota
	observedByCounts
	observedByLog
)

// setObserver makes an observer one, or no longer one.
func (e *engine) setObserver(o observers, on bool) {
	if on {
		e.observing.Or(uint32(o))
		return
	}
	e.observing.And(^uint32(o))
}

// CountClients has what clients send and get counted for ClientCounts, or no longer.
// It costs each query some twenty additions.
func (s *Server) CountClients(on bool) {
	s.clientCounts.Start()
	s.setObserver(observedByCounts, on)
}

// ClientCounts returns the sums; they are 0 before CountClients.
func (s *Server) ClientCounts() counts.Sums { return s.clientCounts.Sum() }

// counted is the current query as it is counted.
func (w *worker) counted(q *query) counts.Query {
	return counts.Query{Query: &q.Query, TCP: q.via == viaTCP, IPv6: q.addr.Addr().Is6(), Looked: q.looked}
}

// replyRcode is the response code of a reply with the upper bits that its OPT has:
// two of them can be told from what stands in the header.
func replyRcode(q *query, reply []byte) int {
	switch rcode := int(wire.Flags(reply) & 0xf); {
	case rcode == wire.BadCookie&0xf: // YXRRSET is no answer to a query
		return wire.BadCookie
	case rcode == wire.NoError && q.EDNS.Version > 0:
		return wire.BadVers
	default:
		return rcode
	}
}

// came shows a client's query to those who look at messages. It is called only where
// there are such.
func (w *worker) came(fault wire.Fault, q *query, msg []byte) {
	if w.observers&observedByCounts != 0 && q.via != viaExchange && !w.isProbe(q) {
		q.looked = q.Question != nil && isLogged(fault, q)
		counted := w.counted(q)
		counted.GoodCookie = len(q.EDNS.Cookie) == wire.CookieLen && w.goodCookie(q)
		w.clientCounts.Shard(w.number).Request(fault, &counted, len(msg))
	}
	q.inView = w.hasView(fault, q)
	if kind, ok := w.kindOfQuery(fault, q); ok && w.observers&observedByTap != 0 {
		w.tapClient(kind, q, msg)
	}
}

// replied shows a reply, whole and on its way to a client, to those who look at
// messages. It is called only where there are such, who keep nothing of it but copies.
func (w *worker) replied(q *query, reply []byte) {
	if w.observers&observedByCounts != 0 && q.via != viaExchange && !w.isProbe(q) {
		counted := w.counted(q)
		w.clientCounts.Shard(w.number).Reply(&counted, replyRcode(q, reply), reply)
	}
	if w.observers&observedByLog != 0 && q.logged && !w.isProbe(q) && !q.IsTransfer() {
		w.logResponse(q, reply)
	}
	if w.observers&observedByTap != 0 && q.inView {
		w.tapClient(kindOfReply(q, reply), q, reply)
	}
}

// hasView reports whether BIND would have a view for a query: it taps no others, nor
// their replies.
func (w *worker) hasView(fault wire.Fault, q *query) bool {
	if fault != wire.Sound && fault != wire.NoQuery && fault != wire.Signed {
		return false
	}
	_, rejected := w.hasNoView(q)
	return !rejected && isInView(q)
}

// kindOfQuery is as what BIND taps a query, if it does: one of a client has RD, and may
// have it.
func (w *worker) kindOfQuery(fault wire.Fault, q *query) (kind dnstap.Type, ok bool) {
	op := q.Opcode()
	switch {
	case !q.inView:
		return 0, false
	case op == wire.OpcodeUpdate: // signed by a key that is not known, too
		return dnstap.UpdateQuery, q.Class != wire.ClassCH
	case op != wire.OpcodeQuery || fault == wire.Signed:
		return 0, false
	case q.Class != wire.ClassCH && w.flags(q)&(wire.RD|wire.RA) == wire.RD|wire.RA:
		return dnstap.ClientQuery, true
	}
	return dnstap.AuthQuery, true
}

// kindOfReply is as what BIND taps a reply.
func kindOfReply(q *query, reply []byte) dnstap.Type {
	switch {
	case q.Opcode() == wire.OpcodeUpdate:
		return dnstap.UpdateResponse
	case wire.Flags(reply)&wire.RD != 0:
		return dnstap.ClientResponse
	}
	return dnstap.AuthResponse
}

// tapClient gives a client's query or response to the tap, but what the server asks
// itself.
func (w *worker) tapClient(kind dnstap.Type, q *query, msg []byte) {
	if q.via == viaExchange || !w.tap.Wants(kind) || w.isProbe(q) {
		return
	}
	m := dnstap.Message{Type: kind, TCP: q.via == viaTCP, Asker: q.addr, Answerer: q.local, Data: msg}
	if kind.IsResponse() {
		m.Answered = w.clock.now()
	} else {
		m.Asked = q.since
	}
	w.tap.Put(&m)
}
