package upstream

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"vpcdns/forwarder/wire"
)

// inFlight is how many requests a benchmark keeps pending: some batches.
const inFlight = 256

// pump is a Handler that asks anew for every answer.
type pump struct {
	c    *Client
	left *int // under mu
	mu   *sync.Mutex
	done chan struct{}
	fail chan error
}

func (p *pump) Answer(r *Request, _ []byte, err error) {
	if err != nil {
		select {
		case p.fail <- err:
		default:
		}
	}
	p.mu.Lock()
	*p.left--
	left := *p.left
	p.mu.Unlock()
	switch {
	case left >= inFlight:
		p.c.Start(r)
	case left == 0:
		close(p.done)
	}
}

func (p *pump) Flush() { p.c.Flush() }

// run makes n exchanges with inFlight of them pending.
func run(tb testing.TB, cfg Config, n int, measure func()) {
	left := n + inFlight
	p := pump{left: &left, mu: new(sync.Mutex), done: make(chan struct{}), fail: make(chan error, 1)}
	cfg.NewHandler = func() Handler { h := p; return &h }
	c, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close()
	p.c = c
	c.pace.last, c.pace.window = freshRate, int64(-1) // shared sockets from the start
	c.pace.count = freshRate
	requests := make([]Request, inFlight)
	servers := cfg.servers()
	measure()
	for i := range requests {
		requests[i] = Request{Question: question(fmt.Sprint(i)), Servers: servers}
		c.Start(&requests[i])
	}
	c.Flush()
	<-p.done
	select {
	case err := <-p.fail:
		tb.Errorf("an exchange failed: %v", err)
	default:
	}
}

// mirror is a Socket whose server turns every query into an answer at once.
type mirror struct {
	mu   sync.Mutex
	cond sync.Cond
	ring [2 * inFlight]struct {
		n   int
		msg [512]byte
	}
	head, tail int // of the ring, ever growing
	closed     bool
}

func newMirror(_, _ netip.AddrPort) (Socket, error) {
	m := new(mirror)
	m.cond.L = &m.mu
	return m, nil
}

func (m *mirror) Send(msgs [][]byte) (int, error) {
	m.mu.Lock()
	for _, q := range msgs {
		a := &m.ring[m.tail%len(m.ring)]
		a.n = copy(a.msg[:], q)
		a.msg[2] |= wire.QR >> 8
		m.tail++
	}
	m.mu.Unlock()
	m.cond.Signal()
	return len(msgs), nil
}

func (m *mirror) Recv(bufs [][]byte, sizes []int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.head == m.tail && !m.closed {
		m.cond.Wait()
	}
	if m.closed {
		return 0, net.ErrClosed
	}
	n := 0
	for n < len(bufs) && m.head < m.tail {
		a := &m.ring[m.head%len(m.ring)]
		sizes[n] = copy(bufs[n], a.msg[:a.n])
		m.head++
		n++
	}
	return n, nil
}

func (m *mirror) LocalAddr() netip.AddrPort { return netip.AddrPort{} }

func (m *mirror) Close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.cond.Broadcast()
	return nil
}

// kernelSocket is a Socket on a real one, a datagram a call.
type kernelSocket struct{ *net.UDPConn }

func dialKernel(server, _ netip.AddrPort) (Socket, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	return kernelSocket{conn}, err
}

func (k kernelSocket) Send(msgs [][]byte) (int, error) {
	for i, m := range msgs {
		if _, err := k.Write(m); err != nil {
			return i, err
		}
	}
	return len(msgs), nil
}

func (k kernelSocket) Recv(bufs [][]byte, sizes []int) (n int, err error) {
	sizes[0], err = k.Read(bufs[0])
	if err != nil {
		return 0, err
	}
	return 1, nil
}

func (k kernelSocket) LocalAddr() netip.AddrPort {
	return k.UDPConn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// echo answers queries on a loopback port until the test ends.
func echo(tb testing.TB) netip.AddrPort {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			buf[2] |= wire.QR >> 8
			_, _ = conn.WriteToUDPAddrPort(buf[:n], from)
		}
	})
	tb.Cleanup(func() { conn.Close(); wg.Wait() })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func BenchmarkExchange(b *testing.B) {
	b.Run("memory", func(b *testing.B) {
		b.ReportAllocs()
		run(b, Config{Servers: []Server{{Addr: serverA}}, Dial: newMirror}, b.N, b.ResetTimer)
	})
	b.Run("loopback", func(b *testing.B) {
		b.ReportAllocs()
		run(b, Config{Servers: []Server{{Addr: echo(b)}}, Dial: dialKernel}, b.N, b.ResetTimer)
	})
}

// BenchmarkFresh is one exchange on a port of its own.
func BenchmarkFresh(b *testing.B) {
	addr := echo(b)
	answered := make(chan struct{})
	c, err := New(Config{
		Servers: []Server{{Addr: addr}}, Dial: dialKernel,
		NewHandler: func() Handler { return signal(answered) },
	})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.ReportAllocs()
	r := Request{Question: question("a"), Servers: []netip.AddrPort{addr}}
	for b.Loop() {
		c.pace = pace{}
		c.Start(&r)
		c.Flush()
		<-answered
	}
}

type signal chan struct{}

func (s signal) Answer(*Request, []byte, error) { s <- struct{}{} }
func (s signal) Flush()                         {}

// TestExchangeAllocates: on shared sockets an exchange allocates nothing; what
// there is belongs to the sockets, which are replaced as time goes by.
func TestExchangeAllocates(t *testing.T) {
	if testing.Short() {
		t.Skip("a benchmark's body")
	}
	const n, aSocket = 100_000, 100
	sockets := 0
	cfg := Config{Servers: []Server{{Addr: serverA}}, Dial: func(server, source netip.AddrPort) (Socket, error) {
		sockets++
		return newMirror(server, source)
	}}
	got := testing.AllocsPerRun(1, func() { run(t, cfg, n, func() {}) })
	if most := float64(n/100 + sockets*aSocket); got > most {
		t.Errorf("%v allocations in %d exchanges on %d sockets, want at most %v", got, n, sockets, most)
	}
}

// TestRealSockets: the whole client on loopback sockets.
func TestRealSockets(t *testing.T) {
	addr := echo(t)
	ports := make(map[uint16]bool)
	var mu sync.Mutex
	cfg := Config{
		Servers: []Server{{Addr: addr}},
		Dial: func(server, source netip.AddrPort) (Socket, error) {
			k, err := dialKernel(server, source)
			mu.Lock()
			defer mu.Unlock()
			ports[k.LocalAddr().Port()] = true
			return k, err
		},
	}
	began := time.Now()
	run(t, cfg, 20_000, func() {})
	most := sharedSockets + freshRate*int(2+time.Since(began)/paceWindow)
	if len(ports) == 0 || len(ports) > most {
		t.Errorf("%d ports used, want some and at most %d", len(ports), most)
	}
}
