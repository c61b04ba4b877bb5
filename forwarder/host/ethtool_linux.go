package host

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernel is a socket, of any kind, that takes ethtool's requests.
type kernel int

func (k kernel) driver(name string) (string, int, error) {
	info, err := unix.IoctlGetEthtoolDrvinfo(int(k), name)
	if err != nil {
		return "", 0, err
	}
	return unix.ByteSliceToString(info.Driver[:]), int(info.N_stats), nil
}

// request is struct ifreq.
type request struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [24 - unsafe.Sizeof(uintptr(0))]byte
}

var _ = [1]struct{}{}[unsafe.Sizeof(request{})-40]

func (k kernel) call(name string, buf []byte) error {
	r := request{data: unsafe.Pointer(unsafe.SliceData(buf))}
	copy(r.name[:unix.IFNAMSIZ-1], name)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(k), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&r)))
	if errno != 0 {
		return errno
	}
	return nil
}
