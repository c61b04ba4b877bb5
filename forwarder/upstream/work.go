package upstream

// work is what a locked section leaves to do when the lock is gone.
type work struct {
	next    *work
	sockets []*socket // with packets to send
	sends   []send
	msgs    [][]byte
	closes  []Socket
}

// send is a chain of packets for one socket.
type send struct {
	socket  *socket
	packets *packet
	failed  error
}

func (c *Client) queuePacket(k *socket, p *packet) {
	if k.out == nil {
		k.out = p
		c.work.sockets = append(c.work.sockets, k)
	} else {
		k.outEnd.next = p
	}
	k.outEnd = p
}

// takeWork returns what this section queued, or nil.
func (c *Client) takeWork() *work {
	c.batch++
	w := c.work
	if len(w.sockets) == 0 && len(w.closes) == 0 {
		return nil
	}
	for _, k := range w.sockets {
		w.sends = append(w.sends, send{socket: k, packets: k.out})
		k.out, k.outEnd = nil, nil
	}
	if c.work = c.pool.works; c.work != nil {
		c.pool.works = c.work.next
	} else {
		c.work = new(work)
	}
	return w
}

// do sends and closes, without the lock.
func (w *work) do() {
	for i := range w.sends {
		w.send(&w.sends[i])
	}
	for _, k := range w.closes {
		_ = k.Close() // nothing is lost with a UDP socket
	}
}

// send sends one socket's packets, in one system call as a rule.
func (w *work) send(s *send) {
	w.msgs = w.msgs[:0]
	for p := s.packets; p != nil; p = p.next {
		w.msgs = append(w.msgs, p.msg)
	}
	s.failed = s.sendAll(w.msgs)
}

// sendAll sends msgs. The first error may be that of an earlier datagram, which
// ICMP refused, and says nothing of these.
func (s *send) sendAll(msgs [][]byte) (err error) {
	s.socket.sending.Lock()
	defer s.socket.sending.Unlock()
	for errors := 0; len(msgs) > 0 && errors < 2; {
		var n int
		if n, err = s.socket.conn.Send(msgs); n == 0 {
			errors++
		}
		msgs = msgs[n:]
	}
	if len(msgs) == 0 {
		return nil
	}
	return err
}

// putWork takes w back, and notes what could not be sent.
func (c *Client) putWork(w *work) {
	if w == nil {
		return
	}
	for i := range w.sends {
		s := &w.sends[i]
		c.pool.putPackets(s.packets)
		if s.failed != nil {
			c.stats.SendErrors++
		}
	}
	clear(w.sockets)
	clear(w.sends)
	clear(w.msgs)
	clear(w.closes)
	w.sockets, w.sends, w.msgs, w.closes = w.sockets[:0], w.sends[:0], w.msgs[:0], w.closes[:0]
	w.next, c.pool.works = c.pool.works, w
}
