package local

import (
	"fmt"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// Zones are those of one class, by the lower-case wire name of their apex.
type Zones map[string]*Zone

// Add puts z among them, in place of another with its apex.
func (s Zones) Add(z *Zone) { s[wire.PackName(z.Apex)] = z }

// Find returns the zone that has the records of a lower-case wire name and a
// type, or nil. A DS record is the parent's (RFC 4035, 3.1.4.1).
func (s Zones) Find(name []byte, qtype uint16) *Zone {
	if len(s) == 0 {
		return nil
	}
	if qtype == dns.TypeDS && len(name) > 1 {
		name = name[1+name[0]:]
	}
	for {
		if z := s[string(name)]; z != nil {
			return z
		}
		if len(name) <= 1 {
			return nil
		}
		name = name[1+name[0]:]
	}
}

// Zone is a zone that is answered from memory. It never changes.
type Zone struct {
	Apex   string // canonical
	soa    *dns.SOA
	names  map[string]*node // by canonical owner
	hashed map[string]*node // the same of NSEC3 records, which are no names of the zone (RFC 5155, 7.2.8)
	denial denial           // nil: the zone is not signed
}

// node is what a zone has at a name. That of an empty non-terminal has no sets.
type node struct {
	sets []rrset
}

// rrset is the records of one type, or the signatures of one.
type rrset struct {
	setKey
	records []dns.RR
}

// setKey tells the sets of a name apart.
type setKey struct {
	rtype   uint16
	covered uint16 // the type that an RRSIG is for; else 0
}

// covered returns the type that a signature is for, or 0.
func covered(rr dns.RR) uint16 {
	if sig, ok := rr.(*dns.RRSIG); ok {
		return sig.TypeCovered
	}
	return 0
}

// NewZone makes the zone at apex, a canonical name, of all its records. Without an
// SOA record among them it is none.
func NewZone(apex string, records []dns.RR) (*Zone, error) {
	z := newZone(apex)
	for _, rr := range records {
		z.add(rr)
	}
	if z.soa == nil {
		return nil, fmt.Errorf("zone %s: no SOA record", apex)
	}
	z.denial = newDenial(z)
	return z, nil
}

// Unloaded makes the zone at apex that could not be loaded: all its answers are
// failures.
func Unloaded(apex string) *Zone { return newZone(apex) }

// OrUnloaded returns the zone at apex, or if there is none, one that could not be loaded.
func (s Zones) OrUnloaded(apex string) *Zone {
	if z := s[wire.PackName(apex)]; z != nil {
		return z
	}
	return Unloaded(apex)
}

func newZone(apex string) *Zone {
	return &Zone{Apex: apex, names: map[string]*node{apex: new(node)}, hashed: make(map[string]*node)}
}

// add puts rr under its owner.
func (z *Zone) add(rr dns.RR) {
	owner := dns.CanonicalName(rr.Header().Name)
	if rr.Header().Rrtype == dns.TypeNSEC3 || covered(rr) == dns.TypeNSEC3 {
		z.addHashed(owner, rr)
		return
	}
	z.node(owner).add(rr)
	if soa, ok := rr.(*dns.SOA); ok && owner == z.Apex {
		z.soa = soa
	}
}

func (z *Zone) addHashed(owner string, rr dns.RR) {
	if z.hashed[owner] == nil {
		z.hashed[owner] = new(node)
	}
	z.hashed[owner].add(rr)
}

// node returns the node of owner. Names between it and the apex come to exist
// with it (RFC 4592, 2.2.2).
func (z *Zone) node(owner string) *node {
	n := z.names[owner]
	if n == nil {
		n = new(node)
		z.names[owner] = n
		if owner != "." {
			z.node(Parent(owner))
		}
	}
	return n
}

func (n *node) add(rr dns.RR) {
	key := setKey{rr.Header().Rrtype, covered(rr)}
	if s := n.find(key); s != nil {
		s.records = append(s.records, rr)
		return
	}
	n.sets = append(n.sets, rrset{key, []dns.RR{rr}})
}

// set returns the records of a type, or nil. All types but RRSIG have one set at most.
func (n *node) set(rtype uint16) *rrset { return n.find(setKey{rtype: rtype}) }

// signatures returns the signatures for a type, or nil.
func (n *node) signatures(rtype uint16) *rrset { return n.find(setKey{dns.TypeRRSIG, rtype}) }

func (n *node) find(key setKey) *rrset {
	for i := range n.sets {
		if n.sets[i].setKey == key {
			return &n.sets[i]
		}
	}
	return nil
}

// Parent returns the name one label up; the root is its own.
func Parent(name string) string {
	if i, end := dns.NextLabel(name, 0); !end {
		return name[i:]
	}
	return "."
}

// Delegates reports whether a lower-case wire name in the zone is at or below one
// of its delegations.
func (z *Zone) Delegates(name []byte) bool {
	_, set := z.cut(wire.NameText(name), dns.TypeNone)
	return set != nil && set.rtype == dns.TypeNS
}

// canonical returns a name of a record's data as a zone has its owners: in lower
// case, in full, with no escapes but those that it needs.
func canonical(name string) string {
	return dns.CanonicalName(unescaped(name))
}
