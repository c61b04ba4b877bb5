package demo

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"vpcdns/forwarder"
	"vpcdns/forwarder/config"
)

// member is a forwarder of the demo: one of the pair, or corporate DNS.
type member struct {
	label   string
	place   place
	dir     string // its own: named.conf, and its state if it keeps one
	options forwarder.Options
	cfg     *config.Config
	addr    netip.AddrPort

	page  *statusPage    // nil: it has none
	other netip.AddrPort // of the pair

	server *forwarder.Server
	end    context.CancelFunc
	served chan error
	lost   lostSockets // while it is silent
}

// portsTried is how many ports are tried from the preferred one on.
const portsTried = 100

// start serves on a free port, if it can on the one that is preferred. conf makes
// the configuration for a port.
func (m *member) start(preferred uint16, conf func(port uint16) string) error {
	for port := preferred; ; port++ {
		cfg, err := loadConf(m.dir, conf(port))
		if err != nil {
			return err
		}
		m.cfg, m.addr = cfg, netip.AddrPortFrom(loopback, port)
		err = m.serve()
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) || port-preferred == portsTried {
			return err
		}
	}
}

func (m *member) serve() error {
	server, err := forwarder.New(m.cfg, m.options)
	if err != nil {
		return fmt.Errorf("starting %s: %w", m.label, err)
	}
	ctx, end := context.WithCancel(context.Background())
	m.server, m.end, m.served = server, end, make(chan error, 1)
	go func() { m.served <- server.Serve(ctx) }()
	<-server.Ready()
	return nil
}

// stop ends it, whether it runs or not.
func (m *member) stop() {
	if m.page != nil {
		m.page.close()
	}
	m.lost.close()
	if m.end != nil {
		m.end()
		<-m.served
	}
}

// die ends one of the pair without a word. Its sockets stay, and swallow what comes: who asks
// hears nothing, not even that nobody listens there.
func (m *member) die() error {
	files, err := m.server.Sockets()
	if err != nil {
		return fmt.Errorf("silencing %s: %w", m.label, err)
	}
	m.page.unfollow()
	m.server.HandOver(0)
	<-m.served
	m.end()
	m.end = nil
	return m.lost.swallow(files)
}

// comeBack starts it as a new process would: with what it left in its state file.
func (m *member) comeBack() error {
	m.lost.rest()
	m.options.Inherited = m.lost.files
	err := m.serve()
	m.options.Inherited = nil
	m.lost.close()
	if err != nil {
		return err
	}
	m.page.follow(m)
	return nil
}
