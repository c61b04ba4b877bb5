package rndc

import (
	"net/netip"
	"slices"
	"sync"
)

// guests are the connections that are open. Those that have not shown a key yet
// are few: where there are too many, of all or of a client, its oldest goes.
type guests struct {
	mu      sync.Mutex
	conns   map[*conn]struct{}
	unknown []*conn // before authentication, oldest first
}

// add takes a connection in. It returns false where there are too many in all.
func (g *guests) add(c *conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	client := clientOf(c.peer.Addr())
	var own []*conn
	for _, o := range g.unknown {
		if clientOf(o.peer.Addr()) == client {
			own = append(own, o)
		}
	}
	switch {
	case len(own) >= maxGuestsOfClient:
		g.drop(own[0])
	case len(g.unknown) >= maxGuests:
		g.drop(g.unknown[0])
	}
	if len(g.conns) >= maxConns {
		return false
	}
	g.unknown = append(g.unknown, c)
	g.conns[c] = struct{}{}
	return true
}

// drop closes a connection; its goroutine ends then. g.mu is held.
func (g *guests) drop(c *conn) {
	c.net.Close()
	g.forget(c)
}

func (g *guests) forget(c *conn) {
	if i := slices.Index(g.unknown, c); i >= 0 {
		g.unknown = slices.Delete(g.unknown, i, i+1)
	}
}

// authenticated notes that a connection has shown a key.
func (g *guests) authenticated(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget(c)
}

func (g *guests) remove(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget(c)
	delete(g.conns, c)
}

func (g *guests) closeAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		c.net.Close()
	}
}

// clientOf is who counts as one: an IPv4 address, or a /64 of IPv6, which any
// host has whole.
func clientOf(a netip.Addr) netip.Addr {
	if a.Is4() {
		return a
	}
	p, _ := a.WithZone("").Prefix(64) // no error: an IPv6 address
	return p.Addr()
}
