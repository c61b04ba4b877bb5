package forwarder

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/tcp"
	"vpcdns/forwarder/udp"
)

// listener is one address that is served: as many UDP sockets as there are
// workers, and a TCP one.
type listener struct {
	addr    netip.AddrPort
	udp     []udp.Conn
	tcp     net.Listener
	before  uint32 // connections that tcp's queue had no room for under a former process
	readers sync.WaitGroup
}

// drops is how many connections the queue had no room for, while it is open.
func (l *listener) drops() uint32 { return max(host.Drops(l.tcp), l.before) - l.before }

// close closes the sockets and waits for their readers.
func (l *listener) close() {
	for _, c := range l.udp {
		c.Close()
	}
	if l.tcp != nil {
		l.tcp.Close()
	}
	l.readers.Wait()
}

// listeners are the addresses that are served. As named does, each address has
// sockets of its own, so that replies leave from where they were asked for.
type listeners struct {
	*engine
	tcp  *tcp.Server
	net  network
	opts *Options

	opened chan struct{}

	mu        sync.Mutex
	serving   bool
	byWish    map[netip.AddrPort]*listener // by configured address; its port may be 0
	failed    map[netip.AddrPort]error     // why an address is not served, as logged
	inherited inheritance                  // what is not used yet
	sums      udp.Stats                    // of the sockets that are closed
	tcpDrops  uint64                       // likewise
}

func (ls *listeners) init(e *engine, t *tcp.Server, n network, o *Options) {
	ls.engine, ls.tcp, ls.net, ls.opts = e, t, n, o
	ls.opened = make(chan struct{}, 1)
	ls.byWish = make(map[netip.AddrPort]*listener)
	ls.failed = make(map[netip.AddrPort]error)
	ls.inherited = inherit(o.Inherited, o.Workers)
}

// wanted lists the addresses that st serves: those of the interfaces that a
// listen-on statement matches.
func (ls *listeners) wanted(st *state) []netip.AddrPort {
	return matched(st.cfg, st.env, ls.opts)
}

// Addresses lists what a server with this configuration would serve on this
// host, as it is now.
func Addresses(cfg *config.Config, o Options) ([]netip.AddrPort, error) {
	env, err := acl.HostEnv()
	if err != nil {
		return nil, err
	}
	env.MatchMapped = cfg.MatchMapped
	return matched(cfg, env, &o), nil
}

func matched(cfg *config.Config, env acl.Env, o *Options) []netip.AddrPort {
	set := make(map[netip.AddrPort]bool)
	for _, l := range cfg.Listen {
		match := l.Match.Compile(env)
		for _, a := range env.Localhost {
			if a.Is4() != l.V6 && match.Match(a) && !(a.Is4() && o.OnlyIPv6) && !(!a.Is4() && o.OnlyIPv4) {
				set[netip.AddrPortFrom(a, l.Port)] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(set), netip.AddrPort.Compare)
}

// missing reports whether an address of st is not served.
func (ls *listeners) missing(st *state) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return slices.ContainsFunc(ls.wanted(st), func(a netip.AddrPort) bool { return ls.byWish[a] == nil })
}

// open opens what st wants and is not open yet. An address that cannot be had
// is logged, once; the error is that none can, errNoAddress or errNotReady.
func (ls *listeners) open(st *state) error {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	var errs []error
	open := 0
	want := ls.wanted(st)
	maps.DeleteFunc(ls.failed, func(a netip.AddrPort, _ error) bool { return !slices.Contains(want, a) })
	for _, a := range want {
		if l := ls.byWish[a]; l != nil {
			open++
			tcp.SetBacklog(l.tcp, st.cfg.TCP.Backlog)
			continue
		}
		l, err := ls.listen(a, st.cfg.TCP.Backlog)
		if err != nil {
			errs = append(errs, err)
			ls.complain(a, err)
			continue
		}
		open++
		delete(ls.failed, a)
		ls.byWish[a] = l
		ls.logs.network.Info("listening on " + host.Address(l.addr))
		if ls.serving {
			ls.start(l)
			ls.tellOpened()
		}
	}
	switch {
	case open > 0:
		return nil
	case len(errs) == 0:
		return errNoAddress
	case !slices.ContainsFunc(errs, isNotTentative):
		return errNotReady
	}
	return errors.Join(append([]error{errNothingToListenOn}, errs...)...)
}

// isNotTentative tells whether a listener failed for more than that the kernel still
// probes its address for duplicates (RFC 4862 section 5.4).
func isNotTentative(err error) bool { return !errors.Is(err, syscall.EADDRNOTAVAIL) }

func (ls *listeners) complain(a netip.AddrPort, err error) {
	if old := ls.failed[a]; old == nil || old.Error() != err.Error() {
		ls.logs.network.Error(err.Error())
	}
	ls.failed[a] = err
}

func (ls *listeners) tellOpened() {
	select {
	case ls.opened <- struct{}{}:
	default:
	}
}

func (ls *listeners) unserved(st *state) (list []Unserved) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, a := range ls.wanted(st) {
		if err := ls.failed[a]; err != nil {
			list = append(list, Unserved{a, err})
		}
	}
	return list
}

// outcome returns the configured addresses that are open, and why others are not.
func (ls *listeners) outcome() (open []netip.AddrPort, failed map[netip.AddrPort]error) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return slices.Collect(maps.Keys(ls.byWish)), maps.Clone(ls.failed)
}

// portTries is how often a port that the kernel chose for TCP may turn out to
// be taken for UDP.
const portTries = 10

// listen opens the sockets of one address. When its port is 0 all of them
// share the one that the kernel chose.
func (ls *listeners) listen(a netip.AddrPort, backlog int) (l *listener, err error) {
	for range portTries {
		l, err = ls.listenOnce(a, backlog)
		if err == nil || a.Port() != 0 || !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return l, err
}

func (ls *listeners) listenOnce(a netip.AddrPort, backlog int) (*listener, error) {
	t, err := ls.listenTCP(a, backlog)
	if err != nil {
		return nil, err
	}
	// Not the address that t tells: it may have lost the zone of a link-local one.
	l := &listener{tcp: t, addr: netip.AddrPortFrom(a.Addr(), tcp.AddrPort(t.Addr()).Port()), before: host.Drops(t)}
	if err := ls.listenUDP(l); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (ls *listeners) listenTCP(a netip.AddrPort, backlog int) (net.Listener, error) {
	if l := ls.inherited.takeTCP(a); l != nil {
		tcp.SetBacklog(l, backlog)
		return l, nil
	}
	return ls.net.listenTCP(a, backlog)
}

// listenUDP gives l a socket for each worker. Those that were inherited serve
// even if no more can be had.
func (ls *listeners) listenUDP(l *listener) error {
	l.udp = ls.inherited.takeUDP(l.addr)
	inherited := len(l.udp) > 0
	workers := ls.opts.Workers
	for len(l.udp) < workers {
		c, err := ls.net.listenUDP(l.addr, udp.Options{ReusePort: workers > 1})
		if err != nil && inherited {
			ls.logs.network.Warn(fmt.Sprintf("%v: serving with %d sockets in place of %d", err, len(l.udp), workers))
			return nil
		}
		if err != nil {
			return err
		}
		l.udp = append(l.udp, c)
	}
	return nil
}

// serve starts the readers of all that is open. What was inherited for other
// addresses ends.
func (ls *listeners) serve() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.inherited.release(true)
	ls.serving = true
	for _, l := range ls.byWish {
		ls.start(l)
	}
}

func (ls *listeners) start(l *listener) {
	for _, c := range l.udp {
		l.readers.Go(newUDPReader(ls.engine, c).run)
	}
	l.readers.Go(func() { ls.tcp.Accept(l.tcp) })
}

// closeUnused closes what st does not want.
func (ls *listeners) closeUnused(st *state) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	want := ls.wanted(st)
	for a, l := range ls.byWish {
		if !slices.Contains(want, a) {
			l.shutDown()
			ls.drop(a, l)
			ls.logs.network.Info("no longer listening on " + host.Address(l.addr))
		}
	}
}

// drop closes l. ls.mu is held.
func (ls *listeners) drop(a netip.AddrPort, l *listener) {
	ls.tcpDrops += uint64(l.drops())
	l.close()
	delete(ls.byWish, a)
	for _, c := range l.udp {
		addUDP(&ls.sums, c.Stats())
	}
}

// closeAll closes everything. Another process that has the sockets keeps them.
func (ls *listeners) closeAll() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.inherited.release(false)
	for a, l := range ls.byWish {
		ls.drop(a, l)
	}
}

// stopAccepting closes the TCP listeners.
func (ls *listeners) stopAccepting() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.byWish {
		l.tcp.Close()
	}
}

// stopReading leaves all that arrives to another process, and waits until what
// was read is on its way.
func (ls *listeners) stopReading() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.byWish {
		tcp.SetBacklog(l.tcp, 0) // what waits for the next process, whose configuration then says how many may
		l.tcp.Close()
		for _, c := range l.udp {
			c.StopReading()
		}
	}
	for _, l := range ls.byWish {
		l.readers.Wait()
	}
}

func (ls *listeners) addrs() []netip.AddrPort {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	var list []netip.AddrPort
	for _, l := range ls.byWish {
		list = append(list, l.addr)
	}
	slices.SortFunc(list, netip.AddrPort.Compare)
	return list
}

// stats returns what the sockets count, and how many connections had no room.
func (ls *listeners) stats() (sum udp.Stats, tcpDrops uint64) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	sum, tcpDrops = ls.sums, ls.tcpDrops
	for _, l := range ls.byWish {
		for _, c := range l.udp {
			addUDP(&sum, c.Stats())
		}
		tcpDrops += uint64(l.drops())
	}
	return sum, tcpDrops
}

// sent is how many datagrams were sent.
func (ls *listeners) sent() uint64 {
	sum, _ := ls.stats()
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
