package local

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// checkZone checks what can be seen only of the whole zone (RFC 1034, 4.2.1).
func (l *loader) checkZone() {
	apex := l.zone.names[l.Apex]
	if l.zone.soa == nil {
		l.note(Problem{Path: l.Path, Message: "has 0 SOA records"})
	}
	if apex.set(dns.TypeNS) == nil {
		l.note(Problem{Path: l.Path, Message: "has no NS records"})
	}
	for i, rr := range l.records {
		if h := rr.Header(); h.Rrtype == dns.TypeNS && dns.CanonicalName(h.Name) == l.Apex {
			l.checkNS(i, rr.(*dns.NS))
		} else if l.Checks.Integrity {
			l.checkIntegrity(i, rr)
		}
	}
}

// checkNS holds the zone's own servers to having addresses.
func (l *loader) checkNS(i int, ns *dns.NS) {
	switch s, top := l.zone.hostState(ns.Ns); s {
	case noAddress:
		l.tell(i, Fail, "NS '%s' has no address records (A or AAAA)", trimDot(ns.Ns))
	case isAlias:
		l.tell(i, Fail, "NS '%s' is a CNAME (illegal)", trimDot(ns.Ns))
	case belowDNAME:
		l.tell(i, Fail, "NS '%s' is below a DNAME '%s' (illegal)", trimDot(ns.Ns), trimDot(top))
	}
}

// tell notes what was found about a record.
func (l *loader) tell(i int, a Action, format string, args ...any) {
	if a == Ignore {
		return
	}
	p := l.places[i]
	l.note(Problem{p.path, p.line, a == Warn, fmt.Sprintf(format, args...)})
}

// checkIntegrity looks for the hosts that a record names, if anybody sees the record.
func (l *loader) checkIntegrity(i int, rr dns.RR) {
	owner := dns.CanonicalName(rr.Header().Name)
	top, cut := l.zone.cut(owner, dns.TypeNone)
	if ns, ok := rr.(*dns.NS); ok && top == owner {
		l.checkGlue(i, ns)
	}
	if cut != nil {
		return
	}
	switch rr := rr.(type) {
	case *dns.MX:
		l.checkHost(i, "MX", rr.Mx, l.Checks.MXCNAME)
	case *dns.SRV:
		l.checkHost(i, "SRV", rr.Target, l.Checks.SRVCNAME)
	case *dns.SPF:
		if l.Checks.SPF && isSPF(rr.Txt) && !l.zone.names[owner].hasSPF() {
			l.tell(i, Warn, "'%s' found type SPF record but no SPF TXT record found, add matching type TXT record", trimDot(owner))
		}
	}
}

// checkGlue checks a server of a delegation.
func (l *loader) checkGlue(i int, ns *dns.NS) {
	owner, host := trimDot(ns.Hdr.Name), trimDot(ns.Ns)
	s, top := l.zone.hostState(ns.Ns)
	required := dns.IsSubDomain(dns.CanonicalName(ns.Hdr.Name), canonical(ns.Ns))
	switch {
	case s == belowCut && l.zone.names[canonical(ns.Ns)].hasAddress():
	case (s == belowCut || s == noAddress) && required:
		l.tell(i, Warn, "%s/NS '%s' has no REQUIRED GLUE address records (A or AAAA)", owner, host)
	case s == belowCut && l.Checks.Sibling:
		l.tell(i, Warn, "%s/NS '%s' has no SIBLING GLUE address records (A or AAAA)", owner, host)
	case s == noAddress:
		l.tell(i, Warn, "%s/NS '%s' has no address records (A or AAAA)", owner, host)
	case s == isAlias:
		l.tell(i, Warn, "%s/NS '%s' is a CNAME (illegal)", owner, host)
	case s == belowDNAME:
		l.tell(i, Warn, "%s/NS '%s' is below a DNAME '%s' (illegal)", owner, host, trimDot(top))
	}
}

// checkHost checks a host that mail or a service is at.
func (l *loader) checkHost(i int, what, name string, alias Action) {
	owner, host := trimDot(l.records[i].Header().Name), trimDot(name)
	switch s, top := l.zone.hostState(name); s {
	case noAddress:
		l.tell(i, Warn, "%s/%s '%s' has no address records (A or AAAA)", owner, what, host)
	case isAlias:
		l.tell(i, alias, "%s/%s '%s' is a CNAME (illegal)", owner, what, host)
	case belowDNAME:
		l.tell(i, alias, "%s/%s '%s' is below a DNAME '%s' (illegal)", owner, what, host, trimDot(top))
	}
}

// hostState is what a zone knows of a host.
type hostState uint8

const (
	elsewhere hostState = iota // it is in another zone
	noAddress
	addressed
	isAlias
	belowDNAME
	belowCut // of a delegation
)

// hostState returns it, with the name of the DNAME or the delegation.
func (z *Zone) hostState(host string) (s hostState, top string) {
	host = canonical(host)
	if !dns.IsSubDomain(z.Apex, host) || host == "." {
		return elsewhere, ""
	}
	top, set := z.cut(host, dns.TypeA)
	if set != nil && set.rtype == dns.TypeNS {
		return belowCut, top
	}
	if set != nil {
		return belowDNAME, top
	}
	n := z.names[host]
	if n == nil {
		n = z.wildcard(host)
	}
	switch {
	case n.hasAddress():
		return addressed, ""
	case n != nil && n.set(dns.TypeCNAME) != nil:
		return isAlias, ""
	}
	return noAddress, ""
}

// hasAddress reports whether there are addresses; n may be nil.
func (n *node) hasAddress() bool {
	return n != nil && (n.set(dns.TypeA) != nil || n.set(dns.TypeAAAA) != nil)
}

func (n *node) hasSPF() bool {
	s := n.set(dns.TypeTXT)
	if s == nil {
		return false
	}
	for _, rr := range s.records {
		if txt, ok := rr.(*dns.TXT); ok && isSPF(txt.Txt) {
			return true
		}
	}
	return false
}

// isSPF reports whether a text is a policy of the sender policy framework (RFC 7208, 4.5).
func isSPF(text []string) bool {
	return len(text) > 0 && (strings.HasPrefix(text[0], "v=spf1 ") || text[0] == "v=spf1")
}
