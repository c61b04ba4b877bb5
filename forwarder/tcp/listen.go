package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Listen listens on a, with room for backlog connections that are not accepted
// yet: see SetBacklog. The error wraps a syscall.Errno.
func Listen(a netip.AddrPort, backlog int) (net.Listener, error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // named has none, and such a socket does not tell the zone of its address
	l, err := lc.Listen(context.Background(), "tcp", a.String())
	if err != nil {
		var op *net.OpError // says again what was tried
		if errors.As(err, &op) {
			err = op.Err
		}
		return nil, fmt.Errorf("listening on TCP %v#%d: %w", a.Addr(), a.Port(), err)
	}
	boundReceived(l)
	SetBacklog(l, backlog)
	return l, nil
}

// receiveBuffer bounds what the kernel holds of queries that are not read yet, of a
// client that does not take its replies, in octets; by itself it goes up to some
// megabytes.
const receiveBuffer = 64 << 10

// boundReceived sets that for connections to come.
func boundReceived(l net.Listener) {
	if raw, err := rawConn(l); err == nil {
		raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer) })
	}
}

// leastBacklog is BIND's: less is taken for as many.
const leastBacklog = 10

// mostBacklog is more than any system has room for, which takes as many as it
// has: of more, old kernels would see the lower 16 bits.
const mostBacklog = 1<<16 - 1

// SetBacklog gives a listener room for that many connections that are not accepted
// yet; 0 is as many as the system allows (net.core.somaxconn). net gives no other
// way; where it cannot be done what there is stays.
func SetBacklog(l net.Listener, backlog int) {
	if backlog == 0 {
		backlog = mostBacklog
	}
	if raw, err := rawConn(l); err == nil {
		raw.Control(func(fd uintptr) { syscall.Listen(int(fd), max(backlog, leastBacklog)) })
	}
}

// File returns a duplicate of a listener, to hand over to another process; the
// caller closes it. TCPListener.File would do it too, but once its
// descriptor is asked for, as exec does, that makes the socket block, for all
// who have it.
func File(l net.Listener) (f *os.File, err error) {
	raw, err := rawConn(l)
	if err != nil {
		return nil, err
	}
	failed := raw.Control(func(fd uintptr) {
		var dup int
		if dup, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); err == nil {
			f = os.NewFile(uintptr(dup), "tcp")
		}
	})
	return f, errors.Join(failed, err)
}

func rawConn(socket any) (syscall.RawConn, error) {
	c, ok := socket.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return c.SyscallConn()
}

// Adopt makes a listener of a socket that another process listens on. It works on
// a duplicate: f stays the caller's to close.
func Adopt(f *os.File) (net.Listener, error) {
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("adopting a TCP socket: %w", err)
	}
	if !listens(l) {
		l.Close()
		return nil, errors.New("adopting a TCP socket: it does not listen")
	}
	boundReceived(l)
	return l, nil
}

// listens reports whether l is a TCP listener, and not some other socket.
func listens(l net.Listener) bool {
	raw, err := rawConn(l)
	if _, ok := l.(*net.TCPListener); !ok || err != nil {
		return false
	}
	on := 0
	raw.Control(func(fd uintptr) { on, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ACCEPTCONN) })
	return on != 0
}

// LocalAddr returns the address that l is bound to, the zone of a link-local one
// being the interface's index: net forgets it for interfaces that it has not
// heard of for a while.
func LocalAddr(l net.Listener) netip.AddrPort {
	a := AddrPort(l.Addr())
	raw, err := rawConn(l)
	if err != nil || !a.Addr().IsLinkLocalUnicast() {
		return a
	}
	raw.Control(func(fd uintptr) {
		if sa, err := unix.Getsockname(int(fd)); err == nil {
			if v6, ok := sa.(*unix.SockaddrInet6); ok && v6.ZoneId != 0 {
				a = netip.AddrPortFrom(a.Addr().WithZone(strconv.Itoa(int(v6.ZoneId))), a.Port())
			}
		}
	})
	return a
}

// Shutdown ends a listener for all processes that have it.
func Shutdown(l net.Listener) {
	if raw, err := rawConn(l); err == nil {
		raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) })
	}
}

// Dial connects to a server, from source if that is valid.
func Dial(ctx context.Context, server, source netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	if source.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source.Addr(), 0))
	}
	return d.DialContext(ctx, "tcp", server.String())
}
