package demo

import "time"

// change is a failover: from when on who gives which address.
type change struct {
	name     string
	old, new string
	at       time.Time // zero: it is still to come
	left     uint32    // of the TTL at the client before it, in seconds

	first    [places]lapse
	oldAfter int // lookups with the old address that began where the new one had been seen
}

func (c *change) begin() { c.at = time.Now() }

func (c *change) note(l lookup) {
	first := &c.first[l.from]
	switch {
	case l.address == "":
	case c.at.IsZero():
		c.noteLeft(l)
	case l.address == c.new:
		first.set(l.came.Sub(c.at))
	case first.known && l.asked.Sub(c.at) > first.Duration:
		c.oldAfter++
	}
}

func (c *change) noteLeft(l lookup) {
	if l.from == atClient {
		c.left = l.ttl
	}
}

func (c *change) isEverywhere() bool {
	return c.first[atClient].known && c.first[atA].known && c.first[atB].known
}

// word says which of the addresses an answer has.
func (c *change) word(l lookup) string {
	switch l.address {
	case c.old:
		return "old"
	case c.new:
		return "new"
	}
	return "third"
}
