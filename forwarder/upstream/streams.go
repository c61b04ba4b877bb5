package upstream

import (
	"context"
	"slices"
	"time"
)

const (
	// streamIdle is how long a connection without queries is kept (RFC 7766,
	// 6.2.3: the order of seconds): a client of a server that serves one connection
	// at a time can wait for it to end.
	streamIdle = 2 * time.Second

	// streamTimeout is the least time for an answer over TCP: a connection is
	// made first, and what is asked there is often large.
	streamTimeout = time.Second

	// maxStreams bounds the connections to a server: some resolvers take 100 from
	// all clients together (BIND's tcp-clients is 150).
	maxStreams = 64
)

// streams is what is open to a server over TCP.
type streams struct {
	all   []*stream
	queue queue // requests that wait for a connection of their own

	heard       time.Duration // last answer on any
	mute        int           // requests in a row that had none
	serialUntil time.Duration // one query a connection at a time
	briefUntil  time.Duration // no idle connections: it seems to serve one at a time
}

// choose returns the connection for a new try: an idle one, or one where the
// others move. A request that has shared a connection in vain has one of its own.
// It is nil when there must be a new one.
func (c *Client) choose(p *path, alone bool) *stream {
	if alone {
		return nil
	}
	var least *stream
	s := p.server
	for _, st := range s.tcp.all {
		switch {
		case st.path != p || st.retired || st.partial || st.n >= maxTries:
		case st.n == 0:
			return st
		case c.t < s.tcp.serialUntil:
		case !st.still(c.t) || len(s.tcp.all) == maxStreams:
			if least == nil || st.n < least.n {
				least = st
			}
		}
	}
	return least
}

// still reports whether nothing was heard for so long that a query would rather
// not stand behind those that wait here.
func (st *stream) still(now time.Duration) bool {
	slack := st.server.rtt.rto()
	if !st.open {
		slack *= 2
	}
	return now-max(st.heard, st.busy) > slack
}

// crowded reports whether there can be no new connection to s.
func (s *server) crowded() bool { return len(s.tcp.all) >= maxStreams }

// connect opens a connection. One that is to be alone takes the place of idle
// ones, which may be why the server does not serve others.
func (c *Client) connect(p *path, alone bool) *stream {
	s := p.server
	if alone {
		c.closeIdle(s)
	}
	st := &stream{server: s, path: p, client: c, more: make(chan struct{}, 1), heard: longAgo, born: c.t}
	st.table.owner, st.alarm.owner = st, st
	st.buckets = st.one[:]
	if !alone {
		st.buckets = make([]*try, streamBuckets)
	}
	st.ctx, st.cancel = context.WithCancel(c.ctx)
	s.tcp.all = append(s.tcp.all, st)
	s.stats.Connects++
	c.stats.Streams++
	c.wg.Go(st.run)
	return st
}

func (c *Client) closeIdle(s *server) {
	for _, st := range s.tcp.all {
		if st.n == 0 {
			c.retireStream(st)
		}
	}
}

// price is what a try on p costs in packets.
func (c *Client) price(p *path, tcp, alone bool) int {
	switch {
	case !tcp:
		return udpCost
	case c.choose(p, alone) != nil:
		return tcpCost
	}
	return tcpCost + connectCost
}

// timeout is how long r's latest try waits. Over TCP it is half of what is left
// at most: what is not noticed within that never is. Who is alone on a connection
// gains little by another.
func (c *Client) timeout(r *Request, s *server, tcp, alone bool) time.Duration {
	if !tcp {
		return s.rtt.wait(int(r.sent))
	}
	half := (r.deadline - c.t) / 2
	if half < streamTimeout/2 {
		return r.deadline - c.t // another connection would have no time
	}
	if i := r.position(s); alone && (s.TCPOnly || r.truncated.has(i)) {
		return half
	}
	return min(max(streamTimeout, 2*s.rtt.rto()), half)
}

// awaitStream makes r wait until another connection to s ends. One that has hung
// in the middle of an answer for too long makes room.
func (c *Client) awaitStream(r *Request, s *server) {
	if i := slices.IndexFunc(s.tcp.all, (*stream).hangs); i >= 0 {
		s.tcp.all[i].cancel()
	}
	c.unqueue(r)
	s.tcp.queue.push(r)
	c.wheel.set(&r.alarm, r.deadline, c.t)
}

// nextAlone asks for the first that waits for a connection to s.
func (c *Client) nextAlone(s *server) {
	if r := s.tcp.queue.head; r != nil && !s.crowded() && !c.closed {
		c.unqueue(r)
		r.pinned = int32(r.position(s)) + 1
		c.ask(r)
	}
}

// retireStream gives st no more tries; it is closed when the last one has left.
func (c *Client) retireStream(st *stream) {
	st.retired = true
	if st.n == 0 {
		st.cancel()
	}
}

// emptied keeps a connection for a while, unless somebody waits for it to end,
// or the server has answers to give still that nobody waits for.
func (st *stream) emptied(c *Client) {
	s := st.server
	if st.retired || st.frames < st.asked || c.t < s.tcp.briefUntil || s.tcp.queue.n > 0 || s.unserved(c.t) {
		c.retireStream(st)
		return
	}
	if !st.partial {
		c.wheel.set(&st.alarm, c.t+streamIdle, c.t)
	}
}

// hangs reports whether the end of a frame has not come in its time.
func (st *stream) hangs() bool { return st.partial && !st.armed() && st.ctx.Err() == nil }

// unserved reports whether a connection to s was not answered for so long that
// the server may serve one at a time.
func (s *server) unserved(now time.Duration) bool {
	for _, st := range s.tcp.all {
		if st.n > 0 && st.heard == longAgo && st.still(now) {
			return true
		}
	}
	return false
}

// ring: the connection was idle long enough, or hangs in the middle of a frame.
func (st *stream) ring(c *Client) {
	switch {
	case st.n == 0:
		c.retireStream(st)
	case st.partial:
		c.scatter(st)
	}
}

// shutServer closes all that is open to s.
func (c *Client) shutServer(s *server) {
	for _, p := range s.paths {
		for _, k := range p.udp.sockets {
			if k != nil {
				c.retire(k)
			}
		}
	}
	for _, st := range s.tcp.all {
		c.retireStream(st)
	}
}
