package udp

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

func mustDial(t testing.TB, server netip.AddrPort) *Socket {
	t.Helper()
	s, err := Dial(server, netip.AddrPort{})
	if err != nil {
		t.Fatalf("Dial(%v) = %v", server, err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSocketExchange(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			c := mustListen(t, addr, Options{})
			startServe(t, c)
			s := mustDial(t, c.LocalAddr())
			msgs := [][]byte{[]byte("one"), []byte("three")}
			if n, err := s.Send(msgs); n != 2 || err != nil {
				t.Fatalf("Send() = %d, %v, want 2", n, err)
			}
			wantRecv(t, s, msgs)
		})
	}
}

func wantRecv(t *testing.T, s *Socket, msgs [][]byte) {
	t.Helper()
	bufs, sizes := [][]byte{make([]byte, 512), make([]byte, 512), make([]byte, 512)}, make([]int, 3)
	for len(msgs) > 0 {
		n, err := s.Recv(bufs, sizes)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if got := bufs[i][:sizes[i]]; string(got) != string(msgs[0]) {
				t.Errorf("Recv() = %q, want %q", got, msgs[0])
			}
			msgs = msgs[1:]
		}
	}
}

// TestSocketSendMany sends more than one system call takes.
func TestSocketSendMany(t *testing.T) {
	c, in := mustListen(t, "127.0.0.1:0", Options{}), NewIn()
	s := mustDial(t, c.LocalAddr())
	var msgs [][]byte
	for i := range 2*BatchSize + 1 {
		msgs = append(msgs, []byte{byte(i)})
	}
	if n, err := s.Send(msgs); n != len(msgs) || err != nil {
		t.Fatalf("Send() = %d, %v, want %d", n, err, len(msgs))
	}
	for want := 0; want < len(msgs); {
		n, err := readBatch(c, in)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if got := in.Data(i)[0]; int(got) != want {
				t.Fatalf("datagram %d is number %d", want, got)
			}
			want++
		}
	}
}

func TestSocketPorts(t *testing.T) {
	server := netip.MustParseAddrPort("127.0.0.1:53")
	seen := make(map[uint16]bool)
	for range 50 {
		s, err := Dial(server, netip.AddrPort{})
		if err != nil {
			t.Fatal(err)
		}
		port := s.LocalAddr().Port()
		if s.LocalAddr().Addr() != server.Addr() || port < firstPort || port > lastPort {
			t.Errorf("LocalAddr() = %v, want 127.0.0.1 with a port from %d to %d", s.LocalAddr(), firstPort, lastPort)
		}
		seen[port] = true
		s.Close()
	}
	if len(seen) < 40 { // one chance in 25 for less than 50; practically none for less than 45
		t.Errorf("50 sockets had %d ports", len(seen))
	}
}

func TestRandomPortRange(t *testing.T) {
	low, high := uint16(lastPort), uint16(firstPort)
	for range 20_000 {
		p := randomPort()
		low, high = min(low, p), max(high, p)
	}
	if low < firstPort || low > firstPort+500 || high > lastPort || high < lastPort-500 {
		t.Errorf("ports range from %d to %d, want about %d to %d", low, high, firstPort, lastPort)
	}
}

func TestBindRandom(t *testing.T) {
	any4 := netip.MustParseAddrPort("0.0.0.0:0")
	for _, tc := range []struct {
		name   string
		source netip.AddrPort
		taken  int // the first so many tries find the port taken
		fail   error
		tries  int
		want   error
	}{
		{name: "free", source: any4, tries: 1},
		{name: "taken twice", source: any4, taken: 2, tries: 3},
		{name: "always taken", source: any4, taken: 1000, tries: portTries, want: syscall.EADDRINUSE},
		{name: "fixed port taken", source: netip.MustParseAddrPort("0.0.0.0:1053"), taken: 1, tries: 1, want: syscall.EADDRINUSE},
		{name: "no such address", source: any4, fail: syscall.EADDRNOTAVAIL, tries: 1, want: syscall.EADDRNOTAVAIL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tries := 0
			err := bindRandom(tc.source, func(a netip.AddrPort) error {
				if tries++; tries <= tc.taken {
					return syscall.EADDRINUSE
				}
				return tc.fail
			})
			if !errors.Is(err, tc.want) || tries != tc.tries {
				t.Errorf("bindRandom() = %v after %d tries, want %v after %d", err, tries, tc.want, tc.tries)
			}
		})
	}
}

func TestSocketSource(t *testing.T) {
	server := netip.MustParseAddrPort("127.0.0.1:53")
	source := netip.MustParseAddrPort("127.0.0.3:0")
	s, err := Dial(server, source)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := s.LocalAddr().Addr(); got != source.Addr() {
		t.Errorf("LocalAddr() = %v, want %v", got, source.Addr())
	}
	for _, bad := range []string{"192.0.2.77:0", "[::1]:0"} {
		if s, err := Dial(server, netip.MustParseAddrPort(bad)); err == nil {
			t.Errorf("Dial from %s = %v, nil, want an error", bad, s.LocalAddr())
		}
	}
}

// TestSocketRefused asks a port where nobody listens.
func TestSocketRefused(t *testing.T) {
	c := mustListen(t, "127.0.0.1:0", Options{})
	s := mustDial(t, c.LocalAddr())
	c.Close()
	if n, err := s.Send([][]byte{{'x'}}); n != 1 || err != nil {
		t.Fatalf("Send() = %d, %v", n, err)
	}
	bufs, sizes := [][]byte{make([]byte, 512)}, make([]int, 1)
	if n, err := s.Recv(bufs, sizes); n != 0 || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Recv() = %d, %v, want ECONNREFUSED", n, err)
	}
}

func TestSocketClose(t *testing.T) {
	c := mustListen(t, "127.0.0.1:0", Options{})
	s := mustDial(t, c.LocalAddr())
	done := make(chan error)
	go func() {
		_, err := s.Recv([][]byte{make([]byte, 512)}, make([]int, 1))
		done <- err
	}()
	time.Sleep(time.Millisecond) // most of the times it is blocked by then
	s.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Recv() = %v, want net.ErrClosed", err)
	}
	if n, err := s.Send([][]byte{{'x'}}); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("Send() after Close = %d, %v, want net.ErrClosed", n, err)
	}
}
