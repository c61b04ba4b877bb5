package forwarder

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"

	"vpcdns/forwarder/udp"
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
