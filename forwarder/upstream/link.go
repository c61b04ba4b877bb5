package upstream

import "slices"

// link is a network interface by which packets leave: a VPC counts those of IPv4
// and IPv6 together, and each interface by itself. A server that is asked from
// several addresses may have several.
type link struct {
	*bucket
	name    string    // as Config.Interface says
	budgets []*budget // whose packets may leave here
}

// link returns the interface of a name.
func (c *Client) link(name string) *link {
	for _, l := range c.links {
		if l.name == name {
			return l
		}
	}
	pps := c.cfg.PPS
	if len(c.links) > 0 {
		pps = int(c.links[0].pps.Load()) // it may have changed
	}
	l := &link{bucket: newBucket(pps), name: name}
	c.links = append(c.links, l)
	return l
}

// budgetOf returns the budget of requests that may leave by any of some interfaces.
func (c *Client) budgetOf(links []*link) *budget {
	for _, b := range c.budgets {
		if slices.Equal(b.links, links) {
			return b
		}
	}
	b := newBudget(links)
	c.budgets = append(c.budgets, b)
	return b
}

// promised reports whether clients of another budget wait for l's packets: then
// nobody passes them who has not waited himself.
func (l *link) promised(b *budget) bool {
	for _, o := range l.budgets {
		if o != b && o.first.n > 0 {
			return true
		}
	}
	return false
}

// pps is the packets a second of all of b's interfaces, 0 is no limit.
func (b *budget) pps() (n int) {
	for _, l := range b.links {
		n += int(l.pps.Load())
	}
	return n
}

// drain gives what the interfaces have again to those who wait for it.
type drain struct {
	alarm
	first int // the budget whose turn it is: those that share an interface take turns
}

func (d *drain) ring(c *Client) {
	d.first++
	for i := range c.budgets {
		c.budgets[(d.first+i)%len(c.budgets)].drain(c)
	}
	c.drainSoon()
}

// drainSoon has those served that wait for packets, when some have come.
func (c *Client) drainSoon() {
	if c.drain.armed() || !slices.ContainsFunc(c.budgets, func(b *budget) bool { return b.queued() > 0 }) {
		return
	}
	c.wheel.set(&c.drain.alarm, c.t+max(drainEvery, c.links[0].interval()), c.t)
}
