package scrub

import (
	"slices"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// soas counts the zones whose SOA a negative answer has.
func (p *pick) soas() (n int) {
	authority := p.m.Section(1)
	for i := range authority {
		if rr := &authority[i]; rr.Type == wire.TypeSOA && p.denies(rr) && !p.isRepeated(authority[:i], rr) {
			n++
		}
	}
	return n
}

func (p *pick) denies(rr *wire.RR) bool { return p.m.Denies(rr, p.names[len(p.names)-1]) }

// isRepeated reports whether rr is an SOA of the same zone as one before it.
func (p *pick) isRepeated(before []wire.RR, rr *wire.RR) bool {
	for i := range before {
		if before[i].Type == wire.TypeSOA && p.m.SameName(before[i].Start, rr.Start) {
			return true
		}
	}
	return false
}

// authority returns what stays of the authority section: what denies, and under a
// set that a wildcard made the signed proofs that nothing is nearer (RFC 4035,
// 3.1.3.3).
func (p *pick) authority(class Class) (kept []wire.RR) {
	if class == Partial || class == Positive && !p.isWild() {
		return nil
	}
	authority := p.m.Section(1)
	for i := range authority {
		if rr := &authority[i]; p.denies(rr) && (class == Negative || p.isProof(rr)) {
			kept = append(kept, *rr)
		}
	}
	return kept
}

// isProof reports whether rr is an NSEC or NSEC3 record that is signed, or its
// signature.
func (p *pick) isProof(rr *wire.RR) bool {
	if rr.Type == wire.TypeRRSIG {
		return p.m.Covered(rr) != wire.TypeSOA
	}
	authority := p.m.Section(1)
	return rr.Type != wire.TypeSOA && slices.ContainsFunc(authority, func(sig wire.RR) bool {
		return sig.Type == wire.TypeRRSIG && p.m.Covered(&sig) == rr.Type && p.m.SameName(sig.Start, rr.Start)
	})
}

// isWild reports whether a signature of the answer is a wildcard's: it has fewer
// labels than its owner (RFC 4034, 3.1.3).
func (p *pick) isWild() bool {
	const labelsAt = 3
	for i := range p.rrs {
		rr := &p.rrs[i]
		if rr.Type == wire.TypeRRSIG && int(p.m.Msg[rr.RData+labelsAt]) < p.m.Labels(rr.Start) {
			return true
		}
	}
	return false
}

// additional returns the records of the additional section that the answer asks for:
// addresses of the hosts that it names, and of other types what its own leads to.
func (p *pick) additional(class Class) (kept []wire.RR) {
	additional := p.m.Section(2)
	if class != Positive || p.rules.Minimal || !NamesHosts(p.qtype) || len(additional) == 0 {
		return nil
	}
	hosts := p.hosts()
	for i := range additional {
		rr := &additional[i]
		if p.isWanted(rr) && hosts[string(p.m.LowerName(rr.Start))] && !p.isApart(rr.Start) {
			kept = append(kept, *rr)
		}
	}
	return kept
}

// hosts are the names of which something may come along.
func (p *pick) hosts() map[string]bool {
	hosts := make(map[string]bool)
	for i := range p.rrs {
		rr := &p.rrs[i]
		if !NamesHosts(rr.Type) {
			continue
		}
		host := p.m.FirstName(rr)
		if host == 0 { // ANY, which is no type of data
			continue
		}
		switch none := p.m.Labels(host) == 0; {
		case none && isService(rr.Type):
			host = rr.Start // RFC 9460, 2.5.2
		case none:
			continue
		}
		hosts[string(p.m.LowerName(host))] = true
	}
	return hosts
}

// isWanted reports whether rr is of a type that may come along, or signs one.
func (p *pick) isWanted(rr *wire.RR) bool {
	rtype := rr.Type
	if rtype == wire.TypeRRSIG {
		rtype = p.m.Covered(rr)
	}
	switch rtype {
	case wire.TypeA, wire.TypeAAAA:
		return true
	case dns.TypeSRV:
		return p.qtype == dns.TypeNAPTR // RFC 3403, 4.1
	}
	return rtype == p.qtype && isService(rtype) // RFC 9460, 2.4.2
}

func isService(rtype uint16) bool { return rtype == dns.TypeSVCB || rtype == dns.TypeHTTPS }

// NamesHosts reports whether records of a type name hosts, of which addresses may
// come along.
func NamesHosts(rtype uint16) bool {
	switch rtype {
	case wire.TypeNS, dns.TypeMB, dns.TypeMD, dns.TypeMF, dns.TypeMX, dns.TypeSRV, dns.TypeNAPTR, dns.TypeSVCB,
		dns.TypeHTTPS, dns.TypeAFSDB, dns.TypeKX, dns.TypeRT, dns.TypeANY:
		return true
	}
	return false
}
