package tcp

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Server is made from.
type Config struct {
	// NewHandler returns what answers the messages of a connection, or nil when
	// its client is to be turned away without a word.
	NewHandler func(*Conn) Handler

	Clock  func() time.Duration // the server's: monotonic
	Limits func() Limits        // those in force
}

// Limits are those that a configuration sets.
type Limits struct {
	Clients        int           // connections at a time, of all clients; at least one
	Waiting        int           // more of them that may wait to be served
	InitialTimeout time.Duration // how long a new connection may send nothing
}

// Server holds all connections of clients. All methods may be called
// concurrently.
type Server struct {
	cfg Config
	wg  sync.WaitGroup

	unread  atomic.Int64  // octets of late responses that wait in all connections
	evicted atomic.Uint64 // connections closed to make room

	mu      sync.Mutex
	clients clients
	peak    int         // the most there ever were
	room    []*Conn     // connections that wait to be served
	closing atomic.Bool // set with mu held
}

// New returns a Server without connections.
func New(cfg Config) *Server {
	return &Server{cfg: cfg, clients: clients{byAddr: make(map[netip.Addr]*client)}}
}

// acceptPause is how long accepting rests when descriptors have run out.
const acceptPause = 50 * time.Millisecond

// Accept serves the connections of a listener until it is closed.
func (t *Server) Accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			t.relieve()
			time.Sleep(acceptPause)
		default:
			t.admit(nc)
		}
	}
}

// sendBuffer bounds what the kernel holds for a client that does not read,
// in octets; by itself it goes up to some megabytes.
const sendBuffer = 128 << 10

// admit lets a new connection in, unless its client is turned away. When there
// are too many, one of the client that has the most goes: a client that means
// it asks again, and neither many nor slow ones keep others out.
func (t *Server) admit(nc net.Conn) {
	c := t.newConn(nc)
	if c.handler = t.cfg.NewHandler(c); c.handler == nil {
		reset(nc)
		return
	}
	if tc, ok := nc.(*net.TCPConn); ok {
		tc.SetWriteBuffer(sendBuffer)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing.Load() {
		nc.Close()
		return
	}
	t.enter(c)
}

// serve starts to serve c. mu is held.
func (t *Server) serve(c *Conn) {
	c.active = t.cfg.Clock() + beforeUse
	c.seen = c.active
	t.clients.add(c)
	t.peak = max(t.peak, t.clients.n)
	t.wg.Go(func() {
		c.run()
		t.mu.Lock()
		defer t.mu.Unlock()
		t.clients.remove(c)
		t.letIn()
	})
}

// reset closes a connection without the courtesy of a FIN.
func reset(nc net.Conn) {
	if tc, ok := nc.(*net.TCPConn); ok {
		tc.SetLinger(0)
	}
	nc.Close()
}

// limit is how many connections may be served.
func (t *Server) limit() int { return max(t.cfg.Limits().Clients, 1) }

// relieve gives a connection up when something has run out.
func (t *Server) relieve() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.clients.n > 0 {
		t.evict(netip.Addr{})
	}
}

// evict closes the connection that makes room for one from newcomer. There is one,
// and mu is held.
func (t *Server) evict(newcomer netip.Addr) {
	c := t.clients.victim(newcomer)
	t.clients.remove(c)
	t.evicted.Add(1)
	reset(c.conn)
	c.hangUp()
}

// Shrink closes the connections that are more than the limits allow, which may
// have become less.
func (t *Server) Shrink() {
	for t.shrink() {
	}
}

// shrink closes one. It holds the lock no longer than that.
func (t *Server) shrink() (more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.clients.n <= t.limit() {
		return false
	}
	t.evict(netip.Addr{})
	return true
}

// noteFirst notes that c has been used for the first time.
func (t *Server) noteFirst(c *Conn, now time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clients.inUse(c, now)
}

// idleSince returns when the connection last did something useful: a query
// that is under way counts as now.
func (c *Conn) idleSince() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting > 0 && !c.broken {
		return c.server.cfg.Clock()
	}
	return c.active
}

// closeGrace is how long a connection that ends is still read: a query may be on
// its way, above all where the connection is new.
const closeGrace = 100 * time.Millisecond

// Shutdown ends all connections: they finish what they have begun until the
// grace is over.
func (t *Server) Shutdown(grace time.Duration) {
	t.mu.Lock()
	t.closing.Store(true)
	t.clearRoom()
	t.clients.each((*Conn).readNoMore)
	t.mu.Unlock()
	force := time.AfterFunc(grace, t.closeAll)
	t.wg.Wait()
	force.Stop()
}

func (t *Server) closeAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clients.each((*Conn).hangUp)
}

// Stats are the counters of a Server.
type Stats struct {
	Open    int    // connections of clients that are served
	Peak    int    // the most of them at a time, so far
	Evicted uint64 // connections closed to make room
	Unread  int64  // octets of late responses that clients have not read yet
}

// Stats returns the counters.
func (t *Server) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Stats{Open: t.clients.n, Peak: t.peak, Evicted: t.evicted.Load(), Unread: t.unread.Load()}
}
