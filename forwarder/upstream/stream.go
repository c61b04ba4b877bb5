package upstream

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"
)

const (
	streamBuckets = 64
	streamBuffer  = 16 << 10
)

// stream is one TCP connection, on which queries are pipelined and answered in
// any order (RFC 7766, 6.2.1.1 and 7), unless the server shows that it cannot.
type stream struct {
	table
	alarm   // of an idle connection, or of a frame that has begun
	server  *server
	path    *path
	client  *Client
	local   netip.AddrPort // our end, once it is open
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

// dialTCP connects from source, any port of it.
func dialTCP(ctx context.Context, server, source netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	if source.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source.Addr(), 0))
	}
	return d.DialContext(ctx, "tcp", server.String())
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
	conn, err := c.cfg.DialTCP(st.ctx, st.server.Addr, st.path.source.port())
	if err != nil {
		st.end(err)
		return
	}
	stop := context.AfterFunc(st.ctx, func() { _ = conn.Close() })
	c.mu.Lock()
	st.open, st.local = true, localAddr(conn)
	c.dialed(st.path, nil)
	c.mu.Unlock()
	c.wg.Go(func() { st.read(conn) })
	st.write(conn)
	stop()
	_ = conn.Close()
	st.end(nil)
}

// localAddr is our end of a connection; the zero value where that is not known.
func localAddr(conn net.Conn) netip.AddrPort {
	a, ok := conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := a.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
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
	c.tapPackets(st, st.out)
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
	if st.n == 0 && !st.armed() {
		st.emptied(c)
	}
	more := st.frames <= st.asked+maxWrong
	c.leave(&st.ended)
	return more
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
		c.dialed(st.path, err)
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
