package udp

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"
)

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// timeout is when a test gives up on a datagram; it decides nothing.
const timeout = 10 * time.Second

func mustListen(t testing.TB, addr string, o Options) Conn {
	t.Helper()
	c, err := Listen(netip.MustParseAddrPort(addr), o)
	if errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) {
		t.Skipf("Listen(%s) = %v: the host has no such address", addr, err)
	}
	if err != nil {
		t.Fatalf("Listen(%s) = %v", addr, err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// startServe echoes on c, and waits for the echo's end after the test.
func startServe(t testing.TB, c Conn) {
	done := make(chan error, 1)
	go func() { done <- serve(c) }()
	t.Cleanup(func() {
		c.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("serving ended with %v, want net.ErrClosed", err)
		}
	})
}

// dialPlain connects with the net package, to see what others see.
func dialPlain(t testing.TB, server netip.AddrPort) *net.UDPConn {
	t.Helper()
	u, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		t.Fatal(err)
	}
	u.SetDeadline(time.Now().Add(timeout))
	t.Cleanup(func() { u.Close() })
	return u
}

func write(t testing.TB, u *net.UDPConn, msg []byte) {
	t.Helper()
	if _, err := u.Write(msg); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, u *net.UDPConn) []byte {
	t.Helper()
	buf := make([]byte, 65536)
	n, err := u.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

func TestConnEcho(t *testing.T) {
	for _, tc := range []struct{ name, addr string }{
		{"IPv4", "127.0.0.1:0"},
		{"other loopback address", "127.0.0.2:0"},
		{"IPv6", "[::1]:0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := mustListen(t, tc.addr, Options{})
			startServe(t, c)
			u := dialPlain(t, c.LocalAddr())
			for _, msg := range []string{"", "x", "a query of usual length"} {
				write(t, u, []byte(msg))
				if got := read(t, u); string(got) != msg {
					t.Errorf("echo of %q = %q", msg, got)
				}
			}
		})
	}
}

func TestConnPeer(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			c, in := mustListen(t, addr, Options{}), NewIn()
			u := dialPlain(t, c.LocalAddr())
			write(t, u, []byte("x"))
			if _, err := readBatch(c, in); err != nil {
				t.Fatal(err)
			}
			want := u.LocalAddr().(*net.UDPAddr).AddrPort()
			if got := in.Peer(0); got.AddrPort() != want || got != PeerOf(want) {
				t.Errorf("Peer(0) = %v, want %v", got, want)
			}
		})
	}
}

// TestInChangesFamily uses one In with sockets of both families.
func TestInChangesFamily(t *testing.T) {
	in := NewIn()
	for _, addr := range []string{"[::1]:0", "127.0.0.1:0", "[::1]:0"} {
		c := mustListen(t, addr, Options{})
		u := dialPlain(t, c.LocalAddr())
		write(t, u, []byte("x"))
		if _, err := readBatch(c, in); err != nil {
			t.Fatal(err)
		}
		if got, want := in.Peer(0), PeerOf(u.LocalAddr().(*net.UDPAddr).AddrPort()); got != want {
			t.Errorf("Peer(0) = %v, want %v", got, want)
		}
	}
}

func TestConnTruncates(t *testing.T) {
	c, in := mustListen(t, "127.0.0.1:0", Options{}), NewIn()
	u := dialPlain(t, c.LocalAddr())
	for _, size := range []int{MaxQuery, MaxQuery + 1, 1} {
		write(t, u, bytes.Repeat([]byte("x"), size))
		if n, err := readBatch(c, in); n != 1 || err != nil {
			t.Fatalf("Serve() received %d, %v", n, err)
		}
		if got, want := len(in.Data(0)), min(size, MaxQuery); got != want {
			t.Errorf("%d bytes arrive as %d, want %d", size, got, want)
		}
	}
}

// TestConnClose closes while a reader is blocked, most of the times.
func TestConnClose(t *testing.T) {
	c := mustListen(t, "127.0.0.1:0", Options{})
	done := make(chan error)
	go func() { done <- serve(c) }()
	time.Sleep(time.Millisecond)
	if err := c.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve() = %v, want net.ErrClosed", err)
	}
	out := NewOut()
	out.Add(append(out.Room(), 'x'), PeerOf(loopback))
	if err := c.WriteBatch(out); !errors.Is(err, net.ErrClosed) || out.Len() != 0 {
		t.Errorf("WriteBatch() after Close = %v with %d left, want net.ErrClosed with 0", err, out.Len())
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Close() = %v, want net.ErrClosed", err)
	}
}

func TestListenTaken(t *testing.T) {
	c := mustListen(t, "127.0.0.1:0", Options{})
	if d, err := Listen(c.LocalAddr(), Options{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second Listen(%v) = %v, %v, want EADDRINUSE", c.LocalAddr(), d, err)
	}
	if _, err := Listen(netip.AddrPort{}, Options{}); err == nil {
		t.Error("Listen(zero) = nil error")
	}
}

func TestReusePort(t *testing.T) {
	c := mustListen(t, "127.0.0.1:0", Options{ReusePort: true})
	d := mustListen(t, c.LocalAddr().String(), Options{ReusePort: true})
	startServe(t, c)
	startServe(t, d)
	u := dialPlain(t, c.LocalAddr())
	write(t, u, []byte("x"))
	if got := read(t, u); string(got) != "x" {
		t.Errorf("echo of x = %q", got)
	}
}

// TestHandOver adopts a duplicate of a socket that then closes.
func TestHandOver(t *testing.T) {
	c := mustListen(t, "127.0.0.1:0", Options{})
	u := dialPlain(t, c.LocalAddr())
	f, err := c.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	write(t, u, []byte("before"))
	c.Close()
	d, err := Adopt(f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	startServe(t, d)
	write(t, u, []byte("after"))
	for _, want := range []string{"before", "after"} {
		if got := read(t, u); string(got) != want {
			t.Errorf("echo = %q, want %q", got, want)
		}
	}
	if d.LocalAddr() != c.LocalAddr() {
		t.Errorf("LocalAddr() = %v, want %v", d.LocalAddr(), c.LocalAddr())
	}
}

func TestAdoptRefuses(t *testing.T) {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(loopback))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tcp, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, f := range []*os.File{tcp, null} {
		if c, err := Adopt(f, Options{}); err == nil {
			t.Errorf("Adopt(%s) = %v, nil, want an error", f.Name(), c)
		}
	}
}

// exchange is the body of the allocation test and the benchmark: a batch of
// count datagrams from u to c and back.
func exchange(t testing.TB, c Conn, u *Socket, in *In, out *Out, msgs, bufs [][]byte, sizes []int) {
	if n, err := u.Send(msgs); n != len(msgs) || err != nil {
		t.Fatalf("Send() = %d, %v", n, err)
	}
	for got := 0; got < len(msgs); {
		n, err := readBatch(c, in)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			echo(in, out, i)
		}
		if err := c.WriteBatch(out); err != nil {
			t.Fatal(err)
		}
		got += n
	}
	for got := 0; got < len(msgs); {
		n, err := u.Recv(bufs, sizes)
		if err != nil {
			t.Fatal(err)
		}
		got += n
	}
}

func exchanger(t testing.TB, count int, o Options) func() {
	c := mustListen(t, "127.0.0.1:0", o)
	u := mustDial(t, c.LocalAddr())
	in, out, sizes := NewIn(), NewOut(), make([]int, count)
	var msgs, bufs [][]byte
	for range count {
		msgs = append(msgs, make([]byte, 60))
		bufs = append(bufs, make([]byte, 512))
	}
	return func() { exchange(t, c, u, in, out, msgs, bufs, sizes) }
}

func BenchmarkEcho(b *testing.B) {
	for _, bc := range []struct {
		name  string
		count int
		o     Options
	}{
		{"one", 1, Options{}},
		{"batch", BatchSize, Options{NoSegment: true}},
		{"batch-segmented", BatchSize, Options{}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			run := exchanger(b, bc.count, bc.o)
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*bc.count), "ns/datagram")
		})
	}
}
