package forwarder

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"

	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// memConn is a udp.Conn in memory. It blocks only on channels, so it works inside a
// testing/synctest bubble when it is made there. All methods may be called
// concurrently.
type memConn struct {
	addr   netip.AddrPort
	in     chan datagram
	closed chan struct{}
	rests  chan struct{} // closed by StopReading

	mu     sync.Mutex
	sent   []datagram
	stats  udp.Stats
	isShut bool
	rest   sync.Once
}

// datagram is a message and the address of its other end.
type datagram struct {
	Peer netip.AddrPort
	Data []byte
}

// memQueue is how many datagrams wait for Serve before inject blocks.
const memQueue = 4096

// newMemConn returns an open memConn that says it is bound to addr.
func newMemConn(addr netip.AddrPort) *memConn {
	return &memConn{
		addr:   addr,
		in:     make(chan datagram, memQueue),
		closed: make(chan struct{}),
		rests:  make(chan struct{}),
	}
}

// inject delivers a copy of msg to Serve as if peer had sent it. It is
// lost when the memConn is closed.
func (m *memConn) inject(peer netip.AddrPort, msg []byte) {
	d := datagram{peer, append([]byte(nil), msg...)}
	select {
	case m.in <- d:
	case <-m.closed:
	}
}

// sentSoFar returns the replies since the last call, in the order in which they
// were sent.
func (m *memConn) sentSoFar() []datagram {
	m.mu.Lock()
	defer m.mu.Unlock()
	sent := m.sent
	m.sent = nil
	return sent
}

// Serve implements Conn.
func (m *memConn) Serve(in *udp.In, batch func() bool) error {
	for {
		if err := m.receive(in); err != nil {
			return err
		}
		if !batch() {
			return nil
		}
	}
}

func (m *memConn) receive(in *udp.In) error {
	in.Reset()
	switch {
	case m.shut():
		return net.ErrClosed
	case m.resting():
		return os.ErrDeadlineExceeded
	}
	select {
	case <-m.closed:
		return net.ErrClosed
	case <-m.rests:
		return os.ErrDeadlineExceeded
	case d := <-m.in:
		in.Put(d.Data, udp.PeerOf(d.Peer))
	}
	m.drain(in)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Received += uint64(in.Len())
	return nil
}

// drain takes what is there without waiting.
func (m *memConn) drain(in *udp.In) {
	for !in.Full() {
		select {
		case d := <-m.in:
			in.Put(d.Data, udp.PeerOf(d.Peer))
		default:
			return
		}
	}
}

// WriteBatch implements Conn.
func (m *memConn) WriteBatch(out *udp.Out) error {
	defer out.Reset()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isShut {
		return net.ErrClosed
	}
	for i := range out.Len() {
		reply, peer := out.Reply(i)
		m.sent = append(m.sent, datagram{peer.AddrPort(), append([]byte(nil), reply...)})
	}
	m.stats.Sent += uint64(out.Len())
	return nil
}

// LocalAddr implements Conn.
func (m *memConn) LocalAddr() netip.AddrPort { return m.addr }

// Stats implements Conn.
func (m *memConn) Stats() udp.Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stats
}

// StopReading implements Conn.
func (m *memConn) StopReading() { m.rest.Do(func() { close(m.rests) }) }

func (m *memConn) resting() bool {
	select {
	case <-m.rests:
		return true
	default:
		return false
	}
}

// Shutdown implements Conn.
func (m *memConn) Shutdown() { m.Close() }

// File implements Conn: there is none.
func (m *memConn) File() (*os.File, error) { return nil, errors.ErrUnsupported }

// Close implements Conn.
func (m *memConn) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isShut {
		return net.ErrClosed
	}
	m.isShut = true
	close(m.closed)
	return nil
}

func (m *memConn) shut() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.isShut
}

// fakeListener is a TCP listener whose connections are net.Pipes.
type fakeListener struct {
	addr   netip.AddrPort
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *fakeListener) connect(peer netip.AddrPort) net.Conn {
	if l == nil {
		return nil
	}
	client, server := net.Pipe()
	select {
	case l.conns <- fakeConn{server, peer, l.addr}:
		return client
	case <-l.closed:
		return nil
	}
}

func (l *fakeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *fakeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *fakeListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

type fakeConn struct {
	net.Conn
	peer, local netip.AddrPort
}

func (c fakeConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.peer) }

func (c fakeConn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// fakeSocket is a connected UDP socket to an upstream server.
type fakeSocket struct {
	n      *fakeNet
	server netip.AddrPort
	source netip.Addr
	in     chan []byte // nil is an ICMP refusal
	closed chan struct{}
	once   sync.Once
}

func (k *fakeSocket) Send(msgs [][]byte) (int, error) {
	for _, m := range msgs {
		k.n.arrive(&asking{
			server: k.server,
			source: k.source,
			msg:    append([]byte(nil), m...),
			answer: k.deliver,
			refuse: func() { k.deliver(nil) },
		})
	}
	return len(msgs), nil
}

// deliver puts msg into the socket's buffer; what finds it full is lost, as in a
// kernel. A Send that waited here for a reader could hold up that very reader,
// which sends as well.
func (k *fakeSocket) deliver(msg []byte) {
	select {
	case k.in <- msg:
	default:
	}
}

func (k *fakeSocket) Recv(bufs [][]byte, sizes []int) (int, error) {
	select {
	case m := <-k.in:
		if m == nil {
			return 0, syscall.ECONNREFUSED
		}
		sizes[0] = copy(bufs[0], m)
		return 1, nil
	case <-k.closed:
		return 0, net.ErrClosed
	}
}

func (k *fakeSocket) LocalAddr() netip.AddrPort { return netip.AddrPort{} }

func (k *fakeSocket) Close() error {
	k.once.Do(func() {
		close(k.closed)
		k.n.mu.Lock()
		defer k.n.mu.Unlock()
		k.n.closed++
	})
	return nil
}

// news is what the kernel tells of interfaces.
type news struct {
	*io.PipeReader
	*io.PipeWriter
}

func (n *news) Close() error { return n.PipeReader.Close() }

func newNews() *news {
	r, w := io.Pipe()
	return &news{r, w}
}

// mirror is a socket to a server that answers each query at once with one
// address, at little cost.
type mirror struct {
	answers chan []byte
	spare   chan []byte
	closed  chan struct{}
}

func (m *mirror) Send(msgs [][]byte) (int, error) {
	for _, q := range msgs {
		var buf []byte
		select {
		case buf = <-m.spare:
		default:
		}
		end := wire.HeaderLen + len("\x0a0000000000\x07example\x00") + 4
		buf = append(buf[:0], q[:end]...)
		buf[2] |= wire.QR >> 8
		binary.BigEndian.PutUint16(buf[6:], 1)
		binary.BigEndian.PutUint16(buf[10:], 0)
		m.answers <- append(buf, 0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 10, 0, 0, 1)
	}
	return len(msgs), nil
}

func (m *mirror) Recv(bufs [][]byte, sizes []int) (n int, err error) {
	select {
	case a := <-m.answers:
		for {
			sizes[n] = copy(bufs[n], a)
			n++
			m.spare <- a
			if n == len(bufs) || len(m.answers) == 0 {
				return n, nil
			}
			a = <-m.answers
		}
	case <-m.closed:
		return 0, net.ErrClosed
	}
}

func (m *mirror) LocalAddr() netip.AddrPort { return netip.AddrPort{} }

func (m *mirror) Close() error {
	close(m.closed)
	return nil
}

func newMirror() upstream.Socket {
	m := &mirror{answers: make(chan []byte, 1024), spare: make(chan []byte, 1024), closed: make(chan struct{})}
	return m
}
