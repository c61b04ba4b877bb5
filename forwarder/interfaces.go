package forwarder

import (
	"errors"
	"io"
	"maps"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/health"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/listener"
	"vpcdns/forwarder/udp"
)

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

// matched lists the addresses of the interfaces that a listen-on statement matches.
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

// served lists the addresses that st serves.
func (s *Server) served(st *state) []netip.AddrPort { return matched(st.cfg, st.env, &s.opts) }

func (s *Server) newListeners() *listener.Set {
	return listener.New(listener.Config{
		Workers:   s.opts.Workers,
		Inherited: s.opts.Inherited,
		ListenUDP: s.net.listenUDP,
		ListenTCP: s.net.listenTCP,
		Read:      func(c udp.Conn) { newUDPReader(s.engine, c).run() },
		Accept:    s.clients.Accept,
		Log:       s.logs.network,
	})
}

// open opens the addresses of st. That no interface has any of them, or none that is
// ready, is no error, as in named: one may come later.
func (s *Server) open(st *state) error {
	err := s.openAll(st)
	if errors.Is(err, listener.ErrNoAddress) || errors.Is(err, listener.ErrNotReady) {
		s.logs.network.Error(err.Error())
		return nil
	}
	return err
}

func (s *Server) openAll(st *state) error {
	return s.listeners.Open(s.served(st), st.cfg.TCP.Backlog)
}

// Addrs lists the addresses that are served, each once.
func (s *Server) Addrs() []netip.AddrPort { return s.listeners.Addrs() }

// Unserved is an address that is not served.
type Unserved struct {
	Addr netip.AddrPort
	Err  error // wraps a syscall.Errno
}

// Unserved lists the addresses that the configuration names and that could not
// be had, in their order. They are tried again every few seconds.
func (s *Server) Unserved() (list []Unserved) {
	_, failed := s.listeners.Outcome()
	for _, a := range s.served(s.state.Load()) {
		if err := failed[a]; err != nil {
			list = append(list, Unserved{a, err})
		}
	}
	return list
}

// Sockets returns duplicates of the sockets that are served, UDP and TCP, for
// Options.Inherited of another Server, as a rule in another process. Whoever
// has one keeps its queue alive: what arrives while nobody reads waits there.
// The caller closes the files. The error wraps a syscall.Errno, or net.ErrClosed
// after HandOver.
func (s *Server) Sockets() ([]*os.File, error) { return s.listeners.Files() }

// Opened has a value when sockets were opened since Serve began, by a Reload or
// as an interface came: time to call Sockets again.
func (s *Server) Opened() <-chan struct{} { return s.listeners.Opened() }

// interfacesEvery is how often the host's interfaces are looked at where the
// kernel does not tell of changes. It takes some ten microseconds.
const interfacesEvery = 2 * time.Second

// watchInterfaces follows the host's interfaces: localhost, localnets and the
// addresses that are served are what they say now.
func (s *Server) watchInterfaces() {
	tick := time.NewTicker(s.net.lookEvery)
	defer tick.Stop()
	changed, stop := s.followNews()
	defer stop()
	// What was in the way of an address may have gone before the news are heard: it
	// was tentative, or bound by a socket that was inherited and of no use.
	s.readInterfaces()
	for {
		select {
		case <-tick.C:
		case <-changed:
		case <-s.quit:
			return
		}
		s.readInterfaces()
		s.state.Load().upstream.Reconnect() // routes change without news of addresses
	}
}

// followNews returns a channel that tells when the kernel says that addresses
// have changed; without news from the kernel it is silent.
func (s *Server) followNews() (changed <-chan struct{}, stop func()) {
	news, err := s.net.news()
	if err != nil {
		return nil, func() {}
	}
	var wg sync.WaitGroup
	c := make(chan struct{}, 1)
	wg.Go(func() { follow(news, c) })
	return c, func() {
		news.Close()
		wg.Wait()
	}
}

// follow passes news on until they end. That some were lost is news too.
func follow(news io.Reader, changed chan<- struct{}) {
	buf := make([]byte, 4096)
	for {
		_, err := news.Read(buf)
		select {
		case changed <- struct{}{}:
		default:
		}
		if err != nil && !errors.Is(err, host.ErrNewsLost) {
			return
		}
	}
}

func (s *Server) readInterfaces() {
	s.reloadMu.Lock()
	defer s.reloadMu.Unlock()
	if s.stopped() || s.left {
		return
	}
	env, err := s.net.env()
	if err != nil {
		return // out of descriptors, say: the next look may tell
	}
	old := s.state.Load()
	env.MatchMapped = old.env.MatchMapped
	changed := !env.Equal(old.env)
	if !changed && !s.listeners.Missing(s.served(old)) {
		return
	}
	st := old.withEnv(env)
	s.state.Store(st)
	if err := s.openAll(st); err != nil && changed { // else it was told
		s.logs.network.Error("listening after a change of the interfaces: " + err.Error())
	}
	s.listeners.CloseUnused(s.served(st))
	s.noteAddresses(st)
}

// wants reports whether listen-on matches an address, whether or not an interface
// has it.
func wants(st *state, a netip.AddrPort) bool {
	for _, l := range st.cfg.Listen {
		if l.Port == a.Port() && l.V6 != a.Addr().Is4() && l.Match.Compile(st.env).Match(a.Addr()) {
			return true
		}
	}
	return false
}

// named lists the addresses that listen-on names one by one.
func named(st *state, o *Options) (list []netip.AddrPort) {
	for _, l := range st.cfg.Listen {
		if l.V6 && o.OnlyIPv4 || !l.V6 && o.OnlyIPv6 || l.Port == 0 {
			continue
		}
		for _, a := range l.Named() {
			if at := netip.AddrPortFrom(a, l.Port); !a.IsUnspecified() && !a.IsLinkLocalUnicast() && wants(st, at) {
				list = append(list, at)
			}
		}
	}
	return list
}

// noteAddresses finds out which addresses ought to be served and are not, after
// anything that concerns them has changed.
func (s *Server) noteAddresses(st *state) {
	open, failed := s.listeners.Outcome()
	s.health.Addresses(&health.Addresses{
		Named: named(st, &s.opts), Open: open, Failed: failed,
		Wanted: func(a netip.AddrPort) bool { return wants(st, a) },
	})
}
