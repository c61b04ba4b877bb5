package rndc

import (
	"net/netip"
	"slices"
	"sync"
)

// connections are those that are open. Those that have not shown a key yet
// are few: where there are too many, of all or of a client, its oldest goes.
type connections struct {
	mu      sync.Mutex
	all     map[*conn]struct{}
	unknown []*conn // before authentication, oldest first
}

// add takes a connection in. It returns false where there are too many in all.
func (l *connections) add(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	client := clientOf(c.peer.Addr())
	var own []*conn
	for _, o := range l.unknown {
		if clientOf(o.peer.Addr()) == client {
			own = append(own, o)
		}
	}
	switch {
	case len(own) >= maxUnknownOfClient:
		l.drop(own[0])
	case len(l.unknown) >= maxUnknown:
		l.drop(l.unknown[0])
	}
	if len(l.all) >= maxConns {
		return false
	}
	l.unknown = append(l.unknown, c)
	l.all[c] = struct{}{}
	return true
}

// drop closes a connection; its goroutine ends then. l.mu is held.
func (l *connections) drop(c *conn) {
	c.net.Close()
	l.forget(c)
}

func (l *connections) forget(c *conn) {
	if i := slices.Index(l.unknown, c); i >= 0 {
		l.unknown = slices.Delete(l.unknown, i, i+1)
	}
}

// authenticated notes that a connection has shown a key.
func (l *connections) authenticated(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(c)
}

func (l *connections) remove(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(c)
	delete(l.all, c)
}

func (l *connections) closeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.all {
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
