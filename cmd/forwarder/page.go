package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"vpcdns/cmd/forwarder/page"
	"vpcdns/forwarder/host"
)

// statusPage is the page of this process; hold takes its viewers' connections out of
// the count of others.
func (d *daemon) statusPage(ctx context.Context, hold func(*http.Request) func()) *page.Page {
	return page.New(page.Options{
		Server: d.server, Stats: d.stats, Clients: d.flags.page.clients, Hold: hold,
		Fill: func(doc *page.Document) { d.fillPage(ctx, doc) },
	})
}

// runPage lets a page follow the server until stop is called.
func runPage(p *page.Page) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// fillPage adds what only the process knows.
func (d *daemon) fillPage(ctx context.Context, doc *page.Document) {
	doc.Server.State, doc.Server.Reasons = d.pageState(ctx)
	doc.Troubles = page.TroublesOf(d.troubles())
	doc.Members = d.pageMembers()
	doc.Peers = d.pagePeers()
	d.loads.fillPage(&doc.Config)
	doc.Config.File = d.flags.config
}

// pageState is how the process is, and why queries had better go elsewhere.
func (d *daemon) pageState(ctx context.Context) (string, []string) {
	why := append([]string{}, d.notReady(ctx)...)
	switch {
	case d.ending.Load() || ctx.Err() != nil:
		return "ending", why
	case len(d.notServing(ctx)) > 0:
		return "starting", why
	case d.draining.Load() != nil:
		return "draining", why
	}
	return "serving", why
}

func (d *daemon) pageMembers() *page.Members {
	o := d.memberOverview()
	if o == nil {
		return nil
	}
	m := &page.Members{
		Known: o.Known, Answered: o.Answered, Fetches: o.Fetches, Failures: o.Failures, Asking: !o.over, NotReady: o.notReady,
		Overrides: o.Overrides, Watches: o.Watches, Guards: o.Guards, Ended: o.Ended,
	}
	if !o.Last.IsZero() {
		m.Last, m.From = o.Last.Round(time.Millisecond).UTC(), host.Address(o.from)
	}
	return m
}

// fillPage adds what became of reloads, all of one moment.
func (l *loads) fillPage(c *page.Config) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.Succeeded, c.Failed = l.succeeded, l.failed
	if !l.latest.at.IsZero() {
		c.At, c.Said = l.latest.at.Round(time.Millisecond).UTC(), l.latest.said
		c.OK = l.latest.ok
	}
	c.Warn(l.warnings)
	c.Fail(l.errors)
}

// connKey is under which a request has its connection.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// viewerBuffer is what the system keeps of events for a viewer, in octets: more would
// hide for minutes that one reads nothing.
const viewerBuffer = 128 << 10

// hold takes the connection of a request out of the count, until release is called.
func (m *httpConns) hold(r *http.Request) (release func()) {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(viewerBuffer) // else it is dropped later
	}
	m.setHeld(c, true)
	return func() { m.setHeld(c, false) }
}

func (m *httpConns) setHeld(c net.Conn, held bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	conn := m.conns[c]
	if conn == nil || conn.held == held {
		return
	}
	if conn.held = held; held {
		m.held++
	} else {
		m.held--
	}
}
