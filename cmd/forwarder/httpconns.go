package main

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"vpcdns/forwarder/tcp"
)

// httpConns keeps the connections to an address of HTTP few. When there are as
// many as may be, a new one takes the place of another: of the client with the
// most, the one that has been idle the longest; else one that has not asked yet;
// else the one that is answered the longest. So nobody keeps others out with
// connections that he does not use, or reads slowly.
type httpConns struct {
	most int

	mu    sync.Mutex
	conns map[net.Conn]*httpConn
	held  int // of conns, those that are counted elsewhere
}

type httpConn struct {
	client netip.Addr // of IPv6 its /64
	state  http.ConnState
	since  time.Time
	held   bool // its request is bounded elsewhere
}

func newHTTPConns(most int) *httpConns {
	return &httpConns{most: most, conns: make(map[net.Conn]*httpConn)}
}

// listener returns l, whose connections are counted.
func (m *httpConns) listener(l net.Listener) net.Listener { return httpListener{l, m} }

type httpListener struct {
	net.Listener
	conns *httpConns
}

func (l httpListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.conns.add(c)
	}
	return c, err
}

// add makes room for c.
func (m *httpConns) add(c net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.conns)-m.held >= m.most {
		victim := m.victim()
		delete(m.conns, victim)
		victim.Close()
	}
	var client netip.Addr
	if addr, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		client = tcp.ClientOf(addr.AddrPort().Addr().Unmap())
	}
	m.conns[c] = &httpConn{client: client, state: http.StateNew, since: time.Now()}
}

// note is told what a connection does (http.Server.ConnState).
func (m *httpConns) note(c net.Conn, state http.ConnState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	conn := m.conns[c]
	switch {
	case conn == nil: // it had to make room
	case state == http.StateClosed || state == http.StateHijacked:
		if conn.held {
			m.held--
		}
		delete(m.conns, c)
	case state != conn.state:
		conn.state, conn.since = state, time.Now()
	}
}

// victim is the connection that is worth the least. There is one; mu is held.
func (m *httpConns) victim() (victim net.Conn) {
	counts := make(map[netip.Addr]int)
	for _, conn := range m.conns {
		if !conn.held {
			counts[conn.client]++
		}
	}
	var least *httpConn
	for c, conn := range m.conns {
		if !conn.held && (least == nil || conn.worthLess(least, counts)) {
			victim, least = c, conn
		}
	}
	return victim
}

func (c *httpConn) worthLess(other *httpConn, counts map[netip.Addr]int) bool {
	switch a, b := counts[c.client], counts[other.client]; {
	case a != b:
		return a > b
	case c.worth() != other.worth():
		return c.worth() < other.worth()
	}
	return c.since.Before(other.since)
}

// worth ranks what a connection does.
func (c *httpConn) worth() int {
	switch c.state {
	case http.StateIdle:
		return 0
	case http.StateNew:
		return 1
	}
	return 2
}
