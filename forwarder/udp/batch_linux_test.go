//go:build amd64 || arm64

package udp

import (
	"errors"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestReceiveError reads from a descriptor that every call fails on.
func TestReceiveError(t *testing.T) {
	in := NewIn()
	if ready := in.receive(^uintptr(0)); !ready || in.errno != unix.EBADF || in.Len() != 0 {
		t.Errorf("receive(-1) = %v with %v and %d datagrams, want true with EBADF and 0", ready, in.errno, in.Len())
	}
}

func TestPassing(t *testing.T) {
	for errno, want := range map[syscall.Errno]bool{
		unix.EINTR: true, unix.ECONNREFUSED: true, unix.EHOSTUNREACH: true,
		unix.EBADF: false, unix.ENOTSOCK: false, unix.EFAULT: false, unix.EAGAIN: false,
	} {
		if got := passing(errno); got != want {
			t.Errorf("passing(%v) = %v, want %v", errno, got, want)
		}
	}
}

// TestServeIgnoresICMP has an error pending that says nothing of the
// clients, and then a datagram.
func TestServeIgnoresICMP(t *testing.T) {
	c, in := mustListen(t, "127.0.0.1:0", Options{}).(*conn), NewIn()
	gone := mustListen(t, "127.0.0.1:0", Options{})
	nobody := gone.LocalAddr()
	gone.Close()
	err := control(c.raw, func(fd int) error {
		return errors.Join(
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1),
			unix.Sendto(fd, []byte("x"), 0, sockaddr(nobody)))
	})
	if err != nil {
		t.Fatal(err)
	}
	u := dialPlain(t, c.LocalAddr())
	write(t, u, []byte("query"))
	if n, err := readBatch(c, in); n != 1 || err != nil || string(in.Data(0)) != "query" {
		t.Errorf("Serve() received %d, %v, want the one query", n, err)
	}
}
