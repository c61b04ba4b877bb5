package forwarder

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"vpcdns/acl"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/upstream"
)

// fakeNet is the world around a Server, in memory: its interfaces, its
// clients, and upstream. Made inside a synctest bubble it works there.
type fakeNet struct {
	mu      sync.Mutex
	env     acl.Env
	udp     map[netip.AddrPort]*memConn
	tcp     map[netip.AddrPort]*fakeListener
	asked   []*asking            // queries that reached upstream, oldest first
	auto    func(*asking) []byte // answers at once, or nil: for take
	replies []reply              // what clients got, oldest first
	conns   map[netip.AddrPort]net.Conn
	lost    uint64 // link-local packets that the host's interface dropped
	mirror  bool   // sockets answer by themselves: see mirror
	closed  int    // sockets to upstream that were closed
	dialled int
	slept   time.Duration // the machine was suspended
	news    *news
}

// asking is a query that a Server sent upstream.
type asking struct {
	server netip.AddrPort
	tcp    bool
	msg    []byte
	answer func(msg []byte)
	refuse func()
}

// reply is a message that a client got.
type reply struct {
	peer netip.AddrPort
	msg  []byte
}

func newFakeNet(prefixes ...string) *fakeNet {
	return &fakeNet{
		env:   envOf(prefixes...),
		udp:   make(map[netip.AddrPort]*memConn),
		tcp:   make(map[netip.AddrPort]*fakeListener),
		conns: make(map[netip.AddrPort]net.Conn),
		news:  newNews(),
	}
}

// envOf is what interfaces with such addresses make: 10.79.1.10/24.
func envOf(prefixes ...string) (e acl.Env) {
	for _, s := range prefixes {
		p := netip.MustParsePrefix(s)
		e.Localhost = append(e.Localhost, p.Addr())
		e.Localnets = append(e.Localnets, p.Masked())
	}
	return e
}

func (n *fakeNet) network() network {
	return network{
		env: func() (acl.Env, error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			return n.env, nil
		},
		listenUDP: n.listenUDP,
		listenTCP: n.listenTCP,
		dial:      n.dial,
		dialTCP:   n.dialTCP,
		asleep:    n.asleep,
		news:      func() (io.ReadCloser, error) { return n.news, nil },
		exceeded: func() ([]host.Exceeded, error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			return []host.Exceeded{{Interface: "eth0", Allowance: host.LinkLocal, Packets: n.lost}}, nil
		},
	}
}

func (n *fakeNet) listenUDP(a netip.AddrPort, _ udp.Options) (udp.Conn, error) {
	m := newMemConn(a)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.udp[a] = m
	return m, nil
}

// ask delivers a client's message, and reports whether somebody listens.
func (n *fakeNet) ask(peer, local netip.AddrPort, tcp bool, msg []byte) bool {
	if tcp {
		return n.askTCP(peer, local, msg)
	}
	n.mu.Lock()
	m := n.udp[local]
	n.mu.Unlock()
	if m == nil {
		return false
	}
	m.inject(peer, msg)
	return true
}

func (n *fakeNet) askTCP(peer, local netip.AddrPort, msg []byte) bool {
	n.mu.Lock()
	c, l := n.conns[peer], n.tcp[local]
	n.mu.Unlock()
	if c == nil {
		if c = l.connect(peer); c == nil {
			return false
		}
		n.mu.Lock()
		n.conns[peer] = c
		n.mu.Unlock()
		go n.readReplies(peer, c)
	}
	_, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...))
	return err == nil
}

func (n *fakeNet) readReplies(peer netip.AddrPort, c net.Conn) {
	for {
		msg, err := readFrame(c)
		n.mu.Lock()
		if err != nil {
			delete(n.conns, peer)
			n.mu.Unlock()
			return
		}
		n.replies = append(n.replies, reply{peer, msg})
		n.mu.Unlock()
	}
}

// got takes what clients got so far.
func (n *fakeNet) got() []reply {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range n.udp {
		for _, d := range m.sentSoFar() {
			n.replies = append(n.replies, reply{d.Peer, d.Data})
		}
	}
	list := n.replies
	n.replies = nil
	return list
}

// close ends the connections of the clients.
func (n *fakeNet) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		c.Close()
	}
}

func readFrame(r io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	msg := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(r, msg)
	return msg, err
}

// fakeListener is a TCP listener whose connections are net.Pipes.
type fakeListener struct {
	addr   netip.AddrPort
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (n *fakeNet) listenTCP(a netip.AddrPort, _ int) (net.Listener, error) {
	l := &fakeListener{addr: a, conns: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tcp[a] = l
	return l, nil
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
func (c fakeConn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }

// arrive notes a query at upstream.
func (n *fakeNet) arrive(q *asking) {
	n.mu.Lock()
	var answer []byte
	if n.auto != nil {
		answer = n.auto(q)
	}
	if answer == nil {
		n.asked = append(n.asked, q)
	}
	n.mu.Unlock()
	if answer != nil {
		q.answer(answer)
	}
}

// take returns the oldest query that reached server, or any one if server is
// not valid; nil if there is none.
func (n *fakeNet) take(server netip.Addr) *asking {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, q := range n.asked {
		if !server.IsValid() || q.server.Addr() == server {
			n.asked = append(n.asked[:i:i], n.asked[i+1:]...)
			return q
		}
	}
	return nil
}

// forget drops what reached upstream.
func (n *fakeNet) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = nil
}

func (n *fakeNet) change(env acl.Env) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.env = env
}

// fakeSocket is a connected UDP socket to an upstream server.
type fakeSocket struct {
	n      *fakeNet
	server netip.AddrPort
	in     chan []byte // nil is an ICMP refusal
	closed chan struct{}
	once   sync.Once
}

func (n *fakeNet) dial(server, _ netip.AddrPort) (upstream.Socket, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dialled++
	if n.mirror {
		return newMirror(), nil
	}
	return &fakeSocket{n: n, server: server, in: make(chan []byte, 64), closed: make(chan struct{})}, nil
}

func (k *fakeSocket) Send(msgs [][]byte) (int, error) {
	for _, m := range msgs {
		k.n.arrive(&asking{
			server: k.server,
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

func (n *fakeNet) dialTCP(_ context.Context, server, _ netip.AddrPort) (net.Conn, error) {
	client, srv := net.Pipe()
	go func() {
		defer srv.Close()
		for {
			msg, err := readFrame(srv)
			if err != nil {
				return
			}
			n.arrive(&asking{server: server, tcp: true, msg: msg,
				answer: func(m []byte) { srv.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...)) },
				refuse: func() { srv.Close() },
			})
		}
	}()
	return client, nil
}
