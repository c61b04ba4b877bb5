package forwarder

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// tcpBuffer is the size of a connection's read buffer in octets: a pipeline of
// a hundred queries. It grows for a longer message.
const tcpBuffer = 4096

// tcpBacklog is how many octets of replies a client may leave unread before
// its queries are not read any more.
const tcpBacklog = 64 << 10

// tcpPipeline is how many queries of one connection may wait for upstream
// before the next ones are read, so that one client cannot fill the memory
// with the large answers it asks for.
const tcpPipeline = 256

// tcpUnread is how many octets may be left unread when the answers of upstream
// have come: the client that lets more pile up has lost the connection.
const tcpUnread = 1 << 20

// tcpUnreadAll is how many octets of answers of upstream all clients may leave
// unread before those who are behind by more than tcpBacklog lose their
// connections.
const tcpUnreadAll = 32 << 20

// tcpWriteTimeout is how long a client may take to accept what is written.
const tcpWriteTimeout = 10 * time.Second

// tcpConn is a client's connection (RFC 7766). One goroutine reads and answers
// hits; replies that come later are written by whoever brings them.
type tcpConn struct {
	answerer
	net.Conn
	t      *tcpServer
	client client
	buf    []byte
	timed  time.Duration // on the server's clock: when the idle timeout was set last

	mu      sync.Mutex
	drained sync.Cond // signalled when pending is written
	pending []byte    // replies with their lengths, to be written
	late    int       // octets of pending that the slow path brought
	spare   []byte    // the other buffer of the two
	writing bool
	broken  bool
	waiting int // queries that upstream is asked for
	active  time.Duration
}

func (t *tcpServer) newConn(nc net.Conn) *tcpConn {
	c := &tcpConn{Conn: nc, t: t, buf: make([]byte, tcpBuffer)}
	c.drained.L = &c.mu
	c.init(t.s, t.s.tcpCounters)
	c.client = client{addr: addrPort(nc.RemoteAddr()), local: addrPort(nc.LocalAddr()), tcp: true}
	c.active = t.s.clock()
	return c
}

func addrPort(a net.Addr) netip.AddrPort {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// run serves the connection until its client closes it, is idle for too long,
// or sends what is no DNS.
func (c *tcpConn) run() {
	defer c.hangUp()
	o := &c.s.state.Load().cfg.TCP
	c.SetReadDeadline(time.Now().Add(o.InitialTimeout))
	for have := 0; ; {
		n, err := c.Read(c.buf[have:])
		if have += n; err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
				c.wait()
			}
			return
		}
		c.begin()
		used, ok := c.frames(c.buf[:have])
		c.end()
		c.flush()
		if !ok {
			return
		}
		have = copy(c.buf, c.buf[used:have])
		c.grow(have)
		if used > 0 { // octets alone, now and then, keep no connection
			c.restartIdle()
		}
	}
}

// restartIdle sets the idle timeout anew, but not for every message.
func (c *tcpConn) restartIdle() {
	c.mu.Lock()
	c.active = c.now
	c.mu.Unlock()
	idle := c.idleTimeout()
	if c.timed == 0 || c.now-c.timed > min(time.Second, idle/8) {
		if c.s.draining.Load() {
			return // shut has set the last one
		}
		c.timed = c.now
		c.SetReadDeadline(time.Now().Add(idle))
	}
}

func (c *tcpConn) idleTimeout() time.Duration {
	o := &c.st.cfg.TCP
	if c.q.EDNS.Keepalive {
		return o.KeepaliveTimeout
	}
	return o.IdleTimeout
}

// frames serves the whole messages in b and returns how many octets they were.
// A message too short for a header ends the connection, as in BIND.
func (c *tcpConn) frames(b []byte) (used int, ok bool) {
	for len(b) >= 2 {
		n := int(binary.BigEndian.Uint16(b))
		if len(b) < 2+n {
			break
		}
		if !c.message(b[2 : 2+n]) {
			return used, false
		}
		used += 2 + n
		b = b[2+n:]
		if c.crowded() {
			c.end()
			c.flush()
			c.begin()
		}
	}
	return used, true
}

// message serves one message.
func (c *tcpConn) message(msg []byte) bool {
	what := dropped
	c.mu.Lock()
	c.append(func(dst []byte) []byte {
		dst, what = c.serve(dst, msg, &c.client)
		return dst
	})
	if what == waiting {
		c.waiting++
	}
	c.mu.Unlock()
	if what == waiting {
		w := c.s.slow.waiter(&c.answerer, &c.q, &c.client)
		w.over = c
		c.misses.push(w)
	}
	return what != dropped
}

// grow makes room for the message whose first have octets were read.
func (c *tcpConn) grow(have int) {
	if have < 2 {
		return
	}
	if need := 2 + int(binary.BigEndian.Uint16(c.buf)); need > len(c.buf) {
		c.buf = append(c.buf[:have], make([]byte, need-have)...)
	}
}

// crowded reports whether the client has to take replies before more of its
// queries are served.
func (c *tcpConn) crowded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.full()
}

// full is crowded. The caller holds mu.
func (c *tcpConn) full() bool { return len(c.pending) > tcpBacklog || c.waiting >= tcpPipeline }

// append adds the reply that write appends, if any, to what will be written.
// The caller holds mu.
func (c *tcpConn) append(write func(dst []byte) []byte) {
	at := len(c.pending)
	c.pending = write(append(c.pending, 0, 0))
	if n := len(c.pending) - at - 2; n > 0 {
		binary.BigEndian.PutUint16(c.pending[at:], uint16(n))
		return
	}
	c.pending = c.pending[:at]
}

// reply writes a reply that the slow path brings. It does not block.
func (c *tcpConn) reply(write func(dst []byte) []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting--
	c.active = c.t.s.clock()
	if c.broken {
		return
	}
	if n := len(c.pending); n > tcpUnread || n > tcpBacklog && c.t.unread.Load() > tcpUnreadAll {
		c.giveUp()
		return
	}
	before := len(c.pending)
	c.append(write)
	c.late += len(c.pending) - before
	c.t.unread.Add(int64(len(c.pending) - before))
	if !c.writing {
		c.writing = true
		c.t.wg.Go(c.write)
	}
}

// forget gives up a query that the slow path had to drop.
func (c *tcpConn) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting--
	c.drained.Broadcast()
}

// flush writes what is pending, and lets a client that does not read wait.
func (c *tcpConn) flush() {
	c.mu.Lock()
	start := !c.writing && len(c.pending) > 0
	c.writing = c.writing || start
	c.mu.Unlock()
	if start {
		c.write()
	}
	c.mu.Lock()
	for c.full() && !c.broken {
		c.drained.Wait()
	}
	c.mu.Unlock()
}

// write writes until nothing is pending. The caller has set writing.
func (c *tcpConn) write() {
	c.mu.Lock()
	for len(c.pending) > 0 && !c.broken {
		out, late := c.pending, c.late
		c.pending, c.late = c.spare[:0], 0
		c.mu.Unlock()
		c.SetWriteDeadline(time.Now().Add(tcpWriteTimeout))
		_, err := c.Write(out)
		c.t.unread.Add(-int64(late))
		c.mu.Lock()
		c.keep(out)
		if err != nil {
			c.giveUp()
		}
	}
	c.writing = false
	c.drained.Broadcast()
	c.mu.Unlock()
}

// keep keeps a buffer for the next replies, unless it has become large.
func (c *tcpConn) keep(buf []byte) {
	if cap(buf) > 2*tcpBacklog || c.broken {
		buf = nil
	}
	c.spare = buf
}

// giveUp ends the connection for all who would write to it. The caller holds mu.
func (c *tcpConn) giveUp() {
	c.broken = true
	c.drained.Broadcast()
	c.Close()
}

// hangUp ends the connection; replies that are not written are lost.
func (c *tcpConn) hangUp() {
	c.mu.Lock()
	c.broken = true
	c.t.unread.Add(-int64(c.late))
	c.pending, c.spare, c.late = nil, nil, 0
	c.drained.Broadcast()
	c.mu.Unlock()
	c.Close()
}

// wait lets the replies that upstream still owes leave after the client has
// closed its half.
func (c *tcpConn) wait() {
	c.mu.Lock()
	for (c.waiting > 0 || c.writing) && !c.broken {
		c.drained.Wait()
	}
	c.mu.Unlock()
}
