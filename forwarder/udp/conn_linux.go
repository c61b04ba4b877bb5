//go:build amd64 || arm64

package udp

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// conn is a socket that the runtime's poller waits on. The runtime also keeps
// the descriptor from being closed, and its number reused, under a call.
type conn struct {
	file    *os.File
	raw     syscall.RawConn
	local   netip.AddrPort
	segment atomic.Bool // UDP_SEGMENT is worth a try
	closed  atomic.Bool
	stopped atomic.Bool // Serve must have a look at the deadline, or at closed

	received, sent, failed, full, segmented, segmentFailed atomic.Uint64
}

// Listen opens a socket bound to addr; port 0 lets the kernel choose. An IPv6
// socket takes IPv6 only. A socket on the unspecified address replies from the
// address that the route to the client prefers, not from the one that was
// asked: on a host with several, open one socket for each.
func Listen(addr netip.AddrPort, o Options) (Conn, error) {
	c, err := listen(addr, o)
	if err != nil {
		return nil, fmt.Errorf("listening on UDP %v#%d: %w", addr.Addr(), addr.Port(), err)
	}
	return c, nil
}

func listen(addr netip.AddrPort, o Options) (*conn, error) {
	fd, err := open(addr)
	if err != nil {
		return nil, err
	}
	if err := bindListener(fd, addr, o); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return newConn(os.NewFile(uintptr(fd), "udp"), o)
}

// Adopt makes a Conn of a bound UDP socket that another process opened, as a
// service manager does. It works on a duplicate: f stays the caller's to
// close. Without ReusePort that stays as the opener left it.
func Adopt(f *os.File, o Options) (Conn, error) {
	c, err := adopt(f, o)
	if err != nil {
		return nil, fmt.Errorf("adopting UDP socket %s: %w", f.Name(), err)
	}
	return c, nil
}

func adopt(f *os.File, o Options) (*conn, error) {
	dup, err := duplicate(f)
	if err != nil {
		return nil, err
	}
	if err := tuneAdopted(dup, o); err != nil {
		dup.Close()
		return nil, err
	}
	return newConn(dup, o)
}

func tuneAdopted(f *os.File, o Options) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return control(raw, func(fd int) error {
		if err := checkDatagram(fd); err != nil {
			return err
		}
		if o.ReusePort { // best effort: alone it serves as well
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		}
		tune(fd, o)
		return nil
	})
}

// newConn takes file over, also when it fails.
func newConn(file *os.File, o Options) (*conn, error) {
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, err
	}
	c := &conn{file: file, raw: raw}
	err = control(raw, func(fd int) (err error) {
		c.local, err = localAddr(fd)
		c.segment.Store(!o.NoSegment && canSegment(fd))
		return err
	})
	if err != nil {
		file.Close()
		return nil, err
	}
	return c, nil
}

func (c *conn) File() (*os.File, error) { return duplicate(c.file) }

// Shutdown says ENOTCONN for UDP, and works.
func (c *conn) Shutdown() {
	_ = c.raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) })
}

// StopReading uses that a read deadline is this process's own: the socket and
// its other holders know nothing of it.
func (c *conn) StopReading() {
	c.stopped.Store(true)
	_ = c.file.SetReadDeadline(time.Unix(1, 0)) // closed: stopped already
}

func (c *conn) LocalAddr() netip.AddrPort { return c.local }

func (c *conn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	c.stopped.Store(true)
	return c.file.Close()
}

// Serve stays within one Read of the runtime's, which forgets at its start what
// arrived before: see In.serve.
func (c *conn) Serve(in *In, batch func() bool) error {
	in.conn, in.batch = c, batch
	if err := c.raw.Read(in.try); err != nil {
		return c.failure("receiving", err)
	}
	if in.errno != 0 {
		return c.failure("receiving", os.NewSyscallError("recvmmsg", in.errno))
	}
	return nil
}

func (c *conn) WriteBatch(out *Out) error {
	if out.n == 0 {
		return nil
	}
	out.segment = c.segment.Load()
	out.plan()
	// Control, not Write: sendmmsg needs no turn, and flush waits by itself.
	err := c.raw.Control(out.try)
	c.count(out)
	out.Reset()
	if err != nil {
		return c.failure("sending", err)
	}
	return nil
}

// count adds what out did to the counters. Most are almost always 0.
func (c *conn) count(out *Out) {
	s := &out.stats
	c.sent.Add(s.Sent)
	if s.Segmented != 0 {
		c.segmented.Add(s.Segmented)
	}
	if s.SegmentFailed|s.SendFailed|s.SendFull != 0 {
		c.segmentFailed.Add(s.SegmentFailed)
		c.failed.Add(s.SendFailed)
		c.full.Add(s.SendFull)
		if !out.segment {
			c.segment.Store(false)
		}
	}
	*s = Stats{}
}

func (c *conn) Stats() Stats {
	s := Stats{
		Received:      c.received.Load(),
		Sent:          c.sent.Load(),
		SendFailed:    c.failed.Load(),
		SendFull:      c.full.Load(),
		Segmented:     c.segmented.Load(),
		SegmentFailed: c.segmentFailed.Load(),
	}
	_ = c.raw.Control(func(fd uintptr) { s.ReceiveFull = receiveDrops(fd) }) // closed: 0
	return s
}

// failure names the runtime's own error for a closed descriptor.
func (c *conn) failure(doing string, err error) error {
	if c.closed.Load() {
		return net.ErrClosed
	}
	return fmt.Errorf("%s on UDP %v: %w", doing, c.local, err)
}
