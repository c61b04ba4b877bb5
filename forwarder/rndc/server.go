package rndc

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Request is a command that may be run: it came from an allowed address, signed
// with a key of its channel.
type Request struct {
	From     netip.AddrPort
	Key      string // its name
	Line     string // the command with its arguments, as rndc was given them
	ReadOnly bool   // the channel's
}

// Handler runs commands. Several may run at once, one of a connection. ctx ends
// when the server is closed and has waited long enough: they return then. The text of a failure
// that is an *Error is printed beside its result; other errors are failures
// with a text.
type Handler interface {
	Command(ctx context.Context, r Request) (text string, err error)
}

// Channel is an address that takes commands.
type Channel struct {
	Addr     netip.AddrPort
	Allow    func(netip.Addr) bool // nil allows all
	Keys     []*Key
	ReadOnly bool
}

// Limits of connections. rndc is a person or a script: few at once, each short.
const (
	maxUnknown         = 64              // before authentication, of all clients
	maxUnknownOfClient = 16              // of one
	maxConns           = 256             // in all
	authTimeout        = 2 * time.Second // rndc's first message comes at once
	idleTimeout        = time.Minute     // rndc's own
	writeTimeout       = 10 * time.Second
	closeTimeout       = 2 * time.Second // for commands that run while the server is closed

	// grace is for how long nothing is said of an address that another process
	// has: one that is handing over to this one leaves it soon.
	grace = 3 * time.Second
)

// Options are what a server needs.
type Options struct {
	Handler Handler
	Log     *slog.Logger

	// Explain may add to the error of an address that cannot be had who has it.
	Explain func(netip.AddrPort, error) error
}

// Server serves channels. Its methods may be called by several goroutines.
type Server struct {
	o        Options
	now      func() time.Time // changed by tests
	replays  replays
	refusals refusals
	conns    connections
	frames   sync.Pool // of *[maxRequest]byte
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu        sync.Mutex
	listeners []*listener
	closed    bool
}

// NewServer returns a server without channels.
func NewServer(o Options) *Server {
	s := &Server{o: o, now: time.Now}
	s.conns.all = make(map[*conn]struct{})
	s.frames.New = func() any { return new([maxRequest]byte) }
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Serve makes channels those that are served, in place of the former ones. Of a
// channel that stays its connections stay too, and heed the new settings. One
// whose address cannot be had is logged and tried again.
func (s *Server) Serve(channels []Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	former := s.listeners
	s.listeners = nil
	for _, l := range former {
		if !slices.ContainsFunc(channels, func(c Channel) bool { return c.Addr == l.addr }) {
			l.close()
		}
	}
	for _, c := range channels {
		i := slices.IndexFunc(former, func(l *listener) bool { return l.addr == c.Addr })
		if i >= 0 {
			former[i].channel.Store(&c)
			s.listeners = append(s.listeners, former[i])
			continue
		}
		s.listeners = append(s.listeners, s.listen(c))
	}
}

// Addrs are the addresses at which commands are taken now.
func (s *Server) Addrs() []netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []netip.AddrPort
	for _, l := range s.listeners {
		if a := l.bound(); a.IsValid() {
			list = append(list, a)
		}
	}
	return list
}

// Close ends listeners and idle connections, and waits for the commands that run,
// with their replies, for a while.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	listeners := s.listeners
	s.listeners = nil
	s.mu.Unlock()
	for _, l := range listeners {
		l.close()
	}
	timer := time.AfterFunc(closeTimeout, func() { s.cancel(); s.conns.closeAll() })
	s.running.Wait()
	timer.Stop()
	s.cancel()
}

// hostport is an address in BIND's way.
func hostport(a netip.AddrPort) string {
	return a.Addr().String() + "#" + number(uint32(a.Port()))
}

func addrPortOf(a net.Addr) netip.AddrPort {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	p := t.AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}
