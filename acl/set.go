package acl

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// Set is a compiled List: immutable, and safe for concurrent use. The nil Set
// matches nothing.
type Set struct {
	v4, v6 []point // the edges in IPv4, and those after them
	mapped bool    // match-mapped-addresses
}

// point is an address as numbers, which compare much faster than netip's.
type point struct{ hi, lo uint64 }

func pointOf(a netip.Addr) point {
	b := a.As16()
	return point{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// Compile resolves the list against the host's addresses. The Set does not
// change when they do: compile again then.
func (l List) Compile(env Env) *Set {
	allowed, _ := l.split(&env)
	s := &Set{mapped: env.MatchMapped}
	for _, a := range allowed {
		if a.Is4() {
			s.v4 = append(s.v4, pointOf(a))
		} else {
			s.v6 = append(s.v6, pointOf(a))
		}
	}
	return s
}

// Recompile is Compile after the host's addresses have changed: it returns old,
// the Set of before, when the list speaks of none of them.
func (l List) Recompile(env Env, old *Set) *Set {
	if old != nil && !l.ofHost() {
		return old
	}
	return l.Compile(env)
}

// ofHost reports whether the list depends on the host's addresses.
func (l List) ofHost() bool {
	return slices.ContainsFunc(l, func(e Element) bool {
		return e.Kind == Localhost || e.Kind == Localnets || e.List.ofHost()
	})
}

// Match reports whether the list allows a. An IPv6 zone is ignored, as BIND
// does. An IPv4-mapped IPv6 address is an IPv6 address, unless
// match-mapped-addresses was set: then it is the IPv4 address and nothing
// else. The zero Addr never matches.
func (s *Set) Match(a netip.Addr) bool {
	if s == nil {
		return false
	}
	if s.mapped && a.Is4In6() {
		a = a.Unmap()
	}
	if a.Is4() {
		return atOrBefore(s.v4, pointOf(a))&1 == 1
	}
	return a.IsValid() && (len(s.v4)+atOrBefore(s.v6, pointOf(a)))&1 == 1
}

// atOrBefore returns how many edges are at or before p: see edges.
func atOrBefore(edges []point, p point) int {
	lo, hi := 0, len(edges)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if e := edges[mid]; p.hi < e.hi || p.hi == e.hi && p.lo < e.lo {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// split returns the addresses that the list allows, and those that any of its
// elements matches, allowed or not. It halves the list because that compiles
// lists of a hundred thousand prefixes in n log n.
func (l List) split(env *Env) (allowed, matched edges) {
	switch len(l) {
	case 0:
		return nil, nil
	case 1:
		return l[0].split(env)
	}
	half := len(l) / 2
	allowed, matched = l[:half].split(env)
	later, laterMatched := l[half:].split(env)
	return union(allowed, minus(later, matched)), union(matched, laterMatched)
}

func (e *Element) split(env *Env) (allowed, matched edges) {
	matched = e.addresses(env)
	if e.Negated {
		return nil, matched
	}
	return matched, matched
}

// addresses returns what the element matches, its negation left aside.
func (e *Element) addresses(env *Env) edges {
	switch e.Kind {
	case Prefix:
		return within(e.Prefix)
	case Any:
		return everything()
	case Localhost:
		return env.localhost()
	case Localnets:
		return env.localnets()
	case Nested:
		// What the nested list denies is not matched: see List.
		allowed, _ := e.List.split(env)
		return allowed
	}
	return nil
}
