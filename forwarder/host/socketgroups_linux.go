package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sock_diag(7): x/sys/unix has neither the structures nor the attribute.
const (
	diagRequestSize = 56 // of struct inet_diag_req_v2
	diagMessageSize = 72 // of struct inet_diag_msg, before its attributes
	diagInode       = 68 // where that has the socket's inode
	diagCgroup      = 21 // INET_DIAG_CGROUP_ID, since Linux 5.9
)

// SocketGroups maps the sockets that wait for clients, UDP and TCP, by their inode
// as /proc/net has it, to the control groups that they were made in, each being the
// inode of its directory in the cgroup2 file system. It needs no privilege, where
// /proc shows no process of another user.
func SocketGroups() (map[string]uint64, error) {
	groups := make(map[string]uint64)
	var errs []error
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		for _, protocol := range []byte{unix.IPPROTO_UDP, unix.IPPROTO_TCP} {
			errs = append(errs, addGroups(groups, family, protocol))
		}
	}
	if len(groups) == 0 {
		return nil, errors.Join(errs...)
	}
	return groups, nil
}

// addGroups asks for the sockets of one kind.
func addGroups(groups map[string]uint64, family, protocol byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return fmt.Errorf("opening a netlink socket: %w", err)
	}
	defer unix.Close(fd)
	// The kernel answers at once; nobody waits if it does not.
	wait := unix.NsecToTimeval(time.Second.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Sendto(fd, diagRequest(family, protocol), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	buf := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			return os.NewSyscallError("recvfrom", err)
		}
		if done, err := readGroups(groups, buf[:n]); done || err != nil {
			return err
		}
	}
}

// diagRequest asks for the sockets that have no peer.
func diagRequest(family, protocol byte) []byte {
	const unconnected, listening = 1 << 7, 1 << 10 // states of TCP, which UDP borrows
	msg := make([]byte, unix.NLMSG_HDRLEN+diagRequestSize)
	e := binary.NativeEndian
	e.PutUint32(msg, uint32(len(msg)))
	e.PutUint16(msg[4:], unix.SOCK_DIAG_BY_FAMILY)
	e.PutUint16(msg[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	body := msg[unix.NLMSG_HDRLEN:]
	body[0], body[1] = family, protocol
	e.PutUint32(body[4:], unconnected|listening)
	return msg
}

// readGroups reads one piece of the answer, and reports whether it is the last.
func readGroups(groups map[string]uint64, data []byte) (done bool, err error) {
	list, err := syscall.ParseNetlinkMessage(data)
	if err != nil {
		return false, fmt.Errorf("reading what the kernel says of sockets: %w", err)
	}
	for _, m := range list {
		switch {
		case m.Header.Type == unix.NLMSG_DONE:
			return true, nil
		case m.Header.Type == unix.NLMSG_ERROR: // no such module, say
			return true, fmt.Errorf("asking the kernel for sockets: %w", syscall.EOPNOTSUPP)
		case len(m.Data) >= diagMessageSize:
			if id, ok := groupOf(m.Data[diagMessageSize:]); ok {
				inode := binary.NativeEndian.Uint32(m.Data[diagInode:])
				groups[strconv.FormatUint(uint64(inode), 10)] = id
			}
		}
	}
	return false, nil
}

// groupOf finds the control group among attributes: 16-bit length and type, then
// the value, each beginning at a multiple of four.
func groupOf(attrs []byte) (id uint64, ok bool) {
	e := binary.NativeEndian
	for len(attrs) >= unix.SizeofNlAttr {
		size := int(e.Uint16(attrs))
		if size < unix.SizeofNlAttr || size > len(attrs) {
			return 0, false
		}
		if e.Uint16(attrs[2:]) == diagCgroup && size == unix.SizeofNlAttr+8 {
			return e.Uint64(attrs[unix.SizeofNlAttr:]), true
		}
		attrs = attrs[min((size+3)&^3, len(attrs)):]
	}
	return 0, false
}
