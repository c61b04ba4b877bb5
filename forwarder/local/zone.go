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

// Zone is a zone that is answered from memory. It never changes.
type Zone struct {
	Apex  string // canonical
	soa   *dns.SOA
	names map[string][]dns.RR // by canonical owner; empty non-terminals hold none
}

// NewZone makes the zone at apex, a canonical name, of all its records. Without an
// SOA record among them it is none.
func NewZone(apex string, records []dns.RR) (*Zone, error) {
	z := &Zone{Apex: apex, names: make(map[string][]dns.RR)}
	for _, rr := range records {
		z.add(rr)
	}
	if z.soa == nil {
		return nil, fmt.Errorf("zone %s: no SOA record", apex)
	}
	return z, nil
}

// add puts rr under its owner, and makes the names between it and the apex
// exist (RFC 4592, 2.2.2).
func (z *Zone) add(rr dns.RR) {
	owner := dns.CanonicalName(rr.Header().Name)
	z.names[owner] = append(z.names[owner], rr)
	if soa, ok := rr.(*dns.SOA); ok && owner == z.Apex {
		z.soa = soa
	}
	for owner != z.Apex && owner != "." {
		owner = Parent(owner)
		if _, ok := z.names[owner]; !ok {
			z.names[owner] = nil
		}
	}
}

// Parent returns the name one label up; the root is its own.
func Parent(name string) string {
	if i, end := dns.NextLabel(name, 0); !end {
		return name[i:]
	}
	return "."
}

// Find returns the zone of a lower-case wire name, or nil.
func (s Zones) Find(name []byte) *Zone {
	if len(s) == 0 {
		return nil
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

// maxRestarts is how many links of a chain within the zone are followed (BIND's
// max-query-restarts).
const maxRestarts = 11

// Answer fills m with what the zone has for name and qtype (RFC 1034, 4.3.2;
// there are no delegations in such zones).
func (z *Zone) Answer(m *dns.Msg, name string, qtype uint16) {
	for range maxRestarts {
		records, owner := z.lookup(name)
		if owner == "" {
			m.Rcode = dns.RcodeNameError
			break
		}
		n := len(m.Answer)
		var cname *dns.CNAME
		for _, rr := range records {
			if c, ok := rr.(*dns.CNAME); ok && qtype != dns.TypeCNAME && qtype != dns.TypeANY {
				cname = c
			}
			if t := rr.Header().Rrtype; t == qtype || qtype == dns.TypeANY || cname != nil {
				m.Answer = append(m.Answer, renamed(rr, name))
			}
		}
		if cname != nil && dns.IsSubDomain(z.Apex, dns.CanonicalName(cname.Target)) {
			name = dns.CanonicalName(cname.Target)
			continue
		}
		if len(m.Answer) > n {
			return
		}
		break
	}
	soa := dns.Copy(z.soa).(*dns.SOA)
	soa.Hdr.Ttl = min(soa.Hdr.Ttl, soa.Minttl)
	if qtype == dns.TypeSOA {
		soa.Hdr.Ttl = 0 // whoever looks for the apex keeps nothing (BIND's zero-no-soa-ttl)
	}
	m.Ns = []dns.RR{soa}
}

// lookup returns the records at name, or at the wildcard that covers it, and
// which of the two it was.
func (z *Zone) lookup(name string) (records []dns.RR, owner string) {
	if rrs, ok := z.names[name]; ok {
		return rrs, name
	}
	for name != z.Apex && name != "." {
		name = Parent(name)
		if _, ok := z.names[name]; !ok {
			continue
		}
		star := "*." + name
		if rrs, ok := z.names[star]; ok {
			return rrs, star
		}
		break
	}
	return nil, ""
}

func renamed(rr dns.RR, name string) dns.RR {
	if dns.CanonicalName(rr.Header().Name) == name {
		return rr
	}
	rr = dns.Copy(rr)
	rr.Header().Name = name
	return rr
}
