package upstream

import "slices"

// inherit takes over what old knows of servers, and shares its budgets, so that
// a new configuration neither starts blind nor doubles the allowance while old
// is draining.
func (c *Client) inherit(old *Client) {
	old.enter()
	defer old.leave(nil)
	c.epoch, c.t = old.epoch, old.t
	for _, o := range old.links {
		c.link(o.name) // also one that is not used now: it may be again
	}
	for _, l := range c.links {
		l.limit(int(old.links[0].pps.Load()))
		for _, o := range old.links {
			if o.name == l.name {
				l.bucket = o.bucket
			}
		}
	}
	c.publish()
	c.odd = old.odd
	for _, s := range c.list {
		s.upFrom = c.t
		if o := old.servers[s.Addr]; o != nil {
			s.inherit(o)
		}
	}
}

func (s *server) inherit(o *server) {
	s.rtt, s.plainUntil = o.rtt, o.plainUntil
	s.salt, s.shownOPT, s.plainNames = o.salt, o.shownOPT, o.plainNames
	s.noTCPUntil = o.noTCPUntil
	s.sent, s.heard, s.upFrom = o.sent, o.heard, o.upFrom
	for _, p := range s.paths {
		for _, q := range o.paths {
			if p.source.addr == q.source.addr {
				p.inherit(q)
			}
		}
	}
	if len(s.paths) > 1 && !slices.ContainsFunc(s.paths, func(p *path) bool { return !p.out }) {
		s.paths[0].forgive() // what was well is gone
	}
}

// forgive has p asked again, as nothing else is left.
func (p *path) forgive() {
	p.out, p.fault = false, nil
	if p.announced {
		p.announced = false
		p.source.lost--
	}
}

func (p *path) inherit(o *path) {
	p.cookie, p.sent, p.heard = o.cookie, o.sent, o.heard
	if len(p.server.paths) == 1 {
		return
	}
	p.out, p.outFrom, p.fault, p.again = o.out, o.outFrom, o.fault, o.again
	if p.announced = o.announced; p.announced {
		p.source.lost++
	}
}
