package forwarder

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// tcpServer holds all connections of clients.
type tcpServer struct {
	s  *Server
	wg sync.WaitGroup

	unread  atomic.Int64 // octets of upstream's answers that wait in all connections
	evicted counter      // connections closed to make room

	mu      sync.Mutex
	clients tcpClients
	closing bool
}

func newTCPServer(s *Server) *tcpServer {
	return &tcpServer{s: s, clients: tcpClients{homes: make(map[netip.Addr]map[*tcpConn]struct{})}}
}

// acceptPause is how long accepting rests when descriptors have run out.
const acceptPause = 50 * time.Millisecond

// accept serves a listener until it is closed.
func (t *tcpServer) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			t.makeRoom(0, netip.Addr{})
			time.Sleep(acceptPause)
		default:
			t.admit(nc)
		}
	}
}

// tcpSendBuffer bounds what the kernel holds for a client that does not read,
// in octets; by itself it goes up to some megabytes.
const tcpSendBuffer = 128 << 10

// admit serves a new connection, unless its client is blackholed. When there
// are too many, one of the client that has the most goes: a client that means
// it asks again, and neither many nor slow ones keep others out.
func (t *tcpServer) admit(nc net.Conn) {
	c := t.newConn(nc)
	c.begin()
	if c.rightsOf(c.client.addr.Addr()).blackholed {
		reset(nc)
		return
	}
	if tc, ok := nc.(*net.TCPConn); ok {
		tc.SetWriteBuffer(tcpSendBuffer)
	}
	t.makeRoom(c.st.cfg.TCP.Clients, c.client.addr.Addr())
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		nc.Close()
		return
	}
	t.clients.add(c)
	t.wg.Go(func() {
		c.run()
		t.mu.Lock()
		t.clients.remove(c)
		t.mu.Unlock()
	})
}

// reset closes a connection without the courtesy of a FIN.
func reset(nc net.Conn) {
	if tc, ok := nc.(*net.TCPConn); ok {
		tc.SetLinger(0)
	}
	nc.Close()
}

// makeRoom closes a connection when limit is reached and newcomer wants one.
func (t *tcpServer) makeRoom(limit int, newcomer netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.clients.n < max(limit, 1) {
		return
	}
	c := t.clients.victim(newcomer)
	t.clients.remove(c)
	t.evicted.Add(1)
	reset(c.Conn)
	c.hangUp()
}

// idleSince returns when the connection last did something useful: a query
// that is under way counts as now.
func (c *tcpConn) idleSince() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting > 0 && !c.broken {
		return c.t.s.clock()
	}
	return c.active
}

// lastWords is how long a connection that ends is still read: a query may be on
// its way, above all where the connection is new.
const lastWords = 100 * time.Millisecond

// shut ends all connections: they finish what they have begun until the grace
// is over.
func (t *tcpServer) shut(grace time.Duration) {
	t.mu.Lock()
	t.closing = true
	t.clients.each(func(c *tcpConn) { c.SetReadDeadline(time.Now().Add(lastWords)) })
	t.mu.Unlock()
	force := time.AfterFunc(grace, t.closeAll)
	t.wg.Wait()
	force.Stop()
}

func (t *tcpServer) closeAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clients.each((*tcpConn).hangUp)
}

// open counts the connections.
func (t *tcpServer) open() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.clients.n
}
