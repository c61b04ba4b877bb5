package demo

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"vpcdns/cmd/forwarder/page"
	"vpcdns/cmd/forwarder/peer"
)

// pagePort is the one that the first page prefers, that of the metrics. The other
// follows.
const pagePort = 9153

// statusPage serves the status page of a forwarder at an address that stays while
// the forwarder goes and comes.
type statusPage struct {
	http    http.Server
	addr    netip.AddrPort
	serving sync.WaitGroup
	now     atomic.Pointer[http.Handler] // nil: the forwarder is gone, and its page with it

	unfollow func() // ends what follow began
}

// newStatusPage listens on a free port, if it can on the one that is preferred.
func newStatusPage(preferred uint16) (*statusPage, error) {
	l, err := listenNear(preferred)
	if err != nil {
		return nil, fmt.Errorf("serving a status page: %w", err)
	}
	p := &statusPage{addr: l.Addr().(*net.TCPAddr).AddrPort(), unfollow: func() {}}
	p.http = http.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0), ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
	p.serving.Go(func() { _ = p.http.Serve(l) }) // until close
	return p, nil
}

func listenNear(preferred uint16) (l net.Listener, err error) {
	for port := preferred; port <= preferred+portsTried; port++ {
		l, err = net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(netip.AddrPortFrom(loopback, port)))
		if err == nil {
			return l, nil
		}
	}
	return nil, err
}

// ServeHTTP says nothing while the forwarder is gone.
func (p *statusPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := p.now.Load()
	if h == nil {
		panic(http.ErrAbortHandler)
	}
	(*h).ServeHTTP(w, r)
}

// follow shows a server, and what it knows of the other one, until unfollow is called.
func (p *statusPage) follow(m *member) {
	peers := m.peers()
	shown := page.New(page.Options{Server: m.server, Fill: func(d *page.Document) {
		d.Server.Name, d.Peers = m.label, page.PeersOf(peers.Status())
	}})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { peers.Run(ctx) })
	running.Go(func() { shown.Run(ctx) })
	h := page.Guard(shown.Handler())
	p.now.Store(&h)
	p.unfollow = func() {
		p.now.Store(nil)
		cancel()
		running.Wait()
	}
}

// peers is the other one of the pair, as --peer has it asked.
func (m *member) peers() *peer.Peers {
	return peer.New(peer.Options{
		Addrs: []netip.AddrPort{m.other}, Watched: m.server.WatchedSets, Held: m.server.Held, Look: m.server.Look,
		Source: func(netip.Addr) netip.Addr { return loopback },
		Log:    func(string) {}, // the page tells
	})
}

func (p *statusPage) close() {
	p.unfollow()
	p.http.Close()
	p.serving.Wait()
}

// url is what people open.
func (p *statusPage) url() string { return fmt.Sprintf("http://%v/", p.addr) }
