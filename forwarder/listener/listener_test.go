package listener

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"

	"vpcdns/forwarder/tcp"
	"vpcdns/forwarder/udp"
)

// world is the sockets of loopback, those read and accepted from, and addresses that
// cannot be had.
type world struct {
	mu      sync.Mutex
	refused map[netip.Addr]error // over UDP
	bound   []net.Listener
	read    int
}

func (w *world) config(workers int, inherited ...*os.File) Config {
	return Config{
		Workers: workers, Inherited: inherited, Log: slog.New(slog.DiscardHandler),
		ListenUDP: func(a netip.AddrPort, o udp.Options) (udp.Conn, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if err := w.refused[a.Addr()]; err != nil {
				return nil, err
			}
			return udp.Listen(a, o)
		},
		ListenTCP: func(a netip.AddrPort, backlog int) (net.Listener, error) {
			l, err := tcp.Listen(a, backlog)
			if err == nil {
				w.bound = append(w.bound, l)
			}
			return l, err
		},
		Read: func(c udp.Conn) {
			w.mu.Lock()
			w.read++
			w.mu.Unlock()
			c.Serve(udp.NewIn(), func() bool { return true })
		},
		Accept: func(l net.Listener) {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		},
	}
}

// newSet returns a Set that is closed with the test.
func newSet(t *testing.T, cfg Config) *Set {
	t.Helper()
	s := New(cfg)
	t.Cleanup(s.CloseAll)
	return s
}

func open(t *testing.T, s *Set, want ...netip.AddrPort) {
	t.Helper()
	if err := s.Open(want, 0); err != nil {
		t.Fatalf("Open(%v) = %v", want, err)
	}
}

var anyPort = netip.MustParseAddrPort("127.0.0.1:0")

// All sockets of an address have the port that the kernel chose, and are read once the
// Set serves; those of one that comes later at once.
func TestServe(t *testing.T) {
	w := new(world)
	s := newSet(t, w.config(3))
	open(t, s, anyPort)
	files, err := s.Files()
	if err != nil || len(files) != 4 {
		t.Fatalf("Files() = %d files, %v, want 3 over UDP and one over TCP", len(files), err)
	}
	closeFiles(files)
	addr := s.Addrs()[0]
	if addr.Port() == 0 || s.byWish[anyPort].udp[2].LocalAddr() != addr {
		t.Errorf("Addrs() = %v, while UDP has %v", addr, s.byWish[anyPort].udp[2].LocalAddr())
	}
	if w.read != 0 {
		t.Errorf("%d sockets are read before Serve", w.read)
	}
	s.Serve()
	other := netip.MustParseAddrPort("127.0.0.2:0")
	open(t, s, anyPort, other)
	select {
	case <-s.Opened():
	default:
		t.Error("Opened() has nothing, want a value after an address has come")
	}
	s.StopReading()
	if w.read != 6 {
		t.Errorf("%d sockets were read, want 6", w.read)
	}
	if _, err := s.Files(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Files() = %v after StopReading, want %v", err, net.ErrClosed)
	}
}

// An address that cannot be had is left out while another one can be served; nothing of
// it stays open.
func TestOpenSome(t *testing.T) {
	one, two := anyPort, netip.MustParseAddrPort("127.0.0.2:0")
	w := &world{refused: map[netip.Addr]error{one.Addr(): syscall.EADDRINUSE}}
	s := newSet(t, w.config(2))
	open(t, s, one, two)
	if got := s.Addrs(); len(got) != 1 || got[0].Addr() != two.Addr() {
		t.Errorf("Addrs() = %v, want one of %v", got, two.Addr())
	}
	opened, failed := s.Outcome()
	if !slices.Equal(opened, []netip.AddrPort{two}) || !errors.Is(failed[one], syscall.EADDRINUSE) || !s.Missing([]netip.AddrPort{one}) {
		t.Errorf("Outcome() = %v, %v, want %v, and that %v is in use", opened, failed, two, one)
	}
	for _, l := range w.bound {
		if a := tcp.AddrPort(l.Addr()); a.Addr() != one.Addr() {
			continue
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the TCP listener of the address that is not served: Accept() = %v, want %v", err, net.ErrClosed)
		}
	}
	w.refused = nil
	open(t, s, one, two)
	if _, failed := s.Outcome(); len(failed) > 0 || s.Missing([]netip.AddrPort{one, two}) {
		t.Errorf("Outcome() = %v once it is free, want no failure", failed)
	}
	s.CloseUnused([]netip.AddrPort{one})
	if got := s.Addrs(); len(got) != 1 || got[0].Addr() != one.Addr() {
		t.Errorf("Addrs() = %v after CloseUnused, want one of %v", got, one.Addr())
	}
}

// That no address is there, or none is ready, is told apart from that none can be had.
func TestOpenNone(t *testing.T) {
	for _, tt := range []struct {
		name   string
		want   []netip.AddrPort
		refuse error
		err    error
	}{
		{"none", nil, nil, ErrNoAddress},
		{"tentative", []netip.AddrPort{anyPort}, syscall.EADDRNOTAVAIL, ErrNotReady},
		{"not allowed", []netip.AddrPort{anyPort}, syscall.EACCES, errNothingToListenOn},
	} {
		w := &world{refused: map[netip.Addr]error{anyPort.Addr(): tt.refuse}}
		if err := newSet(t, w.config(1)).Open(tt.want, 0); !errors.Is(err, tt.err) {
			t.Errorf("%s: Open() = %v, want %v", tt.name, err, tt.err)
		}
	}
}

// A listener may tell its address without the zone that a link-local one needs.
func TestOpenKeepsTheZone(t *testing.T) {
	want := netip.MustParseAddrPort("[fe80::1%eth0]:53")
	var got netip.AddrPort
	cfg := new(world).config(1)
	cfg.ListenTCP = func(netip.AddrPort, int) (net.Listener, error) {
		return fixedAddr{new(net.TCPListener), net.TCPAddrFromAddrPort(netip.MustParseAddrPort("[fe80::1]:53"))}, nil
	}
	cfg.ListenUDP = func(a netip.AddrPort, _ udp.Options) (udp.Conn, error) {
		got = a
		return nil, syscall.EADDRNOTAVAIL
	}
	newSet(t, cfg).Open([]netip.AddrPort{want}, 0)
	if got != want {
		t.Errorf("Open(%v) asked for %v over UDP, want the same as over TCP", want, got)
	}
}

// fixedAddr is a listener that tells an address.
type fixedAddr struct {
	net.Listener
	addr net.Addr
}

func (f fixedAddr) Addr() net.Addr { return f.addr }

// What a former process had is used as it is, be it more than there are workers; what is
// not wanted ends for all who have it, and junk is left alone.
func TestInherited(t *testing.T) {
	for _, tt := range []struct{ former, workers, want int }{{1, 1, 1}, {1, 3, 3}, {3, 3, 3}, {3, 1, 3}} {
		t.Run(fmt.Sprintf("%d then %d", tt.former, tt.workers), func(t *testing.T) {
			former := newSet(t, new(world).config(tt.former))
			gone := netip.MustParseAddrPort("127.0.0.2:0")
			open(t, former, anyPort, gone)
			files, err := former.Files()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { closeFiles(files) })
			junk, err := os.Open(os.DevNull)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { junk.Close() })
			kept, dropped := former.Addrs()[0], former.Addrs()[1]
			former.StopReading()

			w := new(world)
			s := newSet(t, w.config(tt.workers, append(files, junk)...))
			open(t, s, kept)
			s.Serve()
			if got := len(s.byWish[kept].udp); got != tt.want || len(w.bound) != 0 {
				t.Errorf("%d sockets over UDP, %d new ones over TCP, want %d and none", got, len(w.bound), tt.want)
			}
			if _, err := net.Dial("tcp", dropped.String()); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("Dial(%v) = %v, want %v although the sockets are open here", dropped, err, syscall.ECONNREFUSED)
			}
			if _, err := junk.Stat(); err != nil {
				t.Errorf("junk.Stat() = %v, want nil", err)
			}
		})
	}
}
