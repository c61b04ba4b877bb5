package host

import (
	"net"
	"syscall"
	"testing"
	"time"
)

// Connections for which a listener's queue has no room are counted.
func TestDropsOfListener(t *testing.T) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // which counts elsewhere
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 1) })
	if err != nil {
		t.Fatal(err)
	}
	if n := Drops(l); n != 0 {
		t.Fatalf("Drops of a new listener = %d, want 0", n)
	}
	lost := 0
	for range 5 { // the kernel takes two
		d := net.Dialer{Timeout: 50 * time.Millisecond}
		c, err := d.Dial("tcp", l.Addr().String())
		if err != nil {
			lost++
			continue
		}
		defer c.Close()
	}
	if n := Drops(l); lost == 0 || n < uint32(lost) {
		t.Errorf("Drops = %d, want those of %d connections", n, lost)
	}
}

func TestDropsOfNoSocket(t *testing.T) {
	if n := Drops("a socket"); n != 0 {
		t.Errorf("Drops of no socket = %d, want 0", n)
	}
}
