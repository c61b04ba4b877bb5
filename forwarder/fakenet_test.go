package forwarder

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

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
	boot    [16]byte
	booted  time.Time
	refusal error // of sockets over UDP
}

// asking is a query that a Server sent upstream.
type asking struct {
	server netip.AddrPort
	source netip.Addr // over UDP
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
		boot:  [16]byte{1},
		// A machine has run for a while before.
		booted: time.Now().Add(-time.Hour),
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
		leaves:    leaves,
		owner:     n.owner,
		listenUDP: n.listenUDP,
		listenTCP: n.listenTCP,
		dial:      n.dial,
		dialTCP:   n.dialTCP,
		asleep:    n.asleep,
		boot:      func() ([16]byte, time.Duration) { return n.boot, time.Since(n.booted) + n.asleep() },
		news:      func() (io.ReadCloser, error) { return n.news, nil },
		lookEvery: interfacesEvery,
		exceeded: func() ([]host.Exceeded, error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			return []host.Exceeded{{Interface: "eth0", Allowance: host.LinkLocal, Packets: n.lost}}, nil
		},
	}
}

// leaves says that all packets leave by one interface, whatever their source.
func leaves(_, source netip.Addr) string {
	if !source.IsValid() {
		return ""
	}
	return "eth0"
}

// owner names the interfaces of addresses by their last octet.
func (n *fakeNet) owner(a netip.Addr) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Contains(n.env.Localhost, a) {
		return ""
	}
	return fmt.Sprintf("eth%d", a.AsSlice()[a.BitLen()/8-1]%10)
}

func (n *fakeNet) listenUDP(a netip.AddrPort, _ udp.Options) (udp.Conn, error) {
	m := newMemConn(a)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refusal != nil {
		return nil, n.refusal
	}
	n.udp[a] = m
	return m, nil
}

// refuse lets no more sockets be had.
func (n *fakeNet) refuse(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refusal = err
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
	_, err := c.Write(frame(msg))
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

func (n *fakeNet) listenTCP(a netip.AddrPort, _ int) (net.Listener, error) {
	l := &fakeListener{addr: a, conns: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tcp[a] = l
	return l, nil
}

// arrive notes a query at upstream.
func (n *fakeNet) arrive(q *asking) {
	n.mu.Lock()
	var answer []byte
	if n.auto != nil {
		answer = n.auto(q)
	}
	if answer == nil && !isIdleProbe(q.msg) {
		n.asked = append(n.asked, q)
	}
	n.mu.Unlock()
	if answer != nil {
		q.answer(answer)
	}
}

// isIdleProbe reports whether a query only tries whether a server is up again, and
// no client's: who takes queries does not wait for it.
func isIdleProbe(msg []byte) bool {
	m := new(dns.Msg)
	if m.Unpack(msg) != nil || len(m.Question) != 1 || m.Question[0].Qtype != dns.TypeSOA {
		return false
	}
	opt := m.IsEdns0()
	return opt != nil && !opt.Do()
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

func (n *fakeNet) dial(server, source netip.AddrPort) (upstream.Socket, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dialled++
	if n.mirror {
		return newMirror(), nil
	}
	return &fakeSocket{n: n, server: server, source: source.Addr(), in: make(chan []byte, 64), closed: make(chan struct{})}, nil
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
				answer: func(m []byte) { srv.Write(frame(m)) },
				refuse: func() { srv.Close() },
			})
		}
	}()
	return client, nil
}

// suspend lets time pass that Go's clock does not see.
func (n *fakeNet) suspend(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.slept += d
}

func (n *fakeNet) asleep() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.slept
}

// answer answers the oldest query with one address.
func (n *fakeNet) answer(t *testing.T, ttl uint32, addr string) {
	t.Helper()
	q := n.take(netip.Addr{})
	if q == nil {
		t.Fatal("upstream was not asked")
	}
	q.answer(answerTo(q.msg, ttl, addr))
}

// awaited waits for the next query that upstream does not answer by itself.
func (n *fakeNet) awaited(t testing.TB) (q *asking) {
	t.Helper()
	if !eventually(func() bool { q = n.take(netip.Addr{}); return q != nil }) {
		t.Fatal("upstream was not asked")
	}
	return q
}

// connections are those that ask has opened, by client.
func (n *fakeNet) connections() map[netip.AddrPort]net.Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.conns)
}

// hangUp ends a client's connection.
func (n *fakeNet) hangUp(peer netip.AddrPort) {
	n.mu.Lock()
	c := n.conns[peer]
	n.mu.Unlock()
	c.Close()
	synctest.Wait()
}

// open opens a client's connection, or returns nil when it is refused.
func (n *fakeNet) open(peer netip.AddrPort) net.Conn {
	n.mu.Lock()
	l := n.tcp[testServer]
	n.mu.Unlock()
	return l.connect(peer)
}

// connect opens a client's connection that nobody reads yet.
func (n *fakeNet) connect(t *testing.T, peer netip.AddrPort) net.Conn {
	t.Helper()
	c := n.open(peer)
	if c == nil {
		t.Fatal("connection refused")
	}
	t.Cleanup(func() { c.Close() })
	return c
}
