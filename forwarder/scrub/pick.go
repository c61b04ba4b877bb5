package scrub

import (
	"slices"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// pick is what of an answer belongs to its question.
type pick struct {
	m     *wire.Message
	rules Rules
	qtype uint16
	names []int     // of the chain, the question's first
	rrs   []wire.RR // of the answer section, in the order of the chain
	links int       // of them, what leads to the last name
	end   end
}

// end is how a chain ends.
type end uint8

const (
	bare    end = iota // its last name has nothing of the type asked
	data               // it has
	unheard            // its last name must be asked for where it belongs
	tooLong            // a DNAME makes a name that is too long (RFC 6672, 2.2)
)

// mostLinks is the longest chain that is followed. Nobody asks on after it.
const mostLinks = 255

// pickFrom makes m anew of what belongs to its question.
func pickFrom(m *wire.Message, r Rules) (Class, wire.Chain, error) {
	p := pick{m: m, rules: r, qtype: m.Type(), names: []int{wire.HeaderLen}}
	for p.step() {
	}
	class, rcode, err := p.classify()
	if err != nil {
		return class, wire.Chain{}, err
	}
	if p.end == unheard {
		p.rrs = p.rrs[:p.links]
	}
	p.rrs = m.Dedup(p.rrs)
	authority, additional := m.Dedup(p.authority(class)), m.Dedup(p.additional(class))
	m.SetRcode(rcode)
	if !m.Pack(m, slices.Concat(p.rrs, authority, additional), [3]int{len(p.rrs), len(authority), len(additional)}) {
		return class, wire.Chain{}, ErrMalformed
	}
	c := m.Chain(nil)
	c.Cut = p.end == unheard
	return class, c, nil
}

// step takes what there is at the last name of the chain, and reports whether that
// leads to another.
func (p *pick) step() bool {
	name := p.names[len(p.names)-1]
	if dname := p.dname(name); dname != nil {
		return p.rename(name, dname)
	}
	switch rr := p.first(name); {
	case rr == nil:
		return false
	case rr.Type == wire.TypeCNAME && p.followsAliases():
		p.take(name, wire.TypeCNAME)
		return p.goOn(rr.RData)
	case p.qtype == dns.TypeANY:
		p.takeAll(name)
	default:
		p.take(name, p.qtype)
	}
	p.end = data
	return false
}

func (p *pick) followsAliases() bool { return p.qtype != wire.TypeCNAME && p.qtype != dns.TypeANY }

// first returns the record of name that counts: an alias beside data is what stands
// first, as in BIND.
func (p *pick) first(name int) *wire.RR {
	for i := range p.m.Section(0) {
		rr := &p.m.Section(0)[i]
		wanted := rr.Type == p.qtype || p.qtype == dns.TypeANY || rr.Type == wire.TypeCNAME
		if wanted && p.m.SameName(rr.Start, name) {
			return rr
		}
	}
	return nil
}

// dname returns the DNAME that renames name: that of the highest of several, as there
// is nothing below it (RFC 6672, 2.4).
func (p *pick) dname(name int) (found *wire.RR) {
	for i := range p.m.Section(0) {
		rr := &p.m.Section(0)[i]
		if rr.Type != wire.TypeDNAME || !p.m.Below(name, rr.Start) || p.isForeign(rr.Start) {
			continue
		}
		if found == nil || p.m.Labels(rr.Start) < p.m.Labels(found.Start) {
			found = rr
		}
	}
	return found
}

func (p *pick) isElsewhere(name int) bool {
	return p.rules.Elsewhere != nil && p.rules.Elsewhere(p.m.LowerName(name))
}

func (p *pick) isForeign(name int) bool {
	return p.rules.Foreign != nil && p.rules.Foreign(p.m.LowerName(name))
}

func (p *pick) isApart(name int) bool {
	return p.rules.Apart != nil && p.rules.Apart(p.m.LowerName(name))
}

// rename follows a DNAME. Upstream's CNAME is believed if dname makes the same; else,
// and where there is none, it is made, and what upstream says of its target does not
// count.
func (p *pick) rename(name int, dname *wire.RR) bool {
	p.take(dname.Start, wire.TypeDNAME)
	alias := p.alias(name)
	if alias == nil || !p.m.Renames(dname, name, alias.RData) {
		made, ok := p.m.Rename(dname, name)
		if !ok {
			p.end = tooLong
			return false
		}
		alias, p.end = &made, unheard
	}
	p.rrs = append(p.rrs, *alias)
	if !p.followsAliases() {
		p.end = data
		return false
	}
	return p.goOn(alias.RData)
}

func (p *pick) alias(name int) *wire.RR {
	for i := range p.m.Section(0) {
		if rr := &p.m.Section(0)[i]; rr.Type == wire.TypeCNAME && p.m.SameName(rr.Start, name) {
			return rr
		}
	}
	return nil
}

// goOn adds a name to the chain, and reports whether it is to be followed.
func (p *pick) goOn(target int) bool {
	loops := slices.ContainsFunc(p.names, func(name int) bool { return p.m.SameName(name, target) })
	p.names = append(p.names, target)
	p.links = len(p.rrs)
	if p.isElsewhere(target) {
		p.end = unheard
	}
	return p.end == bare && !loops && len(p.names) <= mostLinks
}

// take takes name's set of a type, and its signatures. Their owner is written alike.
func (p *pick) take(name int, rtype uint16) {
	first := len(p.rrs)
	p.takeIf(name, func(rr *wire.RR) bool { return rr.Type == rtype })
	p.takeIf(name, func(rr *wire.RR) bool { return rr.Type == wire.TypeRRSIG && p.m.Covered(rr) == rtype })
	for i := first; i < len(p.rrs); i++ {
		p.rrs[i].Start = p.rrs[first].Start
	}
}

func (p *pick) takeIf(name int, wanted func(rr *wire.RR) bool) {
	for i := range p.m.Section(0) {
		if rr := &p.m.Section(0)[i]; wanted(rr) && p.m.SameName(rr.Start, name) {
			p.rrs = append(p.rrs, *rr)
		}
	}
}

// takeAll takes all sets of name, one after the other.
func (p *pick) takeAll(name int) {
	var taken []uint16
	for i := range p.m.Section(0) {
		rr := &p.m.Section(0)[i]
		if rr.Type != wire.TypeRRSIG && !slices.Contains(taken, rr.Type) && p.m.SameName(rr.Start, name) {
			taken = append(taken, rr.Type)
			p.take(name, rr.Type)
		}
	}
	p.takeIf(name, func(rr *wire.RR) bool {
		return rr.Type == wire.TypeRRSIG && !slices.Contains(taken, p.m.Covered(rr))
	})
}

// classify returns what the pick amounts to, and its rcode. What upstream says of the
// chain's last name may contradict itself: then that is not believed. If it is the
// question's, nothing is.
func (p *pick) classify() (Class, int, error) {
	rcode, alone := p.m.Rcode(), len(p.names) == 1
	odd := p.end == data && rcode != wire.NoError || p.end == bare && (rcode == wire.YXDomain || p.soas() > 1)
	switch {
	case p.end == tooLong:
		return Positive, wire.YXDomain, nil
	case alone && (odd || p.end == bare && p.m.Sections[0] > 0):
		return Negative, rcode, ErrMalformed
	case odd || p.end == unheard:
		p.end = unheard
		return Partial, wire.NoError, nil
	case p.end == data:
		return Positive, rcode, nil
	case alone || rcode == wire.NXDomain || p.soas() > 0:
		return Negative, rcode, nil
	}
	return Partial, wire.NoError, nil
}
