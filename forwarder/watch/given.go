package watch

import (
	"time"

	"github.com/miekg/dns"
)

// Given is what clients are given of a name's type now, and why.
type Given struct {
	Name     string
	Type     uint16
	Data     []string  // must not be changed
	Why      string    // "override", "guard", "probe", "upstream", or "unknown" until there is an answer
	Urgent   bool      // overridden, guarded or verified
	Changed  time.Time // when upstream began to say what is believed
	Held     bool      // somebody may hold earlier data
	Disputed bool      // data that a guard refuses came back
}

// TypeText is the type in words.
func (g *Given) TypeText() string { return dns.Type(g.Type).String() }

// AppendGiven appends each type of each name that has state, in no order. Who gives an
// answer of one waits as long, so that no more is done here than must be.
func (t *Table) AppendGiven(list []Given, m Moment) []Given {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range t.names {
		for _, r := range n.sets {
			list = append(list, r.givenNow(m))
		}
	}
	return list
}

func (r *record) givenNow(m Moment) Given {
	g := Given{Name: r.node.name, Type: r.rtype, Data: r.given().texts, Why: r.why(), Changed: r.since.Wall}
	g.Urgent = r.override != nil || r.guard.on || r.verify.running()
	g.Disputed = r.guard.on && r.guard.cameBack > 0
	for _, h := range r.ledger.past {
		g.Held = g.Held || h.latest > m.Now
	}
	return g
}

// why says who brought what clients are given.
func (r *record) why() string {
	switch {
	case r.override != nil:
		return "override"
	case !r.known:
		return "unknown"
	case r.taught != nil:
		return "probe"
	case r.guard.on:
		return "guard"
	}
	return "upstream"
}
