package vpcresolver

import (
	"slices"
	"time"

	"github.com/miekg/dns"
)

// rrset names a record set: a canonical owner name and a type.
type rrset struct {
	name   string
	rrtype uint16
}

func setOf(rr dns.RR) rrset {
	return rrset{dns.CanonicalName(rr.Header().Name), rr.Header().Rrtype}
}

// memory is for how long a zone knows what it had before.
const memory = 10 * time.Minute

// zone is the records, and those that they took the place of.
type zone struct {
	sets   map[rrset][]version  // oldest first
	exists map[string]time.Time // every owner name and every name above one, and since when
}

// version is what a record set was from a time on.
type version struct {
	since time.Time
	rrs   []dns.RR
}

// replace puts rrs in the place of all records of their names and types.
func (z *zone) replace(rrs []dns.RR, now time.Time) {
	fresh := map[rrset][]dns.RR{}
	for _, rr := range rrs {
		set := setOf(rr)
		fresh[set] = append(fresh[set], rr)
		for _, i := range dns.Split(set.name) {
			if _, known := z.exists[set.name[i:]]; !known {
				z.exists[set.name[i:]] = now
			}
		}
	}
	for set, rrs := range fresh {
		z.sets[set] = append(recent(z.sets[set], now), version{now, rrs})
	}
}

// recent leaves out what had ended before the zone's memory begins.
func recent(versions []version, now time.Time) []version {
	for len(versions) > 1 && now.Sub(versions[1].since) > memory {
		versions = versions[1:]
	}
	return versions
}

// view is a zone as it was at a time.
type view struct {
	*zone
	at time.Time
}

// records returns the set, nil if there was none.
func (v view) records(set rrset) []dns.RR {
	for _, version := range slices.Backward(v.sets[set]) {
		if !version.since.After(v.at) {
			return version.rrs
		}
	}
	return nil
}

func (v view) has(name string) bool {
	since, known := v.exists[name]
	return known && !since.After(v.at)
}

// find looks the set up in the records: RFC 1034, section 4.3.2, step 3.
func (v view) find(set rrset) hop {
	owner, ok := v.owner(set.name)
	if !ok {
		if rrs := v.dname(set.name); rrs != nil {
			return hop{rrs: rrs}
		}
		return hop{rcode: dns.RcodeNameError, soa: v.soa(set)}
	}
	if set.rrtype == dns.TypeANY {
		return hop{rrs: v.all(owner)}
	}
	if rrs := v.records(rrset{owner, set.rrtype}); rrs != nil {
		return hop{rrs: rrs}
	}
	if rrs := v.records(rrset{owner, dns.TypeCNAME}); rrs != nil {
		return hop{rrs: rrs}
	}
	return hop{soa: v.soa(set)}
}

// owner returns the name whose records answer for name: itself, or the
// wildcard below its closest encloser (RFC 4592).
func (v view) owner(name string) (string, bool) {
	if name == "." || v.has(name) {
		return name, true
	}
	for i, end := dns.NextLabel(name, 0); !end; i, end = dns.NextLabel(name, i) {
		if v.has("*." + name[i:]) {
			return "*." + name[i:], true
		}
		if v.has(name[i:]) {
			return "", false
		}
	}
	return "", false
}

// dname returns the DNAME above the name and the CNAME that it makes of it
// (RFC 6672), or nil.
func (v view) dname(name string) []dns.RR {
	for i, end := dns.NextLabel(name, 0); !end; i, end = dns.NextLabel(name, i) {
		rrs := v.records(rrset{name[i:], dns.TypeDNAME})
		if rrs == nil {
			continue
		}
		target := rrs[0].(*dns.DNAME).Target
		header := dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: rrs[0].Header().Ttl}
		return []dns.RR{rrs[0], &dns.CNAME{Hdr: header, Target: name[:i] + target}}
	}
	return nil
}

func (v view) all(owner string) []dns.RR {
	var rrs []dns.RR
	for set := range v.sets {
		if set.name == owner {
			rrs = append(rrs, v.records(set)...)
		}
	}
	return rrs
}

// soa returns that of the set's zone. A DS record belongs to the zone above
// (RFC 4035, section 3.1.4.1).
func (v view) soa(set rrset) []dns.RR {
	if next, end := dns.NextLabel(set.name, 0); set.rrtype == dns.TypeDS && !end {
		return v.above(set.name[next:], dns.TypeSOA)
	}
	return v.above(set.name, dns.TypeSOA)
}

// above returns the record set of the type at the name or the nearest above.
func (v view) above(name string, rrtype uint16) []dns.RR {
	for _, i := range append(dns.Split(name), len(name)-1) {
		if rrs := v.records(rrset{name[i:], rrtype}); rrs != nil {
			return rrs
		}
	}
	return nil
}

// signatures returns the RRSIG records over rrs, which stand at name.
func (v view) signatures(name string, rrs []dns.RR) []dns.RR {
	var covering []dns.RR
	for _, rr := range v.records(rrset{dns.CanonicalName(name), dns.TypeRRSIG}) {
		if len(rrs) > 0 && rr.(*dns.RRSIG).TypeCovered == rrs[0].Header().Rrtype {
			covering = append(covering, rr)
		}
	}
	return covering
}
