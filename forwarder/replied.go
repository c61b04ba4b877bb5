package forwarder

import "vpcdns/forwarder/wire"

// observers are who looks at whole messages, as bits of engine.observing: a worker
// asks once a batch.
type observers uint32

const (
	observedByLog observers = 1 << iota
)

// setObserver makes an observer one, or no longer one.
func (e *engine) setObserver(o observers, on bool) {
	if on {
		e.observing.Or(uint32(o))
		return
	}
	e.observing.And(^uint32(o))
}

// replied shows a reply, whole and on its way to a client, to those who look at
// messages. It is called only where there are such, who keep nothing of it but copies.
func (w *worker) replied(q *query, reply []byte) {
	if w.observers&observedByLog != 0 && q.logged && !w.isProbe(q) && !isTransfer(q) {
		w.logResponse(q, reply)
	}
}

// isTransfer reports whether a zone is asked for, which is no query as others in BIND.
func isTransfer(q *query) bool { return q.Type == wire.TypeAXFR || q.Type == wire.TypeIXFR }

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
