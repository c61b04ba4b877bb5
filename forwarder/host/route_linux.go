package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// routeFrom asks the kernel for the interface by which a packet from source to an
// address would leave, as `ip route get ADDRESS from SOURCE` does (rtnetlink(7)): rules
// may give a source address a table of routes of its own.
func routeFrom(a, source netip.Addr) (string, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return "", fmt.Errorf("opening a netlink socket: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, routeRequest(a.Unmap(), source.Unmap()), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return "", fmt.Errorf("asking for a route: %w", err)
	}
	buf := make([]byte, unix.Getpagesize())
	n, _, err := unix.Recvfrom(fd, buf, 0)
	if err != nil {
		return "", fmt.Errorf("reading a route: %w", err)
	}
	index, err := routeInterface(buf[:n])
	if err != nil {
		return "", fmt.Errorf("reading a route: %w", err)
	}
	i, err := net.InterfaceByIndex(index)
	if err != nil {
		return "", fmt.Errorf("reading a route: %w", err)
	}
	return i.Name, nil
}

// routeRequest is an RTM_GETROUTE message: its header, an rtmsg, and two attributes.
func routeRequest(a, source netip.Addr) []byte {
	family := byte(unix.AF_INET)
	if a.Is6() {
		family = unix.AF_INET6
	}
	bits := byte(a.BitLen())
	m := make([]byte, unix.SizeofNlMsghdr, 128)
	m = append(m, family, bits, bits, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	for _, attr := range []struct {
		kind uint16
		addr netip.Addr
	}{{unix.RTA_DST, a}, {unix.RTA_SRC, source}} {
		octets := attr.addr.AsSlice()
		m = binary.NativeEndian.AppendUint16(m, uint16(unix.SizeofRtAttr+len(octets)))
		m = binary.NativeEndian.AppendUint16(m, attr.kind)
		m = append(m, octets...) // 4 or 16: aligned
	}
	binary.NativeEndian.PutUint32(m, uint32(len(m)))
	binary.NativeEndian.PutUint16(m[4:], unix.RTM_GETROUTE)
	binary.NativeEndian.PutUint16(m[6:], unix.NLM_F_REQUEST)
	return m
}

var errNoRoute = errors.New("there is none")

// routeInterface reads the index of the interface from the kernel's answer.
func routeInterface(answer []byte) (int, error) {
	messages, err := syscall.ParseNetlinkMessage(answer)
	if err != nil {
		return 0, err
	}
	for _, m := range messages {
		if m.Header.Type == unix.NLMSG_ERROR && len(m.Data) >= 4 {
			return 0, syscall.Errno(-int32(binary.NativeEndian.Uint32(m.Data)))
		}
		attrs, err := syscall.ParseNetlinkRouteAttr(&m)
		if err != nil {
			return 0, err
		}
		for _, a := range attrs {
			if a.Attr.Type == unix.RTA_OIF && len(a.Value) >= 4 {
				return int(binary.NativeEndian.Uint32(a.Value)), nil
			}
		}
	}
	return 0, errNoRoute
}
