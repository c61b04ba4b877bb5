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
	OneSet     bool // ANY gets one set, with its signatures, and RRSIG those of one (BIND's minimal-any)

	Apart func(name string) bool // canonical names of the zone that have other data, at which a chain ends; nil: none
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
	Kind   Kind
	Name   string // of Alias and Delegated: canonical, to be looked up elsewhere for the same type
	Proofs int    // how many of the authority records prove links so far: they stay whatever follows
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
	l := &lookup{z: z, m: m, qtype: qtype, beside: b, signed: b.DO && z.denial != nil}
	for {
		next, more := l.link(name)
		switch {
		case !more:
			return l.rest
		case l.passed(next) || links(m.Answer) > maxRestarts:
			m.Rcode = dns.RcodeServerFailure
			return Rest{Kind: Endless}
		case !dns.IsSubDomain(z.Apex, next) || b.Apart != nil && b.Apart(next):
			return Rest{Alias, next, len(m.Ns)}
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
	signed bool // the zone is, and the client wants to see it
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
		l.refer(name, top, set)
		return "", false
	}
	return l.rename(name, top, set)
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
	n, wildcard := l.z.names[name], false
	if n == nil {
		n, wildcard = l.z.wildcard(name), true
	}
	if n == nil {
		l.deny(dns.RcodeNameError)
		l.denyName(name)
		return "", false
	}
	if l.beside.OneSet && l.qtype == dns.TypeANY {
		l.chooseSet(n)
	}
	alias := n.set(dns.TypeCNAME)
	if alias == nil || !followed(l.qtype) {
		alias = nil
	}
	if found := l.answer(n, name, alias); !found {
		l.deny(dns.RcodeSuccess)
		l.denyType(name, n, wildcard)
		return "", false
	}
	if wildcard {
		l.denyCloser(name)
	}
	if alias != nil {
		return canonical(target(alias.records[0])), true
	}
	l.addServers()
	return "", false
}

// followed reports whether an alias is followed for a type: BIND has these beside it
// (RFC 4035, 2.5; RFC 3007, 3).
func followed(qtype uint16) bool {
	switch qtype {
	case dns.TypeCNAME, dns.TypeANY, dns.TypeNSEC, dns.TypeKEY, dns.TypeRRSIG:
		return false
	}
	return true
}

// target returns the name that an alias leads to, "" for what is none.
func target(rr dns.RR) string {
	switch rr := rr.(type) {
	case *dns.CNAME:
		return rr.Target
	case *dns.DNAME:
		return rr.Target
	}
	return ""
}

// wildcard returns the node of the wildcard that covers name, or nil (RFC 4592,
// 3.3.1).
func (z *Zone) wildcard(name string) *node {
	return z.names[wildcardBelow(z.encloser(name))]
}

// wildcardBelow returns the wildcard right below a name.
func wildcardBelow(name string) string {
	if name == "." {
		return "*."
	}
	return "*." + name
}

// encloser returns the closest name above name that exists (RFC 4592, 3.3.1).
func (z *Zone) encloser(name string) string {
	for name != z.Apex && name != "." {
		name = Parent(name)
		if _, ok := z.names[name]; ok {
			return name
		}
	}
	return name
}

// answer appends the alias, or what n has of the type asked for, as name's, and reports
// whether there was any.
func (l *lookup) answer(n *node, name string, alias *rrset) (found bool) {
	for i := range n.sets {
		if s := &n.sets[i]; s == alias || alias == nil && l.wants(s) {
			l.add(n, s, name)
			found = true
			if l.beside.OneSet && l.qtype == dns.TypeRRSIG {
				break
			}
		}
	}
	return found
}

// chooseSet makes ANY mean the type of n's first set.
func (l *lookup) chooseSet(n *node) {
	for i := range n.sets {
		if s := &n.sets[i]; s.rtype != dns.TypeRRSIG && l.wants(s) {
			l.qtype = s.rtype
			return
		}
	}
}

// wants reports whether a set is of the type asked for. ANY has the records of DNSSEC in
// a signed zone only (as in BIND).
func (l *lookup) wants(s *rrset) bool {
	switch l.qtype {
	case s.rtype:
		return s.rtype != dns.TypeRRSIG || l.z.denial != nil
	case dns.TypeANY:
		return l.z.denial != nil || s.rtype != dns.TypeRRSIG && s.rtype != dns.TypeNSEC
	}
	return false
}

// add appends a set of n to the answer, as name's. For ANY the signatures are sets of
// their own.
func (l *lookup) add(n *node, s *rrset, name string) {
	if l.qtype == dns.TypeANY {
		l.m.Answer = appendAs(l.m.Answer, s, name)
		return
	}
	l.m.Answer = l.appendSet(l.m.Answer, n, s, name)
	l.addHosts(s, name)
}

// appendSet appends a set of n as name's, with its signatures for who wants them.
func (l *lookup) appendSet(to []dns.RR, n *node, s *rrset, name string) []dns.RR {
	to = appendAs(to, s, name)
	if sigs := n.signatures(s.rtype); l.signed && sigs != nil {
		to = appendAs(to, sigs, name)
	}
	return to
}

func appendAs(to []dns.RR, s *rrset, name string) []dns.RR {
	for _, rr := range s.records {
		if dns.CanonicalName(rr.Header().Name) != name {
			rr = dns.Copy(rr)
			rr.Header().Name = name
		}
		to = append(to, rr)
	}
	return to
}

// deny puts the SOA record into the authority section, with the TTL of a negative answer
// (RFC 2308, 3). Who asks for the SOA of a name that is not looks for the apex, and keeps nothing
// (BIND's zero-no-soa-ttl).
func (l *lookup) deny(rcode int) {
	l.m.Rcode = rcode
	ttl := min(l.z.soa.Hdr.Ttl, l.z.soa.Minttl)
	if l.qtype == dns.TypeSOA && rcode == dns.RcodeNameError {
		ttl = 0
	}
	apex, from := l.z.names[l.z.Apex], len(l.m.Ns)
	l.m.Ns = l.appendSet(l.m.Ns, apex, apex.set(dns.TypeSOA), l.z.Apex)
	for i, rr := range l.m.Ns[from:] {
		rr = dns.Copy(rr)
		rr.Header().Ttl = min(rr.Header().Ttl, ttl)
		l.m.Ns[from+i] = rr
	}
}

// refer makes the rest of m the referral to the delegation at top, with its glue (RFC 1034,
// 4.3.2, 3.b), and what tells whether it is signed (RFC 4035, 3.1.4).
func (l *lookup) refer(name, top string, ns *rrset) {
	l.rest = Rest{Delegated, name, len(l.m.Ns)}
	n := l.z.names[top]
	l.m.Ns = append(l.m.Ns, ns.records...)
	if ds := n.set(dns.TypeDS); ds != nil && l.signed {
		l.m.Ns = l.appendSet(l.m.Ns, n, ds, top)
	} else {
		l.denyType(top, n, false)
	}
	for _, rr := range ns.records {
		if ns, ok := rr.(*dns.NS); ok {
			l.addGlue(canonical(ns.Ns))
		}
	}
}

// rename appends the DNAME at top, and the CNAME that it makes for name below it
// (RFC 6672, 3.1). A name that gets too long is YXDOMAIN.
func (l *lookup) rename(name, top string, set *rrset) (next string, more bool) {
	l.m.Answer = l.appendSet(l.m.Answer, l.z.names[top], set, top)
	labels, to := name, canonical(target(set.records[0]))
	if top != "." {
		labels = strings.TrimSuffix(name, top)
	}
	renamed := labels + to
	if to == "." {
		renamed = labels
	}
	if wire.PackName(renamed) == "" { // too long (RFC 6672, 3.4)
		l.m.Rcode = dns.RcodeYXDomain
		return "", false
	}
	h := dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: set.records[0].Header().Ttl}
	l.m.Answer = append(l.m.Answer, &dns.CNAME{Hdr: h, Target: renamed})
	if l.qtype == dns.TypeCNAME || l.qtype == dns.TypeANY {
		l.addServers()
		return "", false
	}
	return renamed, true
}
