package upstream

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
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

	// serialFor is how long a server is not sent queries behind each other that
	// did not answer them so.
	serialFor = 10 * time.Minute

	// muteTCP requests in a row without an answer over TCP, there is none.
	muteTCP = 3

	// maxResets connections may end under a request before that counts as its
	// server's failure.
	maxResets = 3

	// maxStreams bounds the connections to a server: some resolvers take 100 from
	// all clients together (BIND's tcp-clients is 150).
	maxStreams = 64

	streamBuckets = 64
	streamBuffer  = 16 << 10
)

// stream is one TCP connection, on which queries are pipelined and answered in
// any order (RFC 7766, 6.2.1.1 and 7), unless the server shows that it cannot.
type stream struct {
	table
	alarm   // of an idle connection, or of a frame that has begun
	server  *server
	client  *Client
	out     *packet
	outEnd  *packet
	more    chan struct{} // out is not empty
	ctx     context.Context
	cancel  context.CancelFunc
	born    time.Duration
	busy    time.Duration // when it was last without queries
	heard   time.Duration
	asked   int  // queries
	frames  int  // messages from the server
	open    bool // was connected
	partial bool // a frame has begun and not ended
	retired bool // takes no new tries
	ended   []delivery
}

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
func (c *Client) choose(s *server, alone bool) *stream {
	if alone {
		return nil
	}
	var least *stream
	for _, st := range s.tcp.all {
		switch {
		case st.retired || st.partial || st.n >= maxTries:
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
func (c *Client) connect(s *server, alone bool) *stream {
	if alone {
		c.closeIdle(s)
	}
	st := &stream{server: s, client: c, more: make(chan struct{}, 1), heard: longAgo, born: c.t}
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

// dialTCP connects from source, any port of it.
func dialTCP(ctx context.Context, server, source netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	if source.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source.Addr(), 0))
	}
	return d.DialContext(ctx, "tcp", server.String())
}

// price is what a try to s costs in packets.
func (c *Client) price(s *server, tcp, alone bool) int {
	switch {
	case !tcp:
		return udpCost
	case c.choose(s, alone) != nil:
		return tcpCost
	}
	return tcpCost + connectCost
}

// timeout is how long r's latest try waits. Over TCP it is half of what is left
// at most: what is not noticed within that never is. Who is alone on a connection
// gains little by another.
func (c *Client) timeout(r *Request, s *server, tcp, alone bool) time.Duration {
	if !tcp {
		return s.rtt.wait(r.sent)
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

func (st *stream) queue(p *packet) {
	c := st.client
	if st.asked++; st.n == 1 {
		c.wheel.clear(&st.alarm)
		st.busy = c.t
	}
	if st.out == nil {
		st.out = p
	} else {
		st.outEnd.next = p
	}
	st.outEnd = p
	select {
	case st.more <- struct{}{}:
	default:
	}
}

// run connects, then writes; a second goroutine reads.
func (st *stream) run() {
	c := st.client
	conn, err := c.cfg.DialTCP(st.ctx, st.server.Addr, st.server.source)
	if err != nil {
		st.end(err)
		return
	}
	stop := context.AfterFunc(st.ctx, func() { _ = conn.Close() })
	c.mu.Lock()
	st.open = true
	c.dialed(st.server, nil)
	c.mu.Unlock()
	c.wg.Go(func() { st.read(conn) })
	st.write(conn)
	stop()
	_ = conn.Close()
	st.end(nil)
}

// write sends what is queued until the connection ends.
func (st *stream) write(conn net.Conn) {
	var buf []byte
	for {
		select {
		case <-st.more:
		case <-st.ctx.Done():
			return
		}
		buf = st.take(buf[:0])
		if len(buf) == 0 {
			continue
		}
		if _, err := conn.Write(buf); err != nil {
			return
		}
	}
}

// take appends the queued messages, each behind its length (RFC 1035, 4.2.2).
func (st *stream) take(dst []byte) []byte {
	c := st.client
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := st.out; p != nil; p = p.next {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(p.msg)))
		dst = append(dst, p.msg...)
	}
	c.pool.putPackets(st.out)
	st.out, st.outEnd = nil, nil
	return dst
}

// read takes answers until the connection ends.
func (st *stream) read(conn net.Conn) {
	in := bufio.NewReaderSize(conn, streamBuffer)
	var msg []byte
	for more := true; more; {
		if _, err := in.Peek(1); err != nil {
			break
		}
		if !whole(in) {
			st.begun()
		}
		var length [2]byte
		if _, err := io.ReadFull(in, length[:]); err != nil {
			break
		}
		n := int(binary.BigEndian.Uint16(length[:]))
		msg = append(msg[:0], make([]byte, n)...)
		if _, err := io.ReadFull(in, msg); err != nil {
			break
		}
		more = st.received(msg)
	}
	st.cancel()
}

// whole reports whether the next frame is there to its end.
func whole(in *bufio.Reader) bool {
	n := in.Buffered()
	if n < 2 {
		return false
	}
	length, err := in.Peek(2)
	return err == nil && n >= 2+int(binary.BigEndian.Uint16(length))
}

// begun notes that a frame has begun, whose end may not come: it has twice the
// retry timeout.
func (st *stream) begun() {
	c := st.client
	c.enter()
	st.partial = true
	c.wheel.set(&st.alarm, c.t+2*st.server.rtt.rto(), c.t)
	c.leave(nil)
}

// received takes a message, and reports whether there may be more: each query has
// one answer, and a few may be stray.
func (st *stream) received(msg []byte) bool {
	c := st.client
	c.enter()
	if st.partial {
		st.partial = false
		c.wheel.clear(&st.alarm)
	}
	st.frames++
	t, wrong := st.match(msg)
	if t != nil {
		c.learnTCP(st, t)
		c.answer(t, msg, false)
	}
	if wrong {
		st.server.stats.Mismatched++
	}
	if st.n == 0 && !st.armed {
		st.emptied(c)
	}
	more := st.frames <= st.asked+maxWrong
	c.leave(&st.ended)
	return more
}

// learnTCP notes an answer on st, and what it says of how the server answers. One
// that came on a later connection first does not answer them all at once on one;
// one that came so late, while others had theirs, waited for them to go.
func (c *Client) learnTCP(st *stream, t *try) {
	s := st.server
	for e := t.earlier; e != nil; e = e.earlier {
		if e.tcp && e.server == s {
			s.tcp.serialUntil = c.t + serialFor
		}
	}
	if st.heard == longAgo && c.t-st.born > streamTimeout && s.tcp.heard > st.born {
		s.tcp.briefUntil = c.t + serialFor
	}
	st.heard, s.tcp.heard, s.tcp.mute = c.t, c.t, 0
}

// end forgets the connection, which could not be made if err is not nil. What was
// asked there is asked again.
func (st *stream) end(err error) {
	st.cancel()
	c, s := st.client, st.server
	c.enter()
	c.retireStream(st)
	c.wheel.clear(&st.alarm)
	c.pool.putPackets(st.out)
	st.out = nil
	c.stats.Streams--
	s.tcp.all = slices.DeleteFunc(s.tcp.all, func(o *stream) bool { return o == st })
	if err != nil && !c.closed {
		c.dialed(s, err)
		c.stats.DialErrors++
	}
	pending := st.all()
	if len(pending) > 1 && st.heard > longAgo {
		s.tcp.serialUntil = c.t + serialFor
	}
	for _, t := range pending {
		r := t.r
		latest := r.tries == t
		i := int(t.index)
		c.abandon(t)
		if latest {
			c.reset(r, i, st, len(pending) == 1)
		}
	}
	c.nextAlone(s)
	var ended []delivery
	c.leave(&ended)
}

// reset goes on with r after a connection to its i-th server ended. One that
// worked, or where others waited too, says little: servers close them at any time
// (RFC 7766, 6.2.4), and some after one answer.
func (c *Client) reset(r *Request, i int, st *stream, lone bool) {
	s := st.server
	r.resets++
	switch worked := st.open && (!lone || st.heard > longAgo); {
	case c.closed:
		return
	case worked && r.resets < maxResets:
		r.alone.add(i)
		r.pinned = i + 1
	case s.TCPOnly:
		c.refuse(s, r)
	case r.truncated.has(i):
		r.failed.add(i)
		if r.err == nil {
			r.err = cmp.Or[error](s.fault, ErrNetwork)
		}
	case st.partial: // its answer hung, which says nothing of the server's TCP
		r.noTCP.add(i)
	default:
		c.withoutTCP(s)
	}
	c.retry(r, 0)
}

// stalled notes that t was not answered in time. A connection that was silent
// since it was sent gets no more tries, and who waits there leaves it.
func (c *Client) stalled(t *try) {
	st, r, i := t.table.owner.(*stream), t.r, int(t.index)
	r.alone.add(i)
	if st.heard >= t.sent {
		return
	}
	c.scatter(st)
	if st.heard == longAgo && !t.server.TCPOnly && !r.truncated.has(i) {
		c.muteTCP(r, i, t.server)
	}
}

// muteTCP gives up TCP where it was only our own idea: for r, and for the server
// when a few requests say so, as one may have a name that is slow.
func (c *Client) muteTCP(r *Request, i int, s *server) {
	r.noTCP.add(i)
	if s.tcp.mute++; s.tcp.mute >= muteTCP {
		c.withoutTCP(s)
	}
}

// scatter has all that wait on st asked again on connections of their own. What
// is answered here all the same counts.
func (c *Client) scatter(st *stream) {
	c.retireStream(st)
	if st.n == 1 {
		return // it has no other to wait for
	}
	for _, t := range st.all() {
		r, i := t.r, int(t.index)
		if r.alone.has(i) || r.tries != t {
			continue
		}
		r.alone.add(i)
		r.pinned = i + 1
		c.retry(r, 0)
	}
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
		r.pinned = r.position(s) + 1
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
func (st *stream) hangs() bool { return st.partial && !st.armed && st.ctx.Err() == nil }

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
	for _, k := range s.udp.sockets {
		if k != nil {
			c.retire(k)
		}
	}
	for _, st := range s.tcp.all {
		c.retireStream(st)
	}
}
