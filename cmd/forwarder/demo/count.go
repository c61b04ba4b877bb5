package demo

import "time"

// count is what became of lookups of the client.
type count struct {
	answered, failed int
	slowest          time.Duration
}

func (c *count) add(l lookup) {
	c.slowest = max(c.slowest, l.took())
	if l.address != "" {
		c.answered++
	} else {
		c.failed++
	}
}

func (c *count) ended() int { return c.answered + c.failed }
