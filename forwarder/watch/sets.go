package watch

import (
	"github.com/miekg/dns"
)

// Set is a name and a type of data, in whose answers two forwarders may differ.
type Set struct {
	Name   string
	Type   uint16
	Varies bool // upstream gives different data by turns

	Overridden bool     // something else is given than upstream says
	Upstream   []string // which is this, as far as is known; only if so
}

// Sets returns the sets of all names that are watched or overridden, by name and type.
// That of a name nobody has asked for yet is its A.
func (t *Table) Sets() []Set {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []Set
	for _, n := range t.sorted() {
		if !n.watched && !n.isOverridden() && !t.matches(n.wire) {
			continue
		}
		if len(n.sets) == 0 {
			list = append(list, Set{Name: n.name, Type: dns.TypeA})
		}
		for _, r := range n.sorted() {
			list = append(list, r.set())
		}
	}
	return list
}

func (r *record) set() Set {
	s := Set{Name: r.node.name, Type: r.rtype, Varies: r.changes.varies}
	if r.override != nil && !r.current.same(&r.override.data) {
		s.Overridden, s.Upstream = true, r.current.list()
	}
	return s
}
