package tcp

import (
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// room is how many connections may wait in a listener's queue.
func room(t *testing.T, l net.Listener) (most int) {
	t.Helper()
	raw, err := rawConn(l)
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		info, failed := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err = failed; err == nil {
			most = int(info.Sacked) // what a listening socket says there
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return most
}

// tcp-listen-queue is the listener's queue: what is not said is as much as the
// system allows, and few are ten.
func TestBacklog(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/net/core/somaxconn")
	if err != nil {
		t.Skip(err)
	}
	system, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := room(t, l); got != system {
		t.Errorf("Listen(0) has room for %d, want %d", got, system)
	}
	for backlog, want := range map[int]int{20: 20, 3: 10, 0: system} {
		if SetBacklog(l, backlog); room(t, l) != min(want, system) {
			t.Errorf("SetBacklog(%d) gives room for %d, want %d", backlog, room(t, l), min(want, system))
		}
	}
}

// What a client sends without taking replies is bounded in the kernel too.
func TestReceiveBuffer(t *testing.T) {
	l, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	client.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	n, err := client.Write(make([]byte, 64<<20))
	if err == nil {
		t.Errorf("all of %d octets were taken that nobody reads", n)
	}
	raw, err := rawConn(c)
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		if waiting, err := unix.IoctlGetInt(int(fd), unix.SIOCINQ); err != nil || waiting > 2*receiveBuffer {
			t.Errorf("%d octets wait to be read, %v, want %d at most", waiting, err, 2*receiveBuffer)
		}
	})
}
