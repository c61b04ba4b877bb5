package tcp

import (
	"slices"
	"time"
)

// When there are as many connections as may be, a new one takes the place of one
// that is idle. Where none is it waits for a moment: hundreds of clients that ask
// one question each at the same time are no attack, and must not tear each other's
// connections away. Only so many wait, and not for long; with more of them, or
// later, the one that was in use the longest ago goes all the same.
const (
	// afterUse is how long a connection counts as in use after a query or reply,
	// which may still be on its way to the client.
	afterUse = 25 * time.Millisecond

	// beforeUse is how much longer a new connection does: its query is on its way, or
	// its client is busy connecting.
	beforeUse = 225 * time.Millisecond

	// longestWait is how long a connection waits.
	longestWait = time.Second

	// roomTick is how often it is looked whether a connection has become idle. One
	// that ends makes room at once.
	roomTick = 5 * time.Millisecond
)

// enter serves c, in the place of an idle connection if there are as many as may
// be, or lets it wait for one. mu is held.
func (t *Server) enter(c *Conn) {
	full := t.clients.n >= t.limit()
	if full && len(t.room) < t.cfg.Limits().Waiting && !t.hasIdle(c) {
		t.wait(c)
		return
	}
	if full {
		t.evict(c.Client.Addr())
	}
	t.serve(c)
}

// hasIdle reports whether a connection is idle whose place c may take. One of a
// client that has more than c's has no credit for being new. mu is held.
func (t *Server) hasIdle(c *Conn) bool {
	addr := c.Client.Addr()
	v := t.clients.victim(addr)
	idle := t.cfg.Clock() - v.idleSince()
	if len(v.owner.conns) > t.clients.of(addr)+1 {
		idle += beforeUse
	}
	return idle >= afterUse
}

// wait lets c wait. mu is held.
func (t *Server) wait(c *Conn) {
	if t.room = append(t.room, c); len(t.room) == 1 {
		t.wg.Go(t.watchRoom)
	}
}

// watchRoom lets connections in as others become idle, until none waits.
func (t *Server) watchRoom() {
	for more := true; more; {
		time.Sleep(roomTick)
		t.mu.Lock()
		t.letIn()
		more = len(t.room) > 0
		t.mu.Unlock()
	}
}

// letIn serves those that wait, in their order, as far as there is room for them.
// mu is held.
func (t *Server) letIn() {
	for len(t.room) > 0 {
		c := t.room[0]
		if t.clients.n >= t.limit() {
			if !t.hasIdle(c) && t.cfg.Clock()-c.came < longestWait {
				return
			}
			t.evict(c.Client.Addr())
		}
		t.room = slices.Delete(t.room, 0, 1)
		t.serve(c)
	}
}

// clearRoom turns away those that wait. mu is held.
func (t *Server) clearRoom() {
	for _, c := range t.room {
		reset(c.conn)
	}
	t.room = nil
}
