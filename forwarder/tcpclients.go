package forwarder

import (
	"net/netip"
	"time"
)

// tcpClients are the connections by where they come from, so that whoever has
// the most pays for the room that another needs.
type tcpClients struct {
	homes map[netip.Addr]map[*tcpConn]struct{}
	n     int
}

// homeOf is what counts as one client: an IPv4 address, or a /64 of IPv6, of
// which one host can use every address.
func homeOf(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return a
	}
	p, _ := a.WithZone("").Prefix(64) // no error: 64 bits are there
	return p.Addr()
}

func (t *tcpClients) add(c *tcpConn) {
	h := homeOf(c.client.addr.Addr())
	if t.homes[h] == nil {
		t.homes[h] = make(map[*tcpConn]struct{})
	}
	t.homes[h][c] = struct{}{}
	t.n++
}

// remove forgets c, which may have been removed already.
func (t *tcpClients) remove(c *tcpConn) {
	h := homeOf(c.client.addr.Addr())
	set := t.homes[h]
	if _, ok := set[c]; !ok {
		return
	}
	t.n--
	if delete(set, c); len(set) == 0 {
		delete(t.homes, h)
	}
}

// each calls f with every connection.
func (t *tcpClients) each(f func(*tcpConn)) {
	for _, set := range t.homes {
		for c := range set {
			f(c)
		}
	}
}

// victim is the connection that makes room for one more from the address
// newcomer: of those who have the most, counting that one, the longest idle.
// It is nil when there are none.
func (t *tcpClients) victim(newcomer netip.Addr) (idlest *tcpConn) {
	one := homeOf(newcomer)
	most := len(t.homes[one]) + 1
	for _, set := range t.homes {
		most = max(most, len(set))
	}
	var since time.Duration
	for h, set := range t.homes {
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
