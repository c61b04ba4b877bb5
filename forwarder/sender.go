package forwarder

import (
	"vpcdns/cache"
	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// sender replies to those who waited. It gathers the replies of a batch by
// socket, and sends them together.
type sender struct {
	worker
	q    query // of the waiter that is replied to
	outs []socketOut

	// What is replied, and how it is written: bound once, as a function that is
	// made for each reply would be garbage each time.
	given                    response
	writeResponse, writeWalk func(dst []byte) []byte
	writeObserved            func(dst []byte) []byte // calls write
	write                    func(dst []byte) []byte

	tallies [numVias]counts.Tally // of replies, by how they leave
}

// socketOut is what will leave from one socket.
type socketOut struct {
	conn udp.Conn
	out  *udp.Out
}

func (s *sender) init(e *engine) {
	s.worker.init(e, nil)
	s.writeResponse, s.writeWalk, s.writeObserved = s.appendResponse, s.appendWalk, s.appendObserved
	s.glance.late = true
	s.tallies[viaUDP].To, s.tallies[viaTCP].To, s.tallies[viaExchange].To = e.udp, e.tcp, e.inProcess
}

// appendResponse appends the response to s.q.
func (s *sender) appendResponse(dst []byte) []byte {
	return s.respond(dst, &s.q, &s.given, s.q.zoneNumber())
}

// appendWalk appends the reply to s.q whose walk is at its end.
func (s *sender) appendWalk(dst []byte) []byte { return s.replyWalk(dst, &s.q) }

// appendObserved appends what write does, and shows it to those who look at messages.
func (s *sender) appendObserved(dst []byte) []byte {
	from := len(dst)
	dst = s.write(dst)
	s.replied(&s.q, dst[from:])
	return dst
}

// load makes w's query the one that is replied to.
func (s *sender) load(w *waiter) {
	s.q.client, s.q.Query, s.q.zone, s.q.hash, s.q.walk, s.q.since = w.client, w.q, w.zone, w.hash, w.walk, w.since
	s.q.looked, s.q.logged = true, w.logged
	s.q.inView = true // what has none waits for nothing
	if s.q.may = allRights; w.via != viaExchange {
		s.q.may = s.rightsOf(w.addr.Addr())
	}
	s.tally = &s.tallies[w.via]
}

// deliver gives w what was found of its question, or asks on where that is not the
// end of its chain.
func (s *sender) deliver(w *waiter) {
	s.load(w)
	if w.walk == nil && !s.given.plain.Open() {
		s.send(w, s.writeResponse)
		return
	}
	if s.goOn(w) == waiting {
		w.waitFor(s.q.walk)
		s.misses.push(w)
		return
	}
	s.send(w, s.writeWalk)
}

// goOn goes on with w's walk from what was found, or from its beginning.
func (s *sender) goOn(w *waiter) outcome {
	again := w.walk != nil && s.isOutdated(w.walk)
	if w.walk == nil || again {
		s.q.walk = newWalk(&s.q, &s.worker)
	}
	if !again && !s.take(s.q.walk, &s.given) {
		return replied
	}
	return s.advance(s.q.walk)
}

// send gives w, which is loaded, its reply, which write appends, and frees it.
func (s *sender) send(w *waiter, write func(dst []byte) []byte) {
	switch {
	case w.late == nil:
		s.sendUDP(w, write)
	case s.observers != 0:
		s.write = write
		w.late.Reply(s.writeObserved)
	default:
		w.late.Reply(write)
	}
	s.waiters.put(w)
}

// noteRegular remembers that w's client got data of upstream.
func (s *sender) noteRegular(w *waiter, from Source, rcode int) {
	if (from == SourceMiss || from == SourceJoined) && rcode == wire.NoError && w.via == viaUDP {
		s.regulars.Note(w.from, s.now)
	}
}

func (s *sender) sendUDP(w *waiter, write func(dst []byte) []byte) {
	out, what := s.out(w.conn), replied
	reply := write(out.Room())
	if s.st.rates != nil {
		reply, what = s.limitRate(reply, 0, &s.q)
	}
	if what != replied {
		return
	}
	if s.observers != 0 {
		s.replied(&s.q, reply)
	}
	out.Add(reply, w.peer)
}

// sendAll gives one answer to a list of waiters; those behind the first are
// counted as joined.
func (s *sender) sendAll(w *waiter, r response) {
	s.given = r
	if w != nil && s.watches.Pins() != nil {
		s.givePin(w.asks())
	}
	if s.given.isFailure() {
		s.noteTold(w)
	}
	for w != nil {
		next := w.next
		s.noteRegular(w, r.from, s.given.plain.Rcode())
		s.deliver(w)
		if s.given.from == SourceMiss {
			s.given.from = SourceJoined
		}
		w = next
	}
}

// noteTold notes who is told of a failure: a list of waiters.
func (s *sender) noteTold(w *waiter) {
	for ; w != nil; w = w.next {
		s.damage.Told(w.zone.id, w.from)
	}
}

// givePin gives what is pinned of the question in place of what was found, if something
// is.
func (s *sender) givePin(q *wire.Query) {
	if p := s.pinOf(wire.AppendLower(s.q.buf[:0], q.Name()), q.Type); p != nil {
		s.given = s.pinned(p, q.Type)
	}
}

// fromCache is the response that a fresh entry is.
func fromCache(e cache.Entry) response {
	_, ans := splitValue(e.Value())
	return response{answers: both(ans), asOf: e.Stored(), from: SourceHit}
}

// turnAway gives w, for whose question there is no room, a stale answer, or none, or
// drops it. w.next is nil.
func (s *sender) turnAway(w *waiter, drop bool) {
	i, isStale := insteadOf(s.cache, s.st, w.hash, w.asks().AppendKey(s.q.buf[:0]), s.now, edeStaleFailure)
	switch {
	case w.refresh:
		s.waiters.put(w)
	case isStale:
		s.sendAll(w, i)
	case drop:
		s.tallies[w.via].Dropped++
		s.damage.Lost(w.zone.id, w.from)
		s.waiters.drop(w)
	default:
		s.sendAll(w, failure(SourceLocal, edeOf(upstream.ErrBusy)))
	}
}

// out returns the batch that leaves from conn, with room for a reply.
func (s *sender) out(conn udp.Conn) *udp.Out {
	for i := range s.outs {
		if o := &s.outs[i]; o.conn == conn {
			if o.out.Full() {
				conn.WriteBatch(o.out)
			}
			return o.out
		}
	}
	s.outs = append(s.outs, socketOut{conn, udp.NewOut()})
	return s.outs[len(s.outs)-1].out
}

// maxOuts is how many sockets keep a batch with an idle sender: one for each
// address that is served, as a rule.
const maxOuts = 32

// flush sends the replies that were gathered, and queues what answers from the
// cache made worth asking.
func (s *sender) flush() {
	for i := range s.outs {
		if o := &s.outs[i]; o.out.Len() > 0 {
			o.conn.WriteBatch(o.out)
		}
	}
	if len(s.outs) > maxOuts {
		s.outs = nil
	}
	s.queue.submit(&s.misses)
	for i := range s.tallies {
		s.tallies[i].Publish()
	}
	s.left()
}
