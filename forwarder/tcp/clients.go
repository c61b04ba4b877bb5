package tcp

import (
	"net/netip"
	"time"
)

// clients are the connections by where they come from, so that whoever has
// the most pays for the room that another needs.
type clients struct {
	byClient map[netip.Addr]map[*Conn]struct{}
	n        int
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
	h := ClientOf(c.Client.Addr())
	if t.byClient[h] == nil {
		t.byClient[h] = make(map[*Conn]struct{})
	}
	t.byClient[h][c] = struct{}{}
	t.n++
}

// remove forgets c, which may have been removed already.
func (t *clients) remove(c *Conn) {
	h := ClientOf(c.Client.Addr())
	set := t.byClient[h]
	if _, ok := set[c]; !ok {
		return
	}
	t.n--
	if delete(set, c); len(set) == 0 {
		delete(t.byClient, h)
	}
}

// each calls f with every connection.
func (t *clients) each(f func(*Conn)) {
	for _, set := range t.byClient {
		for c := range set {
			f(c)
		}
	}
}

// victim is the connection that makes room for one more from the address
// newcomer: of those who have the most, counting that one, the longest idle.
// It is nil when there are none.
func (t *clients) victim(newcomer netip.Addr) (idlest *Conn) {
	one := ClientOf(newcomer)
	most := len(t.byClient[one]) + 1
	for _, set := range t.byClient {
		most = max(most, len(set))
	}
	var since time.Duration
	for h, set := range t.byClient {
		if len(set) < most && (h != one || len(set)+1 < most) {
			continue
		}
		for c := range set {
			if last := c.idleSince(); idlest == nil || last < since {
				idlest, since = c, last
			}
		}
	}
	return idlest
}
