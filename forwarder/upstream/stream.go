package upstream

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"time"
)

const (
	// streamIdle is how long a connection without queries is kept (RFC 7766,
	// 6.2.3: the order of seconds).
	streamIdle = 10 * time.Second

	// streamTimeout is the least time for an answer over TCP: a connection is
	// made first, and what is asked there is often large.
	streamTimeout = time.Second

	// maxResets connections may end under a request before that counts as its
	// server's failure.
	maxResets = 3

	streamBuckets = 64
	streamBuffer  = 16 << 10
)

// stream is one TCP connection, on which queries are pipelined and answered in
// any order (RFC 7766, 6.2.1.1 and 7).
type stream struct {
	table
	alarm   // idle
	server  *server
	client  *Client
	out     *packet
	outEnd  *packet
	more    chan struct{} // out is not empty
	ctx     context.Context
	cancel  context.CancelFunc
	heard   time.Duration
	open    bool // was connected
	retired bool // takes no new tries
	ended   []delivery
}

// stream returns the connection that new tries take.
func (c *Client) stream(s *server) *stream {
	if s.tcp != nil && s.tcp.n < maxTries {
		return s.tcp
	}
	if s.tcp != nil {
		c.retireStream(s.tcp)
	}
	st := &stream{server: s, client: c, more: make(chan struct{}, 1), heard: longAgo}
	st.table.owner, st.alarm.owner = st, st
	st.buckets = make([]*try, streamBuckets)
	st.ctx, st.cancel = context.WithCancel(c.ctx)
	s.tcp = st
	s.stats.Connects++
	c.stats.Streams++
	c.wg.Go(st.run)
	return st
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
func (s *server) price(tcp bool) int {
	switch {
	case !tcp:
		return udpCost
	case s.tcp != nil:
		return tcpCost
	}
	return tcpCost + connectCost
}

// timeout is how long the n-th try of a request waits. Over TCP it is half of
// a request's life at most: what is not noticed within that never is.
func (s *server) timeout(n int, tcp bool, life time.Duration) time.Duration {
	if tcp {
		return min(max(streamTimeout, 2*s.rtt.rto()), life/2)
	}
	return s.rtt.wait(n)
}

func (st *stream) queue(p *packet) {
	st.client.wheel.clear(&st.alarm)
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
		st.end()
		return
	}
	stop := context.AfterFunc(st.ctx, func() { _ = conn.Close() })
	c.mu.Lock()
	st.open = true
	c.mu.Unlock()
	c.wg.Go(func() { st.read(conn) })
	st.write(conn)
	stop()
	_ = conn.Close()
	st.end()
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
	for {
		var length [2]byte
		if _, err := io.ReadFull(in, length[:]); err != nil {
			break
		}
		n := int(binary.BigEndian.Uint16(length[:]))
		msg = append(msg[:0], make([]byte, n)...)
		if _, err := io.ReadFull(in, msg); err != nil {
			break
		}
		st.received(msg)
	}
	st.cancel()
}

func (st *stream) received(msg []byte) {
	c := st.client
	c.enter()
	t, wrong := st.match(msg)
	if t != nil {
		st.heard = c.t
		wrong = !c.answer(t, msg, false)
	}
	if wrong {
		st.server.stats.Mismatched++
	}
	c.leave(&st.ended)
}

// end forgets the connection. What was asked there is asked again.
func (st *stream) end() {
	st.cancel()
	c := st.client
	c.enter()
	c.retireStream(st)
	c.wheel.clear(&st.alarm)
	c.pool.putPackets(st.out)
	st.out = nil
	c.stats.Streams--
	if !st.open {
		c.stats.DialErrors++
	}
	for _, t := range st.all() {
		r := t.r
		latest := r.tries == t
		i := int(t.index)
		c.abandon(t)
		if latest {
			c.reset(r, i, st)
		}
	}
	var ended []delivery
	c.leave(&ended)
}

// reset goes on with r after a connection to its i-th server ended. One that
// worked is made again: servers close idle ones at any time (RFC 7766, 6.2.4).
func (c *Client) reset(r *Request, i int, st *stream) {
	s := st.server
	r.resets++
	switch {
	case c.closed:
		return
	case st.heard > longAgo && r.resets < maxResets:
		r.pinned = i + 1
	case s.TCPOnly:
		c.refuse(s, r)
	case r.truncated.has(i):
		r.failed.add(i)
		if r.err == nil {
			r.err = ErrNetwork
		}
	default:
		c.withoutTCP(s)
	}
	c.retry(r, 0)
}

// stalled retires a connection that was silent since t was sent.
func (c *Client) stalled(t *try) {
	st := t.table.owner.(*stream)
	if st.heard >= t.sent {
		return
	}
	c.retireStream(st)
	if st.heard == longAgo && !t.server.TCPOnly && !t.r.truncated.has(int(t.index)) {
		c.withoutTCP(t.server)
	}
}

// retireStream gives st no more tries; it is closed when the last one has left.
func (c *Client) retireStream(st *stream) {
	st.retired = true
	if st.server.tcp == st {
		st.server.tcp = nil
	}
	if st.n == 0 {
		st.cancel()
	}
}

// emptied closes a connection after a while without queries.
func (st *stream) emptied(c *Client) {
	if st.retired {
		st.cancel()
		return
	}
	c.wheel.set(&st.alarm, c.t+streamIdle, c.t)
}

// ring: the connection was idle long enough.
func (st *stream) ring(c *Client) {
	if st.n == 0 {
		c.retireStream(st)
	}
}

// shutServer closes all that is open to s.
func (c *Client) shutServer(s *server) {
	for _, k := range s.udp.sockets {
		if k != nil {
			c.retire(k)
		}
	}
	if s.tcp != nil {
		c.retireStream(s.tcp)
	}
}
