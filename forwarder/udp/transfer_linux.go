//go:build amd64 || arm64

package udp

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// transfer is one direction of a Socket: the batch under way and its outcome.
type transfer struct {
	msgs  []mmsghdr // grown to the largest batch so far
	iovs  []unix.Iovec
	count int // of msgs in use
	n     int // of those done
	errno syscall.Errno
}

// load prepares the first BatchSize of bufs.
func (t *transfer) load(bufs [][]byte) {
	t.n, t.errno = 0, 0
	t.count = min(len(bufs), BatchSize)
	if t.count > len(t.msgs) {
		t.grow(t.count)
	}
	for i, b := range bufs[:t.count] {
		t.iovs[i] = iovec(b)
	}
}

func (t *transfer) grow(count int) {
	t.msgs, t.iovs = make([]mmsghdr, count), make([]unix.Iovec, count)
	for i := range t.msgs {
		t.msgs[i].hdr.Iov, t.msgs[i].hdr.Iovlen = &t.iovs[i], 1
	}
}

func (t *transfer) send(fd uintptr) {
	for t.n < t.count {
		n, errno := sendmmsg(fd, t.msgs[t.n:t.count])
		if errno == unix.EINTR {
			continue
		}
		if t.errno = errno; errno != 0 {
			return
		}
		t.n += n
	}
}

// receive reports whether there was something to receive: a message, or an
// error.
func (t *transfer) receive(fd uintptr) bool {
	for {
		n, errno := recvmmsg(fd, t.msgs[:t.count])
		switch errno {
		case 0:
			t.n = n
			return true
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			t.errno = errno
			return true
		}
	}
}
