package scrub

import (
	"slices"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// Chain returns the records of the answer section that the question leads
// to, in the order of the chain, and the chain's names. It is whole unless it leads
// elsewhere.
func Chain(m *dns.Msg, elsewhere wire.Elsewhere) (records []dns.RR, chain []string, whole bool) {
	q := m.Question[0]
	owned := make(map[string][]dns.RR, len(m.Answer))
	for _, rr := range m.Answer {
		if owner := dns.CanonicalName(rr.Header().Name); rr.Header().Class == q.Qclass {
			owned[owner] = append(owned[owner], rr)
		}
	}
	seen := make(map[string]bool)
	whole = true
	for name := dns.CanonicalName(q.Name); whole && !seen[name]; {
		seen[name] = true
		chain = append(chain, name)
		records = append(append(records, dnames(owned, name)...), owned[name]...)
		if target := next(owned[name], name, q.Qtype); target != name {
			name, whole = target, elsewhere == nil || !elsewhere([]byte(wire.PackName(target)))
		}
	}
	return dns.Dedup(records, nil), chain, whole
}

// next returns what name is an alias of, or name.
func next(rrs []dns.RR, name string, qtype uint16) string {
	if qtype == dns.TypeCNAME || qtype == dns.TypeANY {
		return name
	}
	for _, rr := range rrs {
		if c, ok := rr.(*dns.CNAME); ok {
			return dns.CanonicalName(c.Target)
		}
	}
	return name
}

// dnames returns the DNAME records, with their signatures, above name.
func dnames(owned map[string][]dns.RR, name string) (list []dns.RR) {
	for i, end := 0, name == "."; !end; {
		i, end = dns.NextLabel(name, i)
		for _, rr := range owned[dns.Fqdn(name[i:])] {
			if isAbout(rr, dns.TypeDNAME) {
				list = append(list, rr)
			}
		}
	}
	return list
}

// isAbout reports whether rr is of a type, or signs it.
func isAbout(rr dns.RR, rrtype uint16) bool {
	if sig, ok := rr.(*dns.RRSIG); ok {
		return sig.TypeCovered == rrtype
	}
	return rr.Header().Rrtype == rrtype
}

// proofs returns the records of the authority section that say what does not
// exist: the SOA of a zone that has one of the chain's names, and proofs.
func proofs(m *dns.Msg, chain []string) []dns.RR {
	return slices.DeleteFunc(m.Ns, func(rr dns.RR) bool {
		h := rr.Header()
		switch {
		case h.Class != m.Question[0].Qclass:
			return true
		case h.Rrtype == dns.TypeSOA:
			return !slices.ContainsFunc(chain, func(name string) bool { return dns.IsSubDomain(h.Name, name) })
		case isAbout(rr, dns.TypeSOA), isAbout(rr, dns.TypeNSEC), isAbout(rr, dns.TypeNSEC3):
			return false
		}
		return true
	})
}

// addresses returns the records of the additional section that an answer asks
// for: those at the hosts that it names.
func addresses(m *dns.Msg) []dns.RR {
	hosts := make(map[string]bool)
	for _, rr := range m.Answer {
		if h := hostOf(rr); h != "" && h != "." {
			hosts[dns.CanonicalName(h)] = true
		}
	}
	return slices.DeleteFunc(m.Extra, func(rr dns.RR) bool {
		h := rr.Header()
		return h.Rrtype == dns.TypeOPT || h.Class != m.Question[0].Qclass || !hosts[dns.CanonicalName(h.Name)]
	})
}

// hostOf returns the host that rr names, of which addresses may come along, or "".
func hostOf(rr dns.RR) string {
	switch rr := rr.(type) {
	case *dns.NS:
		return rr.Ns
	case *dns.MX:
		return rr.Mx
	case *dns.SRV:
		return rr.Target
	case *dns.NAPTR:
		return rr.Replacement
	case *dns.SVCB:
		return hostSVCB(rr)
	case *dns.HTTPS:
		return hostSVCB(&rr.SVCB)
	case *dns.AFSDB:
		return rr.Hostname
	case *dns.KX:
		return rr.Exchanger
	}
	return ""
}

// hostSVCB returns the target, which is the owner when it says so (RFC 9460,
// 2.5.2).
func hostSVCB(rr *dns.SVCB) string {
	if rr.Target == "." {
		return rr.Hdr.Name
	}
	return rr.Target
}
