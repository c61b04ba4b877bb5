package upstream

import (
	"net/netip"
	"time"
)

// Tap is shown the messages that are sent to servers, and those that answer them. Its
// methods are called with locks held, by several goroutines: they must not block, and
// not call the Client.
type Tap interface {
	On() bool // asked for each message
	Message(TappedMessage)
}

// TappedMessage is a query, or its response.
type TappedMessage struct {
	Server   netip.AddrPort
	Source   netip.AddrPort // ours
	TCP      bool
	Response bool
	Sent     time.Time // the query
	Came     time.Time // the response
	Msg      []byte    // valid during the call
}

// tapped reports whether somebody is shown messages.
func (c *Client) tapped() bool { return c.cfg.Tap != nil && c.cfg.Tap.On() }

// tapDatagram shows t's query, which leaves from k.
func (c *Client) tapDatagram(t *try, k *socket, msg []byte) {
	if c.tapped() {
		c.cfg.Tap.Message(TappedMessage{Server: t.server.Addr, Source: k.conn.LocalAddr(), Sent: c.epoch.Add(t.sent), Msg: msg})
	}
}

// tapPackets shows the queries that leave on st.
func (c *Client) tapPackets(st *stream, first *packet) {
	if !c.tapped() {
		return
	}
	now := c.epoch.Add(time.Since(c.epoch))
	for p := first; p != nil; p = p.next {
		c.cfg.Tap.Message(TappedMessage{Server: st.server.Addr, Source: st.local, TCP: true, Sent: now, Msg: p.msg})
	}
}

// tapAnswer shows what has come for t.
func (c *Client) tapAnswer(t *try, msg []byte) {
	if !c.tapped() {
		return
	}
	m := TappedMessage{Server: t.server.Addr, TCP: t.tcp, Response: true, Sent: c.epoch.Add(t.sent), Came: c.epoch.Add(c.t), Msg: msg}
	switch at := t.table.owner.(type) {
	case *stream:
		m.Source = at.local
	case *socket:
		m.Source = at.conn.LocalAddr()
	}
	c.cfg.Tap.Message(m)
}
