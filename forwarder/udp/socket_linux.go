//go:build amd64 || arm64

package udp

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// Socket is a connected socket: the kernel delivers only what its server
// sends, and tells when nobody listens there. One goroutine may call Send
// while another calls Recv.
type Socket struct {
	file     *os.File
	raw      syscall.RawConn
	local    netip.AddrPort
	closed   atomic.Bool
	out, in  transfer
	try      func(fd uintptr)      // bound once: a method value allocates
	tryUntil func(fd uintptr) bool // the same for Recv
}

// Dial opens a socket from source to server, both of one family. A zero source
// is any address; port 0 is a random one. The error wraps a syscall.Errno.
func Dial(server, source netip.AddrPort) (*Socket, error) {
	s, err := dial(server, sourceFor(server, source))
	if err != nil {
		return nil, fmt.Errorf("connecting to UDP %v#%d: %w", server.Addr(), server.Port(), err)
	}
	return s, nil
}

func dial(server, source netip.AddrPort) (*Socket, error) {
	fd, err := open(server)
	if err != nil {
		return nil, err
	}
	ignorePathMTU(fd)
	local, err := connect(fd, server, source)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return newSocket(fd, local)
}

func connect(fd int, server, source netip.AddrPort) (netip.AddrPort, error) {
	err := bindRandom(source, func(a netip.AddrPort) error { return bind(fd, a) })
	if err != nil {
		return netip.AddrPort{}, err
	}
	if err := unix.Connect(fd, sockaddr(server)); err != nil {
		return netip.AddrPort{}, os.NewSyscallError("connect", err)
	}
	return localAddr(fd)
}

// newSocket takes fd over, also when it fails.
func newSocket(fd int, local netip.AddrPort) (*Socket, error) {
	file := os.NewFile(uintptr(fd), "udp")
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, err
	}
	s := &Socket{file: file, raw: raw, local: local}
	s.try, s.tryUntil = s.out.send, s.in.receive
	return s, nil
}

// Send sends msgs in order and returns how many the kernel took; it never
// waits. The error, a wrapped syscall.Errno, is about message n: EAGAIN means
// that the send buffer is full, and ECONNREFUSED that an earlier message found
// nobody listening. It is net.ErrClosed after Close.
func (s *Socket) Send(msgs [][]byte) (n int, err error) {
	for n < len(msgs) {
		sent, err := s.sendBatch(msgs[n:])
		if n += sent; err != nil {
			return n, err
		}
	}
	return n, nil
}

func (s *Socket) sendBatch(msgs [][]byte) (int, error) {
	t := &s.out
	t.load(msgs)
	if err := s.raw.Control(s.try); err != nil {
		return 0, s.failure("sending", err)
	}
	if t.errno != 0 {
		return t.n, s.failure("sending", os.NewSyscallError("sendmmsg", t.errno))
	}
	return t.n, nil
}

// Recv waits for at least one message and returns the number n of those that
// have arrived, at most len(bufs): message i is bufs[i][:sizes[i]]. A longer
// message is cut. The error wraps syscall.ECONNREFUSED when nobody listens at
// the server's port, or another syscall.Errno that ICMP brought; the socket
// may still be used. It is net.ErrClosed after Close.
//
// The socket keeps 80 bytes for each of the most buffers that it was given, at
// most BatchSize, so one that waits for one answer should be given one.
func (s *Socket) Recv(bufs [][]byte, sizes []int) (n int, err error) {
	t := &s.in
	t.load(bufs)
	if err := s.raw.Read(s.tryUntil); err != nil {
		return 0, s.failure("receiving", err)
	}
	if t.errno != 0 {
		return 0, s.failure("receiving", os.NewSyscallError("recvmmsg", t.errno))
	}
	for i := range t.n {
		sizes[i] = int(t.msgs[i].len)
	}
	return t.n, nil
}

func (s *Socket) failure(doing string, err error) error {
	if s.closed.Load() {
		return net.ErrClosed
	}
	return fmt.Errorf("%s on UDP %v: %w", doing, s.local, err)
}

// LocalAddr returns the source address and port.
func (s *Socket) LocalAddr() netip.AddrPort { return s.local }

// Close unblocks Recv. A second call returns net.ErrClosed.
func (s *Socket) Close() error {
	if s.closed.Swap(true) {
		return net.ErrClosed
	}
	return s.file.Close()
}
