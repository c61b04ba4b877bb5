package host

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// meminfo is what SO_MEMINFO tells of a socket: enum sk_meminfo_vars of
// linux/sock_diag.h.
type meminfo [9]uint32

// meminfoDrops is SK_MEMINFO_DROPS.
const meminfoDrops = 8

// Drops is how many packets the kernel has dropped at a socket since that was
// opened; at one that listens, connections for which its queue had no room. The
// number runs over at 2^32. It is 0 where nobody counts.
func Drops(socket any) uint32 {
	c, ok := socket.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	var info meminfo
	raw.Control(func(fd uintptr) {
		size := uint32(unsafe.Sizeof(info))
		unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO, // x/sys has no such call for arrays
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	})
	return info[meminfoDrops]
}
