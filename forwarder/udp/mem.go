package udp

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
)

// Mem is a Conn in memory. It blocks only on channels, so it works inside a
// testing/synctest bubble when it is made there. All methods may be called
// concurrently.
type Mem struct {
	addr   netip.AddrPort
	in     chan Datagram
	closed chan struct{}
	rests  chan struct{} // closed by StopReading

	mu     sync.Mutex
	sent   []Datagram
	wait   map[Peer][]chan []byte // Exchange calls by peer, oldest first
	stats  Stats
	isShut bool
	rest   sync.Once
}

// Datagram is a message and the address of its other end.
type Datagram struct {
	Peer netip.AddrPort
	Data []byte
}

// memQueue is how many datagrams wait for Serve before Inject blocks.
const memQueue = 4096

// NewMem returns an open Mem that says it is bound to addr.
func NewMem(addr netip.AddrPort) *Mem {
	return &Mem{
		addr:   addr,
		in:     make(chan Datagram, memQueue),
		closed: make(chan struct{}),
		rests:  make(chan struct{}),
		wait:   make(map[Peer][]chan []byte),
	}
}

// Inject delivers a copy of msg to Serve as if peer had sent it. It is
// lost when the Mem is closed.
func (m *Mem) Inject(peer netip.AddrPort, msg []byte) {
	d := Datagram{peer, append([]byte(nil), msg...)}
	select {
	case m.in <- d:
	case <-m.closed:
	}
}

// Exchange delivers msg as Inject does and waits for the next reply to peer,
// which Sent then does not show. Calls for one peer take its replies in the
// order of the calls. It returns nil when the Mem is closed.
func (m *Mem) Exchange(peer netip.AddrPort, msg []byte) []byte {
	reply := m.expect(PeerOf(peer))
	m.Inject(peer, msg)
	select {
	case r := <-reply:
		return r
	case <-m.closed:
		return nil
	}
}

func (m *Mem) expect(p Peer) chan []byte {
	reply := make(chan []byte, 1)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wait[p] = append(m.wait[p], reply)
	return reply
}

// Sent returns the replies since the last call that no Exchange waited for, in
// the order in which they were sent.
func (m *Mem) Sent() []Datagram {
	m.mu.Lock()
	defer m.mu.Unlock()
	sent := m.sent
	m.sent = nil
	return sent
}

// Serve implements Conn.
func (m *Mem) Serve(in *In, batch func() bool) error {
	for {
		if err := m.receive(in); err != nil {
			return err
		}
		if !batch() {
			return nil
		}
	}
}

func (m *Mem) receive(in *In) error {
	in.reset()
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
		in.put(d.Data, PeerOf(d.Peer))
	}
	m.drain(in)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stats.Received += uint64(in.n)
	return nil
}

// drain takes what is there without waiting.
func (m *Mem) drain(in *In) {
	for !in.full() {
		select {
		case d := <-m.in:
			in.put(d.Data, PeerOf(d.Peer))
		default:
			return
		}
	}
}

// WriteBatch implements Conn.
func (m *Mem) WriteBatch(out *Out) error {
	defer out.reset()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isShut {
		return net.ErrClosed
	}
	for i := range out.n {
		m.deliver(out.peer[i], append([]byte(nil), out.reply[i]...))
	}
	m.stats.Sent += uint64(out.n)
	return nil
}

// deliver hands reply to the oldest Exchange for p. The caller holds mu.
func (m *Mem) deliver(p Peer, reply []byte) {
	waiting := m.wait[p]
	if len(waiting) == 0 {
		m.sent = append(m.sent, Datagram{p.AddrPort(), reply})
		return
	}
	waiting[0] <- reply
	m.wait[p] = waiting[1:]
}

// LocalAddr implements Conn.
func (m *Mem) LocalAddr() netip.AddrPort { return m.addr }

// Stats implements Conn.
func (m *Mem) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stats
}

// StopReading implements Conn.
func (m *Mem) StopReading() { m.rest.Do(func() { close(m.rests) }) }

func (m *Mem) resting() bool {
	select {
	case <-m.rests:
		return true
	default:
		return false
	}
}

// Shutdown implements Conn.
func (m *Mem) Shutdown() { m.Close() }

// File implements Conn: there is none.
func (m *Mem) File() (*os.File, error) { return nil, errors.ErrUnsupported }

// Close implements Conn.
func (m *Mem) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isShut {
		return net.ErrClosed
	}
	m.isShut = true
	close(m.closed)
	return nil
}

func (m *Mem) shut() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.isShut
}
