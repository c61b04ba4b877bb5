//go:build !linux || !(amd64 || arm64)

package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

type inbox struct{}

func (*inbox) init() {}

type outbox struct{}

func (*outbox) init() {}

// conn is a socket of the net package: one call a datagram.
type conn struct {
	udp                    *net.UDPConn
	received, sent, failed atomic.Uint64
}

// Listen opens a socket bound to addr; port 0 lets the system choose. An IPv6
// socket takes IPv6 only. Sockets that share an address share its clients on
// Linux only.
func Listen(addr netip.AddrPort, o Options) (Conn, error) {
	var lc net.ListenConfig
	if o.ReusePort {
		lc.Control = reusePort
	}
	c, err := lc.ListenPacket(context.Background(), network(addr), addr.String())
	if err != nil {
		return nil, fmt.Errorf("listening on UDP %v#%d: %w", addr.Addr(), addr.Port(), withoutAddress(err))
	}
	return newConn(c.(*net.UDPConn), o), nil
}

// withoutAddress drops what package net says of the address, in a notation of its
// own.
func withoutAddress(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// Adopt makes a Conn of a bound UDP socket that another process opened. It
// works on a duplicate: f stays the caller's to close.
func Adopt(f *os.File, o Options) (Conn, error) {
	c, err := net.FilePacketConn(f)
	if err != nil {
		return nil, fmt.Errorf("adopting UDP socket %s: %w", f.Name(), err)
	}
	udp, ok := c.(*net.UDPConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("adopting UDP socket %s: not a UDP socket", f.Name())
	}
	if raw, err := udp.SyscallConn(); err == nil && o.ReusePort { // best effort: alone it serves as well
		_ = reusePort("", "", raw)
	}
	return newConn(udp, o), nil
}

func reusePort(_, _ string, raw syscall.RawConn) error {
	var err error
	failed := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
	if failed != nil {
		return failed
	}
	return os.NewSyscallError("setsockopt", err)
}

func newConn(udp *net.UDPConn, o Options) *conn {
	if o.RecvBuffer > 0 {
		_ = udp.SetReadBuffer(o.RecvBuffer) // works without
	}
	if o.SendBuffer > 0 {
		_ = udp.SetWriteBuffer(o.SendBuffer)
	}
	return &conn{udp: udp}
}

func (c *conn) Serve(in *In, batch func() bool) error {
	for {
		n, from, err := c.udp.ReadFromUDPAddrPort(in.buf[:MaxQuery+1])
		if err != nil {
			return err
		}
		in.Reset()
		in.Put(in.buf[:n], PeerOf(from))
		c.received.Add(1)
		if !batch() {
			return nil
		}
	}
}

func (c *conn) WriteBatch(out *Out) error {
	defer out.Reset()
	for i := range out.n {
		_, err := c.udp.WriteToUDPAddrPort(out.reply[i], out.peer[i].AddrPort())
		switch {
		case err == nil:
			c.sent.Add(1)
		case errors.Is(err, net.ErrClosed):
			return net.ErrClosed
		default:
			c.failed.Add(1)
		}
	}
	return nil
}

func (c *conn) File() (*os.File, error) { return c.udp.File() }

// Shutdown does what the system allows for sockets that are not connected.
func (c *conn) Shutdown() {
	if raw, err := c.udp.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) })
	}
}

func (c *conn) StopReading() { _ = c.udp.SetReadDeadline(time.Unix(1, 0)) } // closed: stopped already

func (c *conn) LocalAddr() netip.AddrPort { return c.udp.LocalAddr().(*net.UDPAddr).AddrPort() }

func (c *conn) Stats() Stats {
	return Stats{Received: c.received.Load(), Sent: c.sent.Load(), SendFailed: c.failed.Load()}
}

func (c *conn) Close() error { return c.udp.Close() }

func network(a netip.AddrPort) string {
	if a.Addr().Is4() {
		return "udp4"
	}
	return "udp6"
}
