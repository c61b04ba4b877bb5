package upstream

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// Errors that a Handler is given. ErrServFail is the type for servers that
// answered, but only with failures.
var (
	ErrTimeout = errors.New("no answer in time")
	ErrBusy    = errors.New("packet budget or queue exhausted")
	ErrNetwork = errors.New("server unreachable")
	ErrClosed  = errors.New("client closed")
)

// ErrLocal says that a server could not be asked for a reason that lies on this
// side: the source address, or a rule of this host. It is an ErrNetwork too.
type ErrLocal struct{ Err error } // wraps a syscall.Errno

func (e ErrLocal) Error() string        { return "cannot send to the server: " + e.Err.Error() }
func (e ErrLocal) Unwrap() error        { return e.Err }
func (e ErrLocal) Is(target error) bool { return target == ErrNetwork }

// ErrServFail says that every server of a request answered with a failure.
type ErrServFail struct{ Rcode uint16 } // of the last one, extended (RFC 6891, 6.1.3)

func (e ErrServFail) Error() string {
	if name, ok := dns.RcodeToString[int(e.Rcode)]; ok {
		return "servers answered " + name
	}
	return fmt.Sprintf("servers answered with rcode %d", e.Rcode)
}

// Server is one server and how it is spoken to.
type Server struct {
	Addr      netip.AddrPort
	NoEDNS    bool   // `edns no`
	TCPOnly   bool   // `tcp-only yes`
	NoCookie  bool   // `send-cookie no`
	UDPSize   uint16 // octets offered in our OPT; 0 is 1232
	Unmetered bool   // packets to it do not count against PPS: it is on this host
}

// Socket is a connected UDP socket on a random port. Recv waits for at least
// one datagram and reports how many it filled in; an ICMP refusal surfaces as
// ECONNREFUSED from Recv or Send, after which the socket can still be used.
// Close makes Recv return. One Send, one Recv and Close may be called at once.
// Send must not wait for anything, least of all for Recv: who receives sends too.
type Socket interface {
	Send(msgs [][]byte) (int, error)
	Recv(bufs [][]byte, sizes []int) (int, error)
	LocalAddr() netip.AddrPort
	Close() error
}

// Handler takes answers, which are well formed and no referrals. A Handler is used by one goroutine at a time. Its
// methods may call Start and Flush, and nothing else of the Client.
type Handler interface {
	// Answer hands r back. msg is the answer (NOERROR, NXDOMAIN, or YXDOMAIN with
	// records), valid during the call only; it is nil when err is not.
	Answer(r *Request, msg []byte, err error)
	Flush() // after each batch of Answers
}

// Config is what a Client is made from.
type Config struct {
	Servers    []Server      // every server of every zone
	Sources    []netip.Addr  // addresses to ask from; any for servers of a family that has none
	PPS        int           // packets a second by each interface, unless there is a Previous; 0 is no limit
	Wait       time.Duration // the life of a request; 0 is 4.5 s
	MaxPending int           // requests in flight or queued; 0 is no limit

	// Previous is the client that this one replaces, or nil: what it measured
	// counts on, and both spend from one budget, whose limit is Previous's.
	Previous *Client

	// Interface names the interface by which packets to a server leave from a source
	// (the zero value is any), "" being the usual one; nil says that for all. It is
	// asked by New and by Reconnect.
	Interface func(server, source netip.Addr) string

	// Dial must not block and must not call the Client. The port of source is 0; its
	// zero value is any address.
	Dial       func(server, source netip.AddrPort) (Socket, error)
	DialTCP    func(ctx context.Context, server, source netip.AddrPort) (net.Conn, error) // nil: the net package's
	NewHandler func() Handler
	Event      func(Event) // may be nil; called by one goroutine, rarely
	Tap        Tap         // nil: nobody is shown messages
}

const (
	// defaultWait leaves a stub resolver half a second of its usual 5 s.
	defaultWait = 4500 * time.Millisecond

	// defaultUDPSize avoids fragments on all paths (DNS flag day 2020).
	defaultUDPSize = 1232

	// maxHandlers bounds what handlers hold; few goroutines deliver at once.
	maxHandlers = 8
)

// Client asks the servers of a Config. All methods may be called concurrently.
type Client struct {
	cfg      Config
	epoch    time.Time
	list     []*server // immutable, as are servers and sources
	servers  map[netip.AddrPort]*server
	sources  []*source                 // the first is any
	metered  atomic.Pointer[[]*bucket] // of links
	recvSize int                       // octets: more than any server may send over UDP
	outlets  chan *outlet              // as many as may deliver at once; nil ones are not made yet
	flushers sync.Pool                 // of *flusher
	kick     chan struct{}
	done     chan struct{}
	ctx      context.Context // of TCP dials
	cancel   context.CancelFunc
	wg       sync.WaitGroup

	mu       sync.Mutex
	t        time.Duration // the time of the current locked section, since epoch
	wheel    wheel
	lines    [priorities]line // of requests that no client waits for
	loads    loads            // of the others
	starting []*Request       // Start did, Flush did not
	ended    []delivery       // requests that ended
	events   []Event
	revived  []*server // came up in this section
	work     *work     // what this section leaves to do after the lock
	batch    uint64    // number of this section
	turn     uint64    // number of the last try
	pace     pace
	fresh    int // sockets with one try each whose goroutine has not ended
	pending  int // requests between Flush and their end
	live     int // requests between Start and delivery
	closed   bool
	links    []*link   // the first is that of Interface ""
	budgets  []*budget // the first is that of this interface
	drain    drain
	rand     *rand.ChaCha8
	parser   wire.Message
	forgedOn []*Request // scratch of wrong
	odd      odd
	pool     pool
	stats    Stats
}

// New returns a client, which must be closed. It opens no sockets yet.
func New(cfg Config) (*Client, error) {
	if cfg.Dial == nil || cfg.NewHandler == nil {
		return nil, errors.New("upstream: Dial and NewHandler are needed")
	}
	if cfg.Wait == 0 {
		cfg.Wait = defaultWait
	}
	if cfg.DialTCP == nil {
		cfg.DialTCP = dialTCP
	}
	c := &Client{
		cfg:     cfg,
		epoch:   time.Now(),
		servers: make(map[netip.AddrPort]*server),
		outlets: newOutlets(),
		kick:    make(chan struct{}, 1),
		done:    make(chan struct{}),
		rand:    newRand(),
		odd:     odd{seed: maphash.MakeSeed()},
		work:    new(work),
	}
	c.flushers.New = func() any { return new(flusher) }
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.drain.owner = &c.drain
	c.budgetOf([]*link{c.link("")})
	c.loads.of = make(map[uint64]*load)
	c.sources = newSources(cfg.Sources)
	c.addServers()
	c.connectPaths(c.interfaces())
	if cfg.Previous != nil {
		c.inherit(cfg.Previous)
		c.cfg.Previous = nil
	}
	c.wheel.init(c.t)
	c.wg.Go(c.clock)
	return c, nil
}

// newOutlets returns a place for each Handler, made at its first use.
func newOutlets() chan *outlet {
	n := min(maxHandlers, runtime.GOMAXPROCS(0)+1)
	outlets := make(chan *outlet, n)
	for range n {
		outlets <- nil
	}
	return outlets
}

// newRand returns the source of message IDs.
func newRand() *rand.ChaCha8 {
	var seed [32]byte
	crand.Read(seed[:]) // never fails
	return rand.NewChaCha8(seed)
}

func (c *Client) addServers() {
	for _, sv := range c.cfg.Servers {
		if c.servers[sv.Addr] != nil {
			continue
		}
		s := c.newServer(sv)
		c.servers[sv.Addr] = s
		c.list = append(c.list, s)
		c.recvSize = max(c.recvSize, int(s.UDPSize)+1)
	}
}

// Start queues r until Flush. r belongs to the client until a Handler is given
// it back. After Close it is given back, with ErrClosed, before Start returns.
func (c *Client) Start(r *Request) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		h := c.cfg.NewHandler()
		h.Answer(r, nil, ErrClosed)
		h.Flush()
		return
	}
	c.live++
	c.starting = append(c.starting, r)
	c.mu.Unlock()
}

// Flush sends what Start queued, or queues it for budget. What had to make room is
// delivered by another goroutine, so that a Handler may call it.
func (c *Client) Flush() {
	c.flush(nil)
}

// FlushAndDeliver is Flush, and gives Handlers what has ended: who starts more requests
// than there is room for does the work of failing them, and not faster than he can. A
// Handler must not call it.
func (c *Client) FlushAndDeliver() {
	f := c.flushers.Get().(*flusher)
	c.flush(&f.ended)
	c.flushers.Put(f)
}

// flusher is what FlushAndDeliver delivers from.
type flusher struct{ ended []delivery }

func (c *Client) flush(ended *[]delivery) {
	c.enter()
	for i, r := range c.starting {
		c.starting[i] = nil
		c.begin(r)
	}
	c.starting = c.starting[:0]
	c.leave(ended)
}

// Close fails what is in flight with ErrClosed and waits for the client's
// goroutines. It must not be called by a Handler.
func (c *Client) Close() {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	c.mu.Unlock()
	if first {
		close(c.done)
	}
	c.wg.Wait()
}

// OwnsCookie reports whether client is a client cookie that this Client sends:
// a query that carries it went in a circle.
func (c *Client) OwnsCookie(client [8]byte) bool {
	for _, s := range c.list {
		for _, p := range s.paths {
			if p.cookie.client == client {
				return true
			}
		}
	}
	return false
}
