package scrub

import (
	"slices"

	"github.com/miekg/dns"
)

// Host returns the host that a record names, of which addresses may come along:
// canonical, "" for none.
func Host(rr dns.RR) string {
	switch rr := rr.(type) {
	case *dns.NS:
		return dns.CanonicalName(rr.Ns)
	case *dns.MX:
		return dns.CanonicalName(rr.Mx)
	case *dns.SRV:
		return dns.CanonicalName(rr.Target)
	case *dns.AFSDB:
		return dns.CanonicalName(rr.Hostname)
	case *dns.KX:
		return dns.CanonicalName(rr.Exchanger)
	case *dns.SVCB:
		return hostOfService(rr)
	case *dns.HTTPS:
		return hostOfService(&rr.SVCB)
	case *dns.NAPTR:
		return dns.CanonicalName(rr.Replacement)
	}
	return ""
}

// hostOfService is the owner where the target is the root (RFC 9460, 2.5.2).
func hostOfService(rr *dns.SVCB) string {
	if rr.Target == "." {
		return dns.CanonicalName(rr.Hdr.Name)
	}
	return dns.CanonicalName(rr.Target)
}

// Without returns the records but for a host's of that type, and their signatures.
func Without(rrs []dns.RR, host string, rtype uint16) []dns.RR {
	return slices.DeleteFunc(rrs, func(rr dns.RR) bool {
		h := rr.Header()
		sig, ok := rr.(*dns.RRSIG)
		return (h.Rrtype == rtype || ok && sig.TypeCovered == rtype) && dns.CanonicalName(h.Name) == host
	})
}
