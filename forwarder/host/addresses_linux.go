package host

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// ErrNewsLost: there were more news than the socket's buffer holds.
const ErrNewsLost = unix.ENOBUFS

// AddressNews can be read when an address of an interface has come or gone
// (rtnetlink(7)); what is read means nothing here.
func AddressNews() (io.ReadCloser, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	groups := uint32(1<<(unix.RTNLGRP_IPV4_IFADDR-1) | 1<<(unix.RTNLGRP_IPV6_IFADDR-1))
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("binding a netlink socket: %w", err)
	}
	return os.NewFile(uintptr(fd), "netlink"), nil
}
