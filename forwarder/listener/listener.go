// Package listener holds the sockets on which clients are served: for each address as
// many over UDP as there are readers, and one over TCP. It binds them, takes them over
// from a former process, hands them to the next one, and tells which address cannot be
// had; what is done with them is the caller's. As named does, each address has sockets of
// its own, so that replies leave from where they were asked for.
package listener

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/tcp"
	"vpcdns/forwarder/udp"
)

// Config is what a Set works with. All of it must be there, but for Inherited.
type Config struct {
	// Workers is how many sockets an address has over UDP.
	Workers int

	// Inherited are sockets of a former process. Files that are no such sockets are
	// ignored; all are left open.
	Inherited []*os.File

	// ListenUDP and ListenTCP bind an address; backlog is how many connections may wait,
	// 0 for many.
	ListenUDP func(netip.AddrPort, udp.Options) (udp.Conn, error)
	ListenTCP func(a netip.AddrPort, backlog int) (net.Listener, error)

	// Read and Accept serve a socket until it is closed, or is no longer to be read. Each
	// has a goroutine of its own.
	Read   func(udp.Conn)
	Accept func(net.Listener)

	Log *slog.Logger
}

// address is one that is served: as many UDP sockets as there are workers, and a TCP
// one.
type address struct {
	addr    netip.AddrPort
	udp     []udp.Conn
	tcp     net.Listener
	before  uint32 // connections that tcp's queue had no room for under a former process
	readers sync.WaitGroup
}

// drops is how many connections the queue had no room for, while it is open.
func (l *address) drops() uint32 { return max(host.Drops(l.tcp), l.before) - l.before }

// close closes the sockets and waits for their readers.
func (l *address) close() {
	for _, c := range l.udp {
		c.Close()
	}
	if l.tcp != nil {
		l.tcp.Close()
	}
	l.readers.Wait()
}

// Set is the addresses that are served. Its methods may be called concurrently.
type Set struct {
	cfg    Config
	opened chan struct{}

	mu        sync.Mutex
	serving   bool
	byWish    map[netip.AddrPort]*address // by configured address; its port may be 0
	failed    map[netip.AddrPort]error    // why an address is not served, as logged
	inherited inheritance                 // what is not used yet
	sums      udp.Stats                   // of the sockets that are closed
	tcpDrops  uint64                      // likewise
}

// New returns a Set that serves nothing yet.
func New(cfg Config) *Set {
	return &Set{
		cfg:       cfg,
		opened:    make(chan struct{}, 1),
		byWish:    make(map[netip.AddrPort]*address),
		failed:    make(map[netip.AddrPort]error),
		inherited: inherit(cfg.Inherited, cfg.Workers),
	}
}

// Missing reports whether one of the addresses is not open.
func (s *Set) Missing(want []netip.AddrPort) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(want, func(a netip.AddrPort) bool { return s.byWish[a] == nil })
}

// What Open fails with where nothing is wrong but that no address is there yet.
var (
	ErrNoAddress = errors.New("serving no address: no interface has one that listen-on or listen-on-v6 matches")
	ErrNotReady  = errors.New("serving no address yet: the interfaces have none that is ready")
)

// errNothingToListenOn is BIND's complaint too.
var errNothingToListenOn = errors.New("unable to listen on any configured interfaces")

// Open opens the addresses that are not open yet; others than these stay open. A port of
// 0 is one that the kernel chooses. backlog is how many connections of each may wait. An
// address that cannot be had is logged, once; the error is that none can, ErrNoAddress or
// ErrNotReady.
func (s *Set) Open(want []netip.AddrPort, backlog int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	open := 0
	maps.DeleteFunc(s.failed, func(a netip.AddrPort, _ error) bool { return !slices.Contains(want, a) })
	for _, a := range want {
		if l := s.byWish[a]; l != nil {
			open++
			tcp.SetBacklog(l.tcp, backlog)
			continue
		}
		l, err := s.listen(a, backlog)
		if err != nil {
			errs = append(errs, err)
			s.complain(a, err)
			continue
		}
		open++
		delete(s.failed, a)
		s.byWish[a] = l
		s.cfg.Log.Info("listening on " + host.Address(l.addr))
		if s.serving {
			s.start(l)
			s.tellOpened()
		}
	}
	switch {
	case open > 0:
		return nil
	case len(errs) == 0:
		return ErrNoAddress
	case !slices.ContainsFunc(errs, isNotTentative):
		return ErrNotReady
	}
	return errors.Join(append([]error{errNothingToListenOn}, errs...)...)
}

// isNotTentative tells whether a listener failed for more than that the kernel still
// probes its address for duplicates (RFC 4862 section 5.4).
func isNotTentative(err error) bool { return !errors.Is(err, syscall.EADDRNOTAVAIL) }

func (s *Set) complain(a netip.AddrPort, err error) {
	if old := s.failed[a]; old == nil || old.Error() != err.Error() {
		s.cfg.Log.Error(err.Error())
	}
	s.failed[a] = err
}

func (s *Set) tellOpened() {
	select {
	case s.opened <- struct{}{}:
	default:
	}
}

// Outcome returns the addresses that are open, as they were asked for, and why others
// are not: errors that wrap a syscall.Errno.
func (s *Set) Outcome() (open []netip.AddrPort, failed map[netip.AddrPort]error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.byWish)), maps.Clone(s.failed)
}

// portTries is how often a port that the kernel chose for TCP may turn out to
// be taken for UDP.
const portTries = 10

// listen opens the sockets of one address. When its port is 0 all of them
// share the one that the kernel chose.
func (s *Set) listen(a netip.AddrPort, backlog int) (l *address, err error) {
	for range portTries {
		l, err = s.listenOnce(a, backlog)
		if err == nil || a.Port() != 0 || !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return l, err
}

func (s *Set) listenOnce(a netip.AddrPort, backlog int) (*address, error) {
	t, err := s.listenTCP(a, backlog)
	if err != nil {
		return nil, err
	}
	// Not the address that t tells: it may have lost the zone of a link-local one.
	l := &address{tcp: t, addr: netip.AddrPortFrom(a.Addr(), tcp.AddrPort(t.Addr()).Port()), before: host.Drops(t)}
	if err := s.listenUDP(l); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (s *Set) listenTCP(a netip.AddrPort, backlog int) (net.Listener, error) {
	if l := s.inherited.takeTCP(a); l != nil {
		tcp.SetBacklog(l, backlog)
		return l, nil
	}
	return s.cfg.ListenTCP(a, backlog)
}

// listenUDP gives l a socket for each worker. Those that were inherited serve
// even if no more can be had.
func (s *Set) listenUDP(l *address) error {
	l.udp = s.inherited.takeUDP(l.addr)
	inherited := len(l.udp) > 0
	workers := s.cfg.Workers
	for len(l.udp) < workers {
		c, err := s.cfg.ListenUDP(l.addr, udp.Options{ReusePort: workers > 1})
		if err != nil && inherited {
			s.cfg.Log.Warn(fmt.Sprintf("%v: serving with %d sockets in place of %d", err, len(l.udp), workers))
			return nil
		}
		if err != nil {
			return err
		}
		l.udp = append(l.udp, c)
	}
	return nil
}

// Serve starts the readers of all that is open. What was inherited for other
// addresses ends.
func (s *Set) Serve() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inherited.release(true)
	s.serving = true
	for _, l := range s.byWish {
		s.start(l)
	}
}

func (s *Set) start(l *address) {
	for _, c := range l.udp {
		l.readers.Go(func() { s.cfg.Read(c) })
	}
	l.readers.Go(func() { s.cfg.Accept(l.tcp) })
}

// CloseUnused closes all addresses but these.
func (s *Set) CloseUnused(want []netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for a, l := range s.byWish {
		if !slices.Contains(want, a) {
			l.shutDown()
			s.drop(a, l)
			s.cfg.Log.Info("no longer listening on " + host.Address(l.addr))
		}
	}
}

// drop closes l. s.mu is held.
func (s *Set) drop(a netip.AddrPort, l *address) {
	s.tcpDrops += uint64(l.drops())
	l.close()
	delete(s.byWish, a)
	for _, c := range l.udp {
		addUDP(&s.sums, c.Stats())
	}
}

// CloseAll closes everything. Another process that has the sockets keeps them.
func (s *Set) CloseAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inherited.release(false)
	for a, l := range s.byWish {
		s.drop(a, l)
	}
}

// StopAccepting closes the TCP listeners.
func (s *Set) StopAccepting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.byWish {
		l.tcp.Close()
	}
}

// StopReading leaves all that arrives to another process, and waits until what
// was read is on its way.
func (s *Set) StopReading() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.byWish {
		tcp.SetBacklog(l.tcp, 0) // what waits for the next process, whose configuration then says how many may
		l.tcp.Close()
		for _, c := range l.udp {
			c.StopReading()
		}
	}
	for _, l := range s.byWish {
		l.readers.Wait()
	}
}

// Addrs lists the addresses that are open, each once, with the ports that they have.
func (s *Set) Addrs() []netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []netip.AddrPort
	for _, l := range s.byWish {
		list = append(list, l.addr)
	}
	slices.SortFunc(list, netip.AddrPort.Compare)
	return list
}

// Stats returns what the sockets count, and how many connections had no room.
func (s *Set) Stats() (sum udp.Stats, tcpDrops uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum, tcpDrops = s.sums, s.tcpDrops
	for _, l := range s.byWish {
		for _, c := range l.udp {
			addUDP(&sum, c.Stats())
		}
		tcpDrops += uint64(l.drops())
	}
	return sum, tcpDrops
}

// Sent is how many datagrams were sent.
func (s *Set) Sent() uint64 {
	sum, _ := s.Stats()
	return sum.Sent
}

func addUDP(sum *udp.Stats, s udp.Stats) {
	sum.Received += s.Received
	sum.Sent += s.Sent
	sum.SendFailed += s.SendFailed
	sum.SendFull += s.SendFull
	sum.Segmented += s.Segmented
	sum.ReceiveFull += s.ReceiveFull
	sum.SegmentFailed += s.SegmentFailed
}
