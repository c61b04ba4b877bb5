//go:build amd64 || arm64

package udp

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is struct mmsghdr of <sys/socket.h>: one cache line.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [4]byte
}

// segmentSize is a control message of type UDP_SEGMENT with its padding.
type segmentSize struct {
	hdr  unix.Cmsghdr
	size uint16
	_    [6]byte
}

// The sizes that the kernel counts with: an array of another length than its
// index does not compile.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(mmsghdr{})-64]
	_ = [1]struct{}{}[unsafe.Sizeof(segmentSize{})-24]
	_ = [1]struct{}{}[unsafe.Sizeof(Peer{})-unix.SizeofSockaddrInet6]
	_ = [1]struct{}{}[unsafe.Sizeof(unix.Iovec{})-16]
)

// recvmmsg and sendmmsg never block, so they are raw: the scheduler need not
// hear of them. A full batch keeps the processor for some 0.2 ms.

func recvmmsg(fd uintptr, msgs []mmsghdr) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, fd,
		uintptr(unsafe.Pointer(unsafe.SliceData(msgs))), uintptr(len(msgs)), unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

func sendmmsg(fd uintptr, msgs []mmsghdr) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, fd,
		uintptr(unsafe.Pointer(unsafe.SliceData(msgs))), uintptr(len(msgs)), unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

// receiveDrops returns how many datagrams fd lost as its receive queue was
// full. Kernels before 4.12 do not tell: 0.
func receiveDrops(fd uintptr) uint64 {
	var mem [unix.SK_MEMINFO_VARS]uint32
	size := uint32(unsafe.Sizeof(mem))
	_, _, errno := syscall.RawSyscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&mem)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0
	}
	return uint64(mem[unix.SK_MEMINFO_DROPS])
}

func (p *Peer) sockaddr() *byte { return (*byte)(unsafe.Pointer(p)) }

func (s *segmentSize) control() *byte { return (*byte)(unsafe.Pointer(s)) }

// iovec is unix.Iovec over b, which may be empty.
func iovec(b []byte) unix.Iovec {
	return unix.Iovec{Base: unsafe.SliceData(b), Len: uint64(len(b))}
}
