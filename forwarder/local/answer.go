package local

import (
	"strings"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// Beside says what a client gets beside the answer.
type Beside struct {
	DO         bool // signatures, and proofs of what does not exist
	Authority  bool // the zone's NS records
	Additional bool // addresses of the hosts that records name
}

// Kind says how a zone's part of an answer ends.
type Kind uint8

// The kinds of ends.
const (
	Whole     Kind = iota // with data or a denial: the message is whole
	Alias                 // with the last link that the zone has of a chain
	Delegated             // at a delegation: others have the name
	Endless               // nowhere: a loop, or more links than are followed; the rcode is SERVFAIL
	Failed                // the zone could not be loaded: the rcode is SERVFAIL
)

// Rest is what a zone leaves to others. The zero value is nothing.
type Rest struct {
	Kind Kind
	Name string // of Alias and Delegated: canonical, to be looked up elsewhere for the same type
}

// maxRestarts is how many links of a chain are followed (BIND's
// max-query-restarts).
const maxRestarts = 11

// Answer appends to m what the zone has for name, which is canonical and in the
// zone, and qtype (RFC 1034, 4.3.2; RFC 6672, 3.2). m.Answer may hold the links of a
// chain that lead here. A chain is followed as long as it stays in the zone.
//
// The rcode, authority and additional sections are set for the end of a chain
// alone. Those of Delegated are the referral, for a client that wants no recursion;
// who asks elsewhere drops them. Flags are the caller's. The records in m are the zone's
// own: they must not be changed.
func (z *Zone) Answer(m *dns.Msg, name string, qtype uint16, b Beside) Rest {
	if z.soa == nil {
		m.Rcode = dns.RcodeServerFailure
		return Rest{Kind: Failed}
	}
	l := lookup{z: z, m: m, qtype: qtype, beside: b}
	for {
		next, more := l.link(name)
		switch {
		case !more:
			return l.rest
		case l.passed(next) || links(m.Answer) > maxRestarts:
			m.Rcode = dns.RcodeServerFailure
			return Rest{Kind: Endless}
		case !dns.IsSubDomain(z.Apex, next):
			return Rest{Alias, next}
		}
		name = next
	}
}

// links counts the links of a chain.
func links(answer []dns.RR) (n int) {
	for _, rr := range answer {
		if rr.Header().Rrtype == dns.TypeCNAME {
			n++
		}
	}
	return n
}

// lookup is one that is under way.
type lookup struct {
	z      *Zone
	m      *dns.Msg
	qtype  uint16
	beside Beside
	rest   Rest
}

// passed reports whether the chain has been at name, as far as it has to be seen
// here: a link that comes again closes the loop.
func (l *lookup) passed(name string) bool {
	for _, rr := range l.m.Answer {
		if rr.Header().Rrtype == dns.TypeCNAME && dns.CanonicalName(rr.Header().Name) == name {
			return true
		}
	}
	return false
}

// link answers for one name of the chain, and returns the next.
func (l *lookup) link(name string) (next string, more bool) {
	top, set := l.z.cut(name, l.qtype)
	switch {
	case set == nil:
		return l.at(name)
	case set.rtype == dns.TypeNS:
		l.refer(name, set)
		return "", false
	}
	return l.rename(name, top, set.records[0].(*dns.DNAME))
}

// cut returns the topmost name at or above name, below which the zone has nothing
// to say, and the set that says so: NS at a delegation, DNAME above name.
func (z *Zone) cut(name string, qtype uint16) (top string, set *rrset) {
	for at := name; at != z.Apex && at != "."; at = Parent(at) {
		n := z.names[at]
		if n == nil {
			continue
		}
		if s := n.set(dns.TypeDNAME); s != nil && at != name {
			top, set = at, s
		}
		if s := n.set(dns.TypeNS); s != nil && (at != name || qtype != dns.TypeDS) { // RFC 4035, 3.1.4.1
			top, set = at, s
		}
	}
	if s := z.names[z.Apex].set(dns.TypeDNAME); s != nil && name != z.Apex {
		return z.Apex, s
	}
	return top, set
}

// at answers for a name of which the zone is to know.
func (l *lookup) at(name string) (next string, more bool) {
	n := l.z.names[name]
	if n == nil {
		n = l.z.wildcard(name)
	}
	if n == nil {
		l.m.Rcode = dns.RcodeNameError
		l.deny()
		return "", false
	}
	if s := n.set(dns.TypeCNAME); s != nil && l.qtype != dns.TypeCNAME && l.qtype != dns.TypeANY {
		l.add(s, name)
		return canonical(s.records[0].(*dns.CNAME).Target), true
	}
	found := false
	for i := range n.sets {
		if s := &n.sets[i]; s.rtype == l.qtype || l.qtype == dns.TypeANY {
			l.add(s, name)
			found = true
		}
	}
	if !found {
		l.deny()
	}
	return "", false
}

// wildcard returns the node of the wildcard that covers name, or nil (RFC 4592,
// 3.3.1).
func (z *Zone) wildcard(name string) *node {
	for name != z.Apex {
		name = Parent(name)
		if _, ok := z.names[name]; ok {
			return z.names["*."+name]
		}
	}
	return nil
}

// add appends a set to the answer, as name's.
func (l *lookup) add(s *rrset, name string) {
	for _, rr := range s.records {
		l.m.Answer = append(l.m.Answer, renamed(rr, name))
	}
}

func renamed(rr dns.RR, name string) dns.RR {
	if dns.CanonicalName(rr.Header().Name) == name {
		return rr
	}
	rr = dns.Copy(rr)
	rr.Header().Name = name
	return rr
}

// deny puts the SOA record into the authority section, with the TTL of a negative answer
// (RFC 2308, 3).
func (l *lookup) deny() {
	soa := *l.z.soa
	soa.Hdr.Ttl = min(soa.Hdr.Ttl, soa.Minttl)
	if l.qtype == dns.TypeSOA {
		soa.Hdr.Ttl = 0 // whoever looks for the apex keeps nothing (BIND's zero-no-soa-ttl)
	}
	l.m.Ns = append(l.m.Ns, &soa)
}

// refer makes the rest of m the referral to a delegation, with its glue.
func (l *lookup) refer(name string, ns *rrset) {
	l.rest = Rest{Delegated, name}
	l.m.Ns = append(l.m.Ns, ns.records...)
	for _, rr := range ns.records {
		host := canonical(rr.(*dns.NS).Ns)
		n := l.z.names[host]
		if n == nil {
			continue
		}
		for _, t := range []uint16{dns.TypeA, dns.TypeAAAA} {
			if s := n.set(t); s != nil {
				l.m.Extra = append(l.m.Extra, s.records...)
			}
		}
	}
}

// rename appends the DNAME at top, and the CNAME that it makes for name below it
// (RFC 6672, 3.1). A name that gets too long is YXDOMAIN.
func (l *lookup) rename(name, top string, d *dns.DNAME) (next string, more bool) {
	l.m.Answer = append(l.m.Answer, d)
	target := strings.TrimSuffix(name, top) + d.Target
	if d.Target == "." {
		target = strings.TrimSuffix(name, top)
	}
	if wire.PackName(target) == "" { // too long (RFC 6672, 3.4)
		l.m.Rcode = dns.RcodeYXDomain
		return "", false
	}
	h := dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: d.Hdr.Class, Ttl: d.Hdr.Ttl}
	l.m.Answer = append(l.m.Answer, &dns.CNAME{Hdr: h, Target: target})
	return canonical(target), l.qtype != dns.TypeCNAME && l.qtype != dns.TypeANY
}
