package tcp

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

// ReadBuffer is the size of a connection's read buffer in octets: a pipeline of
// a hundred queries. It grows for a longer message.
const ReadBuffer = 4096

// Backlog is how many octets of replies a client may leave unread before
// its queries are not read any more.
const Backlog = 64 << 10

// pipeline is how many queries of one connection may wait for upstream
// before the next ones are read, so that one client cannot fill the memory
// with the large answers it asks for.
const pipeline = 256

// MaxUnread is how many octets may be left unread when late responses have
// come: the client that lets more pile up has lost the connection.
const MaxUnread = 1 << 20

// MaxUnreadAll is how many octets of late responses all clients may leave
// unread before those who are behind by more than Backlog lose their
// connections.
const MaxUnreadAll = 32 << 20

// Conn is a client's connection. One goroutine reads and answers what it can;
// responses that come later are written by whoever brings them.
type Conn struct {
	Client, Local netip.AddrPort

	conn    net.Conn
	server  *Server
	handler Handler
	buf     []byte
	timed   time.Duration // on the server's clock: when the idle timeout was set last

	came  time.Duration // on the server's clock
	owner *client       // nil when it is none of the server's any more; here and below the server's lock holds
	place int           // in owner.conns
	seen  time.Duration // on the server's clock: in use at that time, and maybe later

	mu      sync.Mutex
	drained sync.Cond // signalled when pending is written
	pending []byte    // replies with their lengths, to be written
	late    int       // octets of pending that Reply brought
	spare   []byte    // the other buffer of the two
	writing bool
	broken  bool
	waiting int // queries whose response comes later
	active  time.Duration
	idle    time.Duration // how long the client may take to accept what is written
}

func (t *Server) newConn(nc net.Conn) *Conn {
	c := &Conn{
		Client: AddrPort(nc.RemoteAddr()),
		Local:  AddrPort(nc.LocalAddr()),
		conn:   nc,
		server: t,
		buf:    make([]byte, ReadBuffer),
		came:   t.cfg.Clock(),
	}
	c.drained.L = &c.mu
	return c
}

// AddrPort returns a socket's address, an IPv4-mapped one as IPv4; the zero value
// is none.
func AddrPort(a net.Addr) netip.AddrPort {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// run serves the connection until its client closes it, is idle for too long,
// or sends what is no DNS.
func (c *Conn) run() {
	defer c.hangUp()
	c.setReadDeadline(c.server.cfg.Limits().InitialTimeout)
	for have := 0; ; {
		n, err := c.conn.Read(c.buf[have:])
		if have += n; err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
				c.wait()
			}
			return
		}
		now := c.handler.Begin()
		used, ok := c.frames(c.buf[:have])
		c.handler.End()
		c.flush()
		if !ok {
			return
		}
		have = copy(c.buf, c.buf[used:have])
		c.fit(have)
		if used > 0 { // octets alone, now and then, keep no connection
			c.restartIdle(now)
		}
	}
}

// setReadDeadline lets the client send nothing for d, unless the server shuts
// down.
func (c *Conn) setReadDeadline(d time.Duration) {
	c.conn.SetReadDeadline(time.Now().Add(d))
	if c.server.closing.Load() {
		c.readNoMore()
	}
}

func (c *Conn) readNoMore() { c.conn.SetReadDeadline(time.Now().Add(closeGrace)) }

// restartIdle sets the idle timeout anew, but not for every message.
func (c *Conn) restartIdle(now time.Duration) {
	c.mu.Lock()
	c.active = now
	c.mu.Unlock()
	if c.timed == 0 {
		c.server.noteFirst(c, now)
	}
	idle := c.handler.IdleTimeout()
	if c.timed == 0 || now-c.timed > min(time.Second, idle/8) {
		c.timed = now
		c.setReadDeadline(idle)
	}
}

// frames serves the whole messages in b and returns how many octets they were.
// A message too short for a header ends the connection, as in BIND.
func (c *Conn) frames(b []byte) (used int, ok bool) {
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
			c.handler.End()
			c.flush()
			c.handler.Begin()
		}
	}
	return used, true
}

// message serves one message.
func (c *Conn) message(msg []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	var what Outcome
	c.append(func(dst []byte) []byte {
		dst, what = c.handler.Serve(dst, msg)
		return dst
	})
	if what == Waiting {
		c.waiting++
	}
	c.idle = c.handler.IdleTimeout()
	return what != Refused
}

// fit makes room for the message whose first have octets were read: twice as much
// as it has filled, so that who only announces a long one costs nothing; and no
// more than usual when it is over.
func (c *Conn) fit(have int) {
	size := ReadBuffer
	if have >= 2 {
		size = max(size, 2+int(binary.BigEndian.Uint16(c.buf)))
	}
	if have < len(c.buf) {
		size = min(size, len(c.buf))
	}
	if size = min(size, 2*len(c.buf)); size != len(c.buf) {
		c.buf = append(make([]byte, 0, size), c.buf[:have]...)[:size]
	}
}

// crowded reports whether the client has to take replies before more of its
// queries are served.
func (c *Conn) crowded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.full()
}

// full is crowded. The caller holds mu.
func (c *Conn) full() bool { return len(c.pending) > Backlog || c.waiting >= pipeline }

// append adds the reply that write appends, if any, to what will be written.
// The caller holds mu.
func (c *Conn) append(write func(dst []byte) []byte) {
	at := len(c.pending)
	c.pending = write(append(c.pending, 0, 0))
	if n := len(c.pending) - at - 2; n > 0 {
		binary.BigEndian.PutUint16(c.pending[at:], uint16(n))
		return
	}
	c.pending = c.pending[:at]
}

// Reply writes a response that comes later, which write appends. It does not
// block, and may be called by any goroutine.
func (c *Conn) Reply(write func(dst []byte) []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting--
	c.active = c.server.cfg.Clock()
	if c.broken {
		return
	}
	if n := len(c.pending); n > MaxUnread || n > Backlog && c.server.unread.Load() > MaxUnreadAll {
		c.giveUp()
		return
	}
	before := len(c.pending)
	c.append(write)
	c.late += len(c.pending) - before
	c.server.unread.Add(int64(len(c.pending) - before))
	if !c.writing {
		c.writing = true
		c.server.wg.Go(c.write)
	}
}

// Drop gives up a query that is left without a response.
func (c *Conn) Drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting--
	c.drained.Broadcast()
}

// flush writes what is pending, and lets a client that does not read wait.
func (c *Conn) flush() {
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
func (c *Conn) write() {
	c.mu.Lock()
	for len(c.pending) > 0 && !c.broken {
		out, late, idle := c.pending, c.late, c.idle
		c.pending, c.late = c.spare[:0], 0
		c.mu.Unlock()
		c.conn.SetWriteDeadline(time.Now().Add(idle))
		_, err := c.conn.Write(out)
		c.server.unread.Add(-int64(late))
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

// keptBuffer is the size up to which a buffer for replies is kept for the next ones:
// a connection has two, whatever it was once sent.
const keptBuffer = 16 << 10

// keep keeps a buffer for the next replies, unless it has become large.
func (c *Conn) keep(buf []byte) {
	if cap(buf) > keptBuffer || c.broken {
		buf = nil
	}
	c.spare = buf
}

// giveUp ends the connection for all who would write to it. The caller holds mu.
func (c *Conn) giveUp() {
	c.broken = true
	c.drained.Broadcast()
	c.conn.Close()
}

// hangUp ends the connection; replies that are not written are lost.
func (c *Conn) hangUp() {
	c.mu.Lock()
	c.broken = true
	c.server.unread.Add(-int64(c.late))
	c.pending, c.spare, c.late = nil, nil, 0
	c.drained.Broadcast()
	c.mu.Unlock()
	c.conn.Close()
}

// wait lets the replies that upstream still owes leave after the client has
// closed its half.
func (c *Conn) wait() {
	c.mu.Lock()
	for (c.waiting > 0 || c.writing) && !c.broken {
		c.drained.Wait()
	}
	c.mu.Unlock()
}
