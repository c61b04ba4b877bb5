package forwarder

import (
	"errors"
	"net"
	"sync"
	"time"
)

// tcpServer holds all connections of clients.
type tcpServer struct {
	s  *Server
	wg sync.WaitGroup

	mu      sync.Mutex
	conns   map[*tcpConn]struct{}
	closing bool
	evicted counter // connections closed to make room
}

func newTCPServer(s *Server) *tcpServer {
	return &tcpServer{s: s, conns: make(map[*tcpConn]struct{})}
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
			t.makeRoom(0)
			time.Sleep(acceptPause)
		default:
			t.admit(nc)
		}
	}
}

// admit serves a new connection, unless its client is blackholed. When there
// are too many, the one that has been idle longest goes: a client that means
// it asks again, and slow ones cannot keep honest ones out.
func (t *tcpServer) admit(nc net.Conn) {
	c := t.newConn(nc)
	c.begin()
	if c.rightsOf(c.client.addr.Addr()).blackholed {
		reset(nc)
		return
	}
	t.makeRoom(c.st.cfg.TCP.Clients)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		nc.Close()
		return
	}
	t.conns[c] = struct{}{}
	t.wg.Go(func() {
		c.run()
		t.mu.Lock()
		delete(t.conns, c)
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

// makeRoom closes the longest idle connection when limit is reached.
func (t *tcpServer) makeRoom(limit int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.conns) < max(limit, 1) {
		return
	}
	var idlest *tcpConn
	var since time.Duration
	for c := range t.conns {
		if last := c.idleSince(); idlest == nil || last < since {
			idlest, since = c, last
		}
	}
	delete(t.conns, idlest)
	t.evicted.Add(1)
	reset(idlest.Conn)
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

// shut ends all connections: they finish what they have begun until the grace
// is over.
func (t *tcpServer) shut(grace time.Duration) {
	t.mu.Lock()
	t.closing = true
	for c := range t.conns {
		c.SetReadDeadline(time.Now())
	}
	t.mu.Unlock()
	force := time.AfterFunc(grace, t.closeAll)
	t.wg.Wait()
	force.Stop()
}

func (t *tcpServer) closeAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.conns {
		c.hangUp()
	}
}

// open counts the connections.
func (t *tcpServer) open() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.conns)
}
