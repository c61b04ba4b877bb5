package local

import (
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// addServers appends the zone's NS records to the authority section, unless they are in the
// answer.
func (l *lookup) addServers() {
	apex := l.z.names[l.z.Apex]
	ns := apex.set(dns.TypeNS)
	if !l.beside.Authority || ns == nil || l.has(l.z.Apex, dns.TypeNS) {
		return
	}
	l.m.Ns = l.appendSet(l.m.Ns, apex, ns, l.z.Apex)
	l.addHosts(ns, l.z.Apex)
}

// has reports whether m has a set.
func (l *lookup) has(name string, rtype uint16) bool {
	for _, section := range [...][]dns.RR{l.m.Answer, l.m.Ns, l.m.Extra} {
		for _, rr := range section {
			if h := rr.Header(); h.Rrtype == rtype && dns.CanonicalName(h.Name) == name {
				return true
			}
		}
	}
	return false
}

// addHosts appends what the zone knows of the hosts that a set of owner names to the
// additional section; for ANY nothing, as in BIND.
func (l *lookup) addHosts(s *rrset, owner string) {
	if !l.beside.Additional || l.qtype == dns.TypeANY {
		return
	}
	for _, rr := range s.records {
		l.addHostsOf(rr, owner)
	}
}

func (l *lookup) addHostsOf(rr dns.RR, owner string) {
	switch rr := rr.(type) {
	case *dns.NS:
		l.addHost(rr.Ns)
	case *dns.MX:
		l.addHost(rr.Mx)
		l.addSet("_25._tcp."+rr.Mx, dns.TypeTLSA)
	case *dns.SRV:
		l.addHost(rr.Target)
		l.addSet("_"+strconv.Itoa(int(rr.Port))+"._tcp."+rr.Target, dns.TypeTLSA)
	case *dns.AFSDB:
		l.addHost(rr.Hostname)
	case *dns.KX:
		l.addHost(rr.Exchanger)
	case *dns.MB:
		l.addHost(rr.Mb)
	case *dns.RT:
		l.addSet(rr.Host, dns.TypeX25)
		l.addSet(rr.Host, dns.TypeISDN)
		l.addHost(rr.Host)
	case *dns.LP:
		l.addSet(rr.Fqdn, dns.TypeL32)
		l.addSet(rr.Fqdn, dns.TypeL64)
	case *dns.NAPTR:
		l.addReplacement(rr)
	case *dns.SVCB:
		l.addService(rr, owner)
	case *dns.HTTPS:
		l.addService(&rr.SVCB, owner)
	}
}

// addHost appends the addresses of a host.
func (l *lookup) addHost(name string) {
	l.addSet(name, dns.TypeA)
	l.addSet(name, dns.TypeAAAA)
}

// addReplacement appends what the name at the end of a NAPTR is for (RFC 3403, 4.1).
func (l *lookup) addReplacement(rr *dns.NAPTR) {
	switch strings.ToLower(rr.Flags) {
	case "s":
		if s := l.addSet(rr.Replacement, dns.TypeSRV); s != nil {
			l.addHosts(s, canonical(rr.Replacement))
		}
	case "a":
		l.addHost(rr.Replacement)
	}
}

// maxAliases bounds the chain behind a service.
const maxAliases = 16

// addService appends the end of the chain behind an SVCB record, and its addresses (RFC 9460,
// 4.1).
func (l *lookup) addService(rr *dns.SVCB, owner string) {
	name := canonical(rr.Target)
	if name == "." {
		if rr.Priority > 0 {
			l.addHost(owner)
		}
		return
	}
	for range maxAliases {
		s := l.addSet(name, dns.TypeCNAME)
		if s == nil {
			break
		}
		name = canonical(target(s.records[0]))
	}
	if rr.Priority == 0 {
		if s := l.addSet(name, rr.Hdr.Rrtype); s != nil {
			l.addHosts(s, name)
			return
		}
	}
	l.addHost(name)
}

// addSet appends a set that the zone has, and returns it. What is there already is not
// appended again.
func (l *lookup) addSet(name string, rtype uint16) *rrset {
	name = canonical(name)
	if !dns.IsSubDomain(l.z.Apex, name) {
		return nil
	}
	if _, cut := l.z.cut(name, rtype); cut != nil {
		return nil
	}
	n := l.z.names[name]
	if n == nil {
		n = l.z.wildcard(name)
	}
	if n == nil {
		return nil
	}
	s := n.set(rtype)
	if s != nil && !l.has(name, rtype) {
		l.m.Extra = l.appendSet(l.m.Extra, n, s, name)
	}
	return s
}

// addGlue appends the addresses of a server of a delegation, which the zone has for nobody
// else (RFC 1034, 4.2.1).
func (l *lookup) addGlue(name string) {
	n := l.z.names[name]
	if _, cut := l.z.cut(name, dns.TypeA); cut == nil || n == nil {
		return
	}
	for _, rtype := range [...]uint16{dns.TypeA, dns.TypeAAAA} {
		if s := n.set(rtype); s != nil && !l.has(name, rtype) {
			l.m.Extra = append(l.m.Extra, s.records...)
		}
	}
}
