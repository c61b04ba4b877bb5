package forwarder

import (
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

	tallies [numVias]tally // of replies, by how they leave
}

// socketOut is what will leave from one socket.
type socketOut struct {
	conn udp.Conn
	out  *udp.Out
}

func (s *sender) init(e *engine) {
	s.worker.init(e, nil)
	s.tallies[viaUDP].to, s.tallies[viaTCP].to, s.tallies[viaExchange].to = e.udp, e.tcp, e.inProcess
}

// writer appends one reply to q.
type writer func(dst []byte, q *query) []byte

// send gives w its reply and frees it.
func (s *sender) send(w *waiter, write writer) {
	s.q.client, s.q.Query, s.q.zone, s.q.hash = w.client, w.q, w.zone, w.hash
	if s.q.may = allRights; w.via != viaExchange {
		s.q.may = s.rightsOf(w.addr.Addr())
	}
	s.tally = &s.tallies[w.via]
	if w.late != nil {
		w.late.Reply(func(dst []byte) []byte { return write(dst, &s.q) })
	} else {
		s.sendUDP(w, write)
	}
	s.waiters.put(w)
}

// noteRegular remembers that w's client got data of upstream.
func (s *sender) noteRegular(w *waiter, from Source, rcode int) {
	if (from == SourceMiss || from == SourceJoined) && rcode == wire.NoError && w.via == viaUDP {
		s.regulars.note(w.from, s.now)
	}
}

func (s *sender) sendUDP(w *waiter, write writer) {
	out, what := s.out(w.conn), replied
	reply := write(out.Room(), &s.q)
	if s.st.rates != nil {
		reply, what = s.limitRate(reply, 0, &s.q)
	}
	if what == replied {
		out.Add(reply, w.peer)
	}
}

// sendAll gives one answer to a list of waiters; those behind the first are
// counted as joined.
func (s *sender) sendAll(w *waiter, a answers, g wire.Aging, from Source, e ede) {
	for w != nil {
		next := w.next
		s.noteRegular(w, from, a.plain.Rcode())
		s.send(w, func(dst []byte, q *query) []byte {
			ans := a.forDO(q.EDNS.DO)
			s.count(q, q.zoneNumber(), from, ans.Rcode())
			return s.reply(dst, q, ans, g, e)
		})
		if from == SourceMiss {
			from = SourceJoined
		}
		w = next
	}
}

// turnAway replies to a query whose zone has too many under way, unless it is to
// be dropped.
func (s *sender) turnAway(w *waiter, drop bool) {
	switch {
	case w.refresh:
		s.waiters.put(w)
	case drop:
		s.tallies[w.via].dropped++
		s.waiters.drop(w)
	default:
		s.sendAll(w, both(servfail), wire.Aging{}, SourceLocal, edeOf(upstream.ErrBusy))
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
		s.tallies[i].publish()
	}
}
