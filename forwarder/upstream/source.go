package upstream

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// source is an address to ask from; the zero one is any.
type source struct {
	addr netip.Addr
	lost int // servers that cannot be asked from it, and that an Event told of
}

// port is the source as a Dial takes it, any port of it.
func (f *source) port() netip.AddrPort { return netip.AddrPortFrom(f.addr, 0) }

// path is how a server is asked from one source. What is learned on it holds for it
// alone: a cookie belongs to the client's address (RFC 7873, 4.1), and packets from
// an address without a route of its own are lost while others' are not.
type path struct {
	server *server
	source *source
	link   *link // nil: unmetered
	cookie cookie
	udp    shared

	turn      uint64        // Client.turn at its last try
	sent      time.Duration // when that was
	heard     time.Duration // last answer
	silent    int           // tries in a row without an answer
	elsewhere uint64        // the server's other answers when the first of them was lost
	passed    int           // of these, those whose requests were answered on another path

	out       bool // it is asked no more but to see whether it is well again
	outFrom   time.Duration
	fault     error // why, unless it is silent
	again     int   // tries since then, in vain
	announced bool  // an Event told of it

	stats SourceStats
}

const (
	// passedOut requests in a row that were answered on another path, and not on
	// this one, it is left out: with 20 % loss that happens to one try in 1500, and
	// ends with the next one.
	passedOut = 4

	// silentOut tries in a row without an answer, while there were half as many answers
	// on other paths, it is left out too: retries may get no packets.
	silentOut = 20

	// againEvery is how often a path that is left out is tried, and againTold tries
	// in vain, for outageAfter, are worth an event.
	againEvery = time.Second
	againTold  = 2
)

func (c *Client) newPath(s *server, from *source) *path {
	p := &path{server: s, source: from, sent: longAgo, heard: longAgo}
	p.cookie.client = newClientCookie()
	return p
}

// sourcesFor returns those of a server's address family, any if there is none. An
// IPv4-mapped one is of IPv6, as in BIND's query-source-v6.
func (c *Client) sourcesFor(server netip.Addr) (list []*source) {
	for _, f := range c.sources {
		if f.addr.IsValid() && f.addr.Is4() == server.Unmap().Is4() {
			list = append(list, f)
		}
	}
	if list == nil {
		return c.sources[:1]
	}
	return list
}

// newSources returns a source for each address, and one for any.
func newSources(addrs []netip.Addr) []*source {
	list := []*source{{}}
	for _, a := range addrs {
		if a.IsValid() && !slices.ContainsFunc(list, func(f *source) bool { return f.addr == a }) {
			list = append(list, &source{addr: a})
		}
	}
	return list
}

// choose's order: a path that is left out is taken when there is no other, and one
// where r just asked in vain, or without packets, only then too.
const (
	costAsked uint64 = 1 << (iota + 60)
	costShort
	costSilent
	costFault
)

// path returns how s is asked next for r: from the source whose interface has most
// packets left, of equal ones from the one that rests longest.
func (c *Client) path(r *Request, s *server, tcp, alone bool) *path {
	best := s.paths[0]
	if len(s.paths) == 1 {
		return best
	}
	if p := r.via; p != nil && p.server == s && (!p.out || r.probe != nil) {
		return p
	}
	least := c.pathCost(r, best, tcp, alone)
	for _, p := range s.paths[1:] {
		cost := c.pathCost(r, p, tcp, alone)
		if cost < least || cost == least && p.turn < best.turn {
			best, least = p, cost
		}
	}
	return best
}

func (c *Client) pathCost(r *Request, p *path, tcp, alone bool) (cost uint64) {
	if p.link != nil {
		n := c.price(p, tcp, alone)
		cost = uint64(p.link.used(n, c.t))
		if !p.link.has(n, c.t) || r.queue == nil && p.link.promised(p.server.budget) {
			cost |= costShort
		}
	}
	if tcp && p.server.crowded() && c.choose(p, alone) == nil {
		cost |= costShort
	}
	if t := r.tries; t != nil && t.path == p && !t.done {
		cost |= costAsked
	}
	switch {
	case p.fault != nil && !(p.server.down && c.t-p.sent >= againEvery): // if all fail, it may be well again
		cost |= costFault
	case p.out && !p.server.down:
		cost |= costSilent
	}
	return cost
}

// others reports whether p's server can be asked on another path.
func (p *path) others() bool {
	return len(p.server.paths) > 1 && slices.ContainsFunc(p.server.paths, func(o *path) bool { return o != p && !o.out })
}

// leaveOut has p asked no more while there is another, and reports whether there is:
// then what befell p says nothing of its server. err is nil where p is only silent.
func (c *Client) leaveOut(p *path, err error) bool {
	if !p.others() {
		return false
	}
	if !p.out {
		p.out, p.outFrom, p.again = true, c.t, 0
	}
	if p.fault = err; local(err) {
		c.announce(p)
	}
	return true
}

// announce tells that p is left out.
func (c *Client) announce(p *path) {
	if p.announced {
		return
	}
	p.announced = true
	if p.source.lost++; p.source.lost == 1 {
		c.events = append(c.events, Event{Kind: SourceLeftOut, Server: p.server.Addr, Source: p.source.addr, Err: p.fault, Duration: c.t - p.outFrom})
	}
}

// takeBack asks on p as on others.
func (c *Client) takeBack(p *path) {
	p.silent, p.passed = 0, 0
	if !p.out {
		return
	}
	p.out, p.fault = false, nil
	if !p.announced {
		return
	}
	p.announced = false
	if p.source.lost--; p.source.lost == 0 {
		c.events = append(c.events, Event{Kind: SourceTakenBack, Server: p.server.Addr, Source: p.source.addr, Duration: c.t - p.outFrom})
	}
}

// answeredOn notes an answer to t, and which paths its request was not answered on.
func (c *Client) answeredOn(t *try) {
	p, s := t.path, t.server
	p.heard = c.t
	p.stats.Answered++
	if len(s.paths) == 1 {
		return
	}
	c.takeBack(p)
	for _, o := range s.paths {
		if o != p && t.passed(o) {
			if o.passed++; o.passed >= passedOut && !o.out {
				c.leaveOut(o, nil)
			}
		}
	}
	if s.down { // others were silent as it was
		for _, o := range s.paths {
			if !o.announced && o.fault == nil {
				c.takeBack(o)
			}
		}
	}
}

// passed reports whether t's request was asked on o before, in vain, when nothing was
// heard there.
func (t *try) passed(o *path) bool {
	for e := t.earlier; e != nil; e = e.earlier {
		if e.path == o && !e.done && e.sent > o.heard {
			return true
		}
	}
	return false
}

// lostOn notes that t was not answered in time, and reports whether that says
// something of its server too.
func (c *Client) lostOn(t *try) bool {
	p, s := t.path, t.server
	if len(s.paths) == 1 || t.sent <= p.heard {
		return true
	}
	elsewhere := s.stats.Answered - p.stats.Answered
	if p.silent == 0 {
		p.elsewhere = elsewhere
	}
	p.silent++
	if p.out {
		c.againInVain(p)
	} else if p.silent >= silentOut && 2*(elsewhere-p.elsewhere) >= uint64(p.silent) {
		c.leaveOut(p, nil)
	}
	return !p.out || s.down || !p.others()
}

// againInVain notes a try of a path that is left out.
func (c *Client) againInVain(p *path) {
	if p.again++; p.again >= againTold && c.t-p.outFrom >= outageAfter && p.others() {
		c.announce(p)
	}
}

// tryAgain asks r's question, which s has just answered, on those of its paths that
// are left out.
func (c *Client) tryAgain(r *Request, s *server) {
	if len(s.paths) == 1 || r.probe != nil || c.closed {
		return
	}
	for _, p := range s.paths {
		if p.out && c.t-p.sent >= againEvery {
			c.probeOn(r.Question, p)
		}
	}
}

// probeOn asks a question on p, whose answer nobody needs. It waits for nothing.
func (c *Client) probeOn(question []byte, p *path) {
	s := p.server
	if p.link != nil && !p.link.spend(c.price(p, s.TCPOnly, false), c.t) {
		return
	}
	q := c.newProbe(&Request{Question: question}, s)
	q.via = p
	c.send(q, 0, p, s.TCPOnly)
}

// noWay reports whether packets cannot leave from a source, or not to where they
// should: no such address, no route, a rule of this host.
func noWay(err error) bool {
	return local(err) || errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH)
}

// interfaceNames are those by which packets leave.
type interfaceNames map[*path]string

// of names p's interface. An address that no interface has brings no budget of its own.
func (n interfaceNames) of(p *path) string {
	if n[p] != "" || !p.source.addr.IsValid() {
		return n[p]
	}
	for _, o := range p.server.paths {
		if n[o] != "" {
			return n[o]
		}
	}
	return ""
}

// connectPaths makes names the interfaces by which packets leave.
func (c *Client) connectPaths(names interfaceNames) {
	for _, s := range c.list {
		if s.Unmetered {
			continue
		}
		var links []*link
		for _, p := range s.paths {
			p.link = c.link(names.of(p))
			if !slices.Contains(links, p.link) {
				links = append(links, p.link)
			}
		}
		slices.SortFunc(links, func(a, b *link) int { return slices.Index(c.links, a) - slices.Index(c.links, b) })
		s.budget = c.budgetOf(links)
	}
	c.publish()
}

// publish makes the interfaces known to who has no lock.
func (c *Client) publish() {
	var list []*bucket
	for _, l := range c.links {
		list = append(list, l.bucket)
	}
	c.metered.Store(&list)
}

// interfaces returns the names of the interfaces by which packets leave.
func (c *Client) interfaces() interfaceNames {
	names := make(interfaceNames)
	for _, s := range c.list {
		for _, p := range s.paths {
			if c.cfg.Interface != nil && !s.Unmetered {
				names[p] = c.cfg.Interface(s.Addr.Addr(), p.source.addr)
			}
		}
	}
	return names
}

// Reconnect asks Config.Interface again, where it is of importance: routes may have
// changed. It must not be called by a Handler.
func (c *Client) Reconnect() {
	if c.cfg.Interface == nil || len(c.sources) < 3 {
		return
	}
	names := c.interfaces()
	c.enter()
	c.connectPaths(names)
	c.leave(nil)
}
