//go:build amd64 || arm64

package udp

import (
	"errors"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// open returns a non-blocking UDP socket of addr's family.
func open(addr netip.AddrPort) (int, error) {
	family := unix.AF_INET6
	switch {
	case !addr.IsValid():
		return 0, errors.New("no address")
	case addr.Addr().Is4():
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	return fd, os.NewSyscallError("socket", err)
}

func bindListener(fd int, addr netip.AddrPort, o Options) error {
	if addr.Addr().Is6() {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if o.ReusePort {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	tune(fd, o)
	return bind(fd, addr)
}

func bind(fd int, addr netip.AddrPort) error {
	return os.NewSyscallError("bind", unix.Bind(fd, sockaddr(addr)))
}

// tune sets what the socket also works without.
func tune(fd int, o Options) {
	setBuffer(fd, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, o.RecvBuffer)
	setBuffer(fd, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, o.SendBuffer)
	ignorePathMTU(fd)
}

// setBuffer asks for size bytes beyond the system's limit, which needs
// CAP_NET_ADMIN, and else for as many as the limit allows.
func setBuffer(fd, force, plain, size int) {
	if size == 0 {
		size = DefaultBuffer
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, size) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, plain, size)
	}
}

// minMTU is what every IPv6 link carries (RFC 8200, section 5).
const minMTU = 1280

// ignorePathMTU makes the socket deaf to ICMP "fragmentation needed" and
// "packet too big". A forged one would make it send fragments, into which an
// attacker can splice data (RFC 9715; BIND and Unbound do the same). IPv6
// datagrams longer than what all links carry are cut at the source. The options
// of the other address family fail: that is expected.
func ignorePathMTU(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_OMIT)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_OMIT)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU, minMTU)
}

// canSegment reports whether the kernel knows UDP_SEGMENT. Older ones, before
// 4.18, ignore the control message and would send one long datagram.
func canSegment(fd int) bool {
	_, err := unix.GetsockoptInt(fd, unix.SOL_UDP, unix.UDP_SEGMENT)
	return err == nil
}

// checkDatagram returns an error unless fd is a UDP socket.
func checkDatagram(fd int) error {
	proto, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	if proto != unix.IPPROTO_UDP {
		return errors.New("not a UDP socket")
	}
	return nil
}

func localAddr(fd int) (netip.AddrPort, error) {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	return addrPort(sa), nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	addr, port := a.Addr(), int(a.Port())
	if addr.Is4() {
		return &unix.SockaddrInet4{Port: port, Addr: addr.As4()}
	}
	return &unix.SockaddrInet6{Port: port, Addr: addr.As16(), ZoneId: scopeOf(addr.Zone())}
}

func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(withScope(netip.AddrFrom16(sa.Addr), sa.ZoneId), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// duplicate returns f's socket again, with close-on-exec, non-blocking.
func duplicate(f *os.File) (dup *os.File, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	err = control(raw, func(fd int) error {
		d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return os.NewSyscallError("fcntl", err)
		}
		dup, err = pollable(d, f.Name())
		return err
	})
	return dup, err
}

// pollable makes a file of fd that the runtime's poller can wait on. It takes
// fd over, also when it fails.
func pollable(fd int, name string) (*os.File, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// control runs f on the descriptor of raw and returns its error.
func control(raw syscall.RawConn, f func(fd int) error) error {
	var err error
	if failed := raw.Control(func(fd uintptr) { err = f(int(fd)) }); failed != nil {
		return failed
	}
	return err
}
