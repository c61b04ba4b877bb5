package main

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"vpcdns/cmd/forwarder/statistics"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/logging"
)

// statisticsServer serves the channels of statistics-channels. DNS does not depend on
// it.
type statisticsServer struct {
	d *daemon

	mu       sync.Mutex
	channels map[netip.AddrPort]*statisticsChannel
	handler  *statistics.Handler // nil: there never was a channel
	closed   bool
}

// statisticsChannel is one address.
type statisticsChannel struct {
	allow atomic.Pointer[func(netip.Addr) bool]
	stop  func()
}

// serveStatistics serves the channels until stop is called.
func (d *daemon) serveStatistics() (stop func()) {
	d.statistics = &statisticsServer{d: d, channels: make(map[netip.AddrPort]*statisticsChannel)}
	d.statistics.open()
	return d.statistics.close
}

// open makes the channels those of the configuration in force.
func (s *statisticsServer) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := make(map[netip.AddrPort]config.StatisticsChannel)
	for _, c := range s.d.statisticsChannels() {
		wanted[c.Addr] = c
	}
	for addr, c := range s.channels {
		if _, stays := wanted[addr]; !stays {
			c.stop()
			delete(s.channels, addr)
			s.d.log(logging.Info, "stopping statistics channel on %s#%d", addr.Addr(), addr.Port())
		}
	}
	if s.closed {
		return
	}
	s.d.server.CountClients(len(wanted) > 0)
	for addr, c := range wanted {
		s.serve(addr, s.d.server.Access(c.Allow))
	}
}

// serve has an address served, or heed another list. s.mu is held.
func (s *statisticsServer) serve(addr netip.AddrPort, allow func(netip.Addr) bool) {
	if c := s.channels[addr]; c != nil {
		c.allow.Store(&allow)
		return
	}
	if s.handler == nil {
		s.handler = statistics.New(statistics.Options{Server: s.d.server, Stats: s.d.stats})
	}
	c := new(statisticsChannel)
	c.allow.Store(&allow)
	m := newHTTPServer("statistics", s.d.log, httpRetry)
	m.severity = logging.Warning
	m.open = func() (net.Listener, error) {
		l, err := listenStatistics(addr)
		return allowedListener{l, m, c}, err
	}
	c.stop = m.start(addr.String(), s.handler)
	s.channels[addr] = c
}

// listenStatistics keeps the families apart, as named does: 0.0.0.0 and :: are two
// channels.
func listenStatistics(addr netip.AddrPort) (net.Listener, error) {
	network := "tcp4"
	if addr.Addr().Is6() {
		network = "tcp6"
	}
	l, err := net.Listen(network, addr.String())
	if err != nil {
		return nil, explainPort(addr, err)
	}
	return l, nil
}

func (s *statisticsServer) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, c := range s.channels {
		c.stop()
	}
}

// statisticsChannels are those to serve. A trial has none: named serves them.
func (d *daemon) statisticsChannels() (list []config.StatisticsChannel) {
	if d.flags.listen.IsValid() {
		return nil
	}
	for _, c := range d.config.Statistics {
		if !(d.flags.onlyIPv4 && c.Addr.Addr().Is6() || d.flags.onlyIPv6 && c.Addr.Addr().Is4()) {
			list = append(list, c)
		}
	}
	return list
}

// allowedListener closes the connections of clients that a channel does not allow, as
// named does.
type allowedListener struct {
	net.Listener
	server  *httpServer
	channel *statisticsChannel
}

func (l allowedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		client := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
		if (*l.channel.allow.Load())(client.Addr().Unmap()) {
			return conn, nil
		}
		l.server.errors.Printf("rejected statistics connection from %s#%d", client.Addr().Unmap(), client.Port())
		conn.Close()
	}
}
