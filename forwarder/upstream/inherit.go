package upstream

// inherit takes over what old knows of servers, and shares its budgets, so that
// a new configuration neither starts blind nor doubles the allowance while old
// is draining.
func (c *Client) inherit(old *Client) {
	old.enter()
	defer old.leave(nil)
	c.epoch, c.t = old.epoch, old.t
	for _, b := range c.budgets {
		for _, o := range old.budgets {
			if o.stats.Interface == b.stats.Interface {
				b.bucket = o.bucket
			}
		}
	}
	c.odd = old.odd
	for _, s := range c.list {
		s.upFrom = c.t
		if o := old.servers[s.Addr]; o != nil {
			s.inherit(o)
		}
	}
}

func (s *server) inherit(o *server) {
	s.rtt, s.cookie, s.plainUntil = o.rtt, o.cookie, o.plainUntil
	s.salt, s.shownOPT, s.plainNames = o.salt, o.shownOPT, o.plainNames
	s.noTCPUntil = o.noTCPUntil
	s.sent, s.heard, s.upFrom = o.sent, o.heard, o.upFrom
}
