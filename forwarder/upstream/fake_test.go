package upstream

import (
	"cmp"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"vpcdns/forwarder/wire"
)

var (
	serverA = netip.MustParseAddrPort("10.79.0.2:53")
	serverB = netip.MustParseAddrPort("10.79.0.3:53")
)

// network is an in-memory network of servers.
type network struct {
	mu      sync.Mutex
	hosts   map[netip.AddrPort]*host
	rand    *rand.Rand
	dials   int
	open    int
	dialErr error
	sent    []time.Time // of each UDP query
	conns   int         // TCP connections made

	from    map[netip.Addr]int   // UDP queries by their source
	overTCP map[netip.Addr]int   // connections by their source
	lost    map[netip.Addr]bool  // sources whose packets are dropped, as a VPC does without a route of their own
	absent  map[netip.Addr]error // sources from which no socket can be had
	reject  map[netip.Addr]error // sources that a firewall refuses
}

// host is a server's behaviour. Its fields are changed under network.mu.
type host struct {
	rtt      func() time.Duration
	loss     float64 // share of queries lost
	dead     bool    // silent
	refusing bool    // ICMP port unreachable
	limited  bool    // but no more than one a second, as Linux does
	refused  time.Time
	tcp      bool
	tcpMute  bool // accepts, never answers
	udp      func(k *fakeSocket, q []byte) [][]byte
	stream   func(q []byte) [][]byte // nil: like udp
	hangUp   int                     // closes a connection after so many answers
	talk     func(conn net.Conn)     // unless nil: in place of all of these, over TCP
	queries  int                     // that reached it
}

func newNetwork(addrs ...netip.AddrPort) *network {
	n := &network{
		hosts: make(map[netip.AddrPort]*host), rand: rand.New(rand.NewPCG(1, 2)),
		from: make(map[netip.Addr]int), overTCP: make(map[netip.Addr]int), lost: make(map[netip.Addr]bool),
		absent: make(map[netip.Addr]error), reject: make(map[netip.Addr]error),
	}
	for _, a := range addrs {
		n.hosts[a] = &host{
			rtt: func() time.Duration { return time.Millisecond },
			udp: func(_ *fakeSocket, q []byte) [][]byte { return [][]byte{reply(q, 0)} },
			tcp: true,
		}
	}
	return n
}

// change runs f with the network at rest.
func (n *network) change(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
}

// fakeSocket is one connected UDP socket.
type fakeSocket struct {
	net    *network
	server netip.AddrPort
	source netip.Addr
	port   int
	in     chan []byte
	errs   chan error
	closed chan struct{}
	once   sync.Once
}

func (n *network) dial(server, source netip.AddrPort) (Socket, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := cmp.Or(n.dialErr, n.absent[source.Addr()]); err != nil {
		return nil, err
	}
	n.dials++
	n.open++
	return &fakeSocket{
		net: n, server: server, source: source.Addr(), port: n.dials,
		in: make(chan []byte, 4096), errs: make(chan error, 4096), closed: make(chan struct{}),
	}, nil
}

func (k *fakeSocket) LocalAddr() netip.AddrPort { return netip.AddrPort{} }

func (k *fakeSocket) Close() error {
	k.once.Do(func() {
		close(k.closed)
		k.net.change(func() { k.net.open-- })
	})
	return nil
}

func (k *fakeSocket) Send(msgs [][]byte) (int, error) {
	n := k.net
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range msgs {
		n.sent = append(n.sent, time.Now())
		n.from[k.source]++
		n.arrive(k, slices.Clone(m))
	}
	return len(msgs), nil
}

func (n *network) arrive(k *fakeSocket, q []byte) {
	h := n.hosts[k.server]
	switch err := n.reject[k.source]; {
	case err != nil:
		k.errs <- err
		return
	case n.lost[k.source]:
		return
	}
	h.queries++
	if h.refusing {
		if !h.limited || time.Since(h.refused) >= time.Second {
			h.refused = time.Now()
			k.errs <- syscall.ECONNREFUSED
		}
		return
	}
	if h.dead || n.rand.Float64() < h.loss {
		return
	}
	for _, m := range h.udp(k, q) {
		k.deliver(m, h.rtt())
	}
}

// deliver makes m come in after d.
func (k *fakeSocket) deliver(m []byte, d time.Duration) {
	put := func() {
		select {
		case k.in <- m:
		default:
		}
	}
	if d == 0 {
		put()
		return
	}
	time.AfterFunc(d, put)
}

func (k *fakeSocket) Recv(bufs [][]byte, sizes []int) (int, error) {
	select {
	case <-k.closed:
		return 0, net.ErrClosed
	case err := <-k.errs:
		return 0, err
	case m := <-k.in:
		sizes[0] = copy(bufs[0], m)
	}
	n := 1
	for n < len(bufs) && len(k.in) > 0 {
		sizes[n] = copy(bufs[n], <-k.in)
		n++
	}
	return n, nil
}

func (n *network) dialTCP(ctx context.Context, server, source netip.AddrPort) (net.Conn, error) {
	n.mu.Lock()
	lost := n.lost[source.Addr()]
	n.mu.Unlock()
	if lost {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[server]
	if err := cmp.Or(n.dialErr, n.absent[source.Addr()]); err != nil {
		return nil, err
	}
	if h.refusing || !h.tcp {
		return nil, syscall.ECONNREFUSED
	}
	n.conns++
	n.overTCP[source.Addr()]++
	client, srv := net.Pipe()
	if h.talk != nil {
		go h.talk(srv)
	} else {
		go n.serve(h, srv)
	}
	return client, nil
}

// serve answers the queries on one connection.
func (n *network) serve(h *host, conn net.Conn) {
	defer conn.Close()
	answers := make(chan []byte, 100)
	defer close(answers)
	n.mu.Lock()
	last := h.hangUp
	n.mu.Unlock()
	go func() {
		count := 0
		for m := range answers {
			if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...)); err != nil {
				break
			}
			if count++; count == last {
				conn.Close()
			}
		}
		for range answers {
		}
	}()
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		q := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, q); err != nil {
			return
		}
		for _, m := range n.streamed(h, q) {
			answers <- m
		}
	}
}

func (n *network) streamed(h *host, q []byte) [][]byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case h.tcpMute || h.dead:
		return nil
	case h.stream != nil:
		return h.stream(q)
	}
	return [][]byte{reply(q, 0)}
}

// question returns www.name.example A IN in wire form.
func question(name string) []byte {
	q := append([]byte{3, 'w', 'w', 'w', byte(len(name))}, name...)
	q = append(q, "\x07example\x00"...)
	return append(q, 0, 1, 0, 1)
}

// questionOf returns the question of a query.
func questionOf(msg []byte) []byte {
	end := wire.HeaderLen
	for msg[end] != 0 {
		end += 1 + int(msg[end])
	}
	return msg[wire.HeaderLen : end+5]
}

// reply answers q with rcode and one address, and an OPT if q has one.
func reply(q []byte, rcode int, cookie ...byte) []byte {
	question := questionOf(q)
	var an, ar uint16
	if rcode == wire.NoError {
		an = 1
	}
	if q[11] > 0 {
		ar = 1
	}
	m := wire.AppendHeader(nil, wire.ID(q), wire.QR|wire.RD|wire.RA|uint16(rcode&15), 1, an, 0, ar)
	m = append(m, question...)
	if an > 0 {
		m = append(m, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 10, 0, 4, 10, 79, 252, 13)
	}
	if ar > 0 {
		opt := len(m)
		m = wire.AppendOPT(m, 1232, rcode, false)
		if cookie != nil {
			m = wire.AppendOption(m, opt, wire.OptionCookie, cookie...)
		}
	}
	return m
}

func truncated(q []byte) []byte {
	m := reply(q, wire.ServFail)
	m[2] |= wire.TC >> 8
	m[3] &^= 15
	return m
}

// count returns the number of queries that left so far.
func (n *network) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.sent)
}

// peak returns the most packets in any window of a second.
func (n *network) peak() (most int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	from := 0
	for i, t := range n.sent {
		for t.Sub(n.sent[from]) >= time.Second {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}
