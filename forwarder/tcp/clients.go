package tcp

import (
	"container/heap"
	"net/netip"
	"time"
)

// clients are the connections by where they come from, so that whoever has
// the most pays for the room that another needs. All that it does takes the
// logarithm of their number: under an attack it is done for each connection that
// comes. The server's lock guards it.
type clients struct {
	byAddr map[netip.Addr]*client
	most   clientHeap
	n      int
}

// client is who has connections: see ClientOf.
type client struct {
	addr  netip.Addr
	conns connHeap // at least one
	place int      // in clients.most
}

// ClientOf is what counts as one client: an IPv4 address, or a /64 of IPv6, of
// which one host can use every address.
func ClientOf(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return a
	}
	p, _ := a.WithZone("").Prefix(64) // no error: 64 bits are there
	return p.Addr()
}

func (t *clients) add(c *Conn) {
	addr := ClientOf(c.Client.Addr())
	c.owner = t.byAddr[addr]
	t.n++
	if c.owner == nil {
		c.owner = &client{addr: addr, conns: connHeap{c}}
		t.byAddr[addr] = c.owner
		heap.Push(&t.most, c.owner)
		return
	}
	heap.Push(&c.owner.conns, c)
	heap.Fix(&t.most, c.owner.place)
}

// remove forgets c, which may have been removed already.
func (t *clients) remove(c *Conn) {
	o := c.owner
	if o == nil {
		return
	}
	c.owner = nil
	t.n--
	if heap.Remove(&o.conns, c.place); len(o.conns) > 0 {
		heap.Fix(&t.most, o.place)
		return
	}
	heap.Remove(&t.most, o.place)
	delete(t.byAddr, o.addr)
}

// of returns how many connections the client with an address has.
func (t *clients) of(addr netip.Addr) int {
	if o := t.byAddr[ClientOf(addr)]; o != nil {
		return len(o.conns)
	}
	return 0
}

// inUse notes that c is in use for the first time: until then it counts as
// having been so later.
func (t *clients) inUse(c *Conn, now time.Duration) {
	if c.owner != nil {
		t.saw(c, now)
	}
}

// each calls f with every connection.
func (t *clients) each(f func(*Conn)) {
	for _, o := range t.most {
		for _, c := range o.conns {
			f(c)
		}
	}
}

// victimTries bounds how many connections are looked at for a victim: all of them
// may have been in use since they were looked at last, or wait for upstream.
const victimTries = 32

// victim is the connection that makes room for one more from the address
// newcomer: of those who have the most, counting that one, the longest idle.
// It is nil when there are none.
func (t *clients) victim(newcomer netip.Addr) (idlest *Conn) {
	var since time.Duration
	for range victimTries {
		c := t.candidate(newcomer)
		if c == nil {
			return nil
		}
		last := c.idleSince()
		if last <= c.seen {
			return c
		}
		if idlest == nil || last < since {
			idlest, since = c, last
		}
		t.saw(c, last)
	}
	return idlest
}

// candidate is the victim as far as is known: no connection of those who have the
// most was seen in use before it.
func (t *clients) candidate(newcomer netip.Addr) *Conn {
	if len(t.most) == 0 {
		return nil
	}
	top, one := t.most[0], t.byAddr[ClientOf(newcomer)]
	if one != nil {
		more := len(one.conns) + 1 - len(top.conns)
		if more > 0 || more == 0 && one.conns[0].seen < top.conns[0].seen {
			return one.conns[0]
		}
	}
	return top.conns[0]
}

// saw notes that c was in use at a time.
func (t *clients) saw(c *Conn, last time.Duration) {
	c.seen = last
	heap.Fix(&c.owner.conns, c.place)
	heap.Fix(&t.most, c.owner.place)
}

// connHeap has the connection first that was not seen in use for the longest time.
type connHeap []*Conn

func (h connHeap) Len() int           { return len(h) }
func (h connHeap) Less(i, j int) bool { return h[i].seen < h[j].seen }
func (h connHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].place, h[j].place = i, j }
func (h *connHeap) Push(x any)        { c := x.(*Conn); c.place = len(*h); *h = append(*h, c) }
func (h *connHeap) Pop() any          { return pop((*[]*Conn)(h)) }

// clientHeap has the client with the most connections first, and of several the
// one whose connection would be first.
type clientHeap []*client

func (h clientHeap) Len() int      { return len(h) }
func (h clientHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i]; h[i].place, h[j].place = i, j }
func (h *clientHeap) Push(x any)   { o := x.(*client); o.place = len(*h); *h = append(*h, o) }
func (h *clientHeap) Pop() any     { return pop((*[]*client)(h)) }

func (h clientHeap) Less(i, j int) bool {
	a, b := h[i].conns, h[j].conns
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return len(a) > 0 && a[0].seen < b[0].seen
}

// pop takes the last element away.
func pop[T any](list *[]T) T {
	var none T
	n := len(*list) - 1
	last := (*list)[n]
	(*list)[n] = none
	*list = (*list)[:n]
	return last
}
