package local

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// Action is what becomes of a zone in which a check finds something.
type Action uint8

// The actions.
const (
	Ignore Action = iota
	Warn
	Fail // the zone is not served
)

// Checks are BIND's check- options for primary zones.
type Checks struct {
	Names     Action // check-names: of hosts and mailboxes
	MX        Action // check-mx: an address in place of a name
	MXCNAME   Action // check-mx-cname
	SRVCNAME  Action // check-srv-cname
	SPF       bool   // check-spf
	Wildcard  bool   // check-wildcard
	Integrity bool   // check-integrity: that what records name is there
	Sibling   bool   // check-sibling: glue of other delegations too
}

// DefaultChecks are those of BIND.
func DefaultChecks() Checks {
	return Checks{Names: Fail, MX: Warn, MXCNAME: Warn, SRVCNAME: Warn, SPF: true, Wildcard: true, Integrity: true, Sibling: true}
}

// found notes what a check of one record found.
func (l *loader) found(a Action, format string, args ...any) error {
	switch a {
	case Fail:
		return l.errorf(l.source.start, format, args...)
	case Warn:
		l.warnf(l.source.start, format, args...)
	}
	return nil
}

// checkNames checks the names of a record: those of hosts (RFC 952; RFC 1123,
// 2.1), and of mailboxes (RFC 1035, 8). data is its data as written.
func (l *loader) checkNames(rr dns.RR, data []token) error {
	h := rr.Header()
	if !goodOwner(h.Name, h.Rrtype) {
		return l.found(l.Checks.Names, "%s: bad owner name (check-names)", trimDot(h.Name))
	}
	if name, good := l.goodTarget(rr); !good {
		return l.found(l.Checks.Names, "%s: bad name (check-names)", trimDot(name))
	}
	if h.Rrtype == dns.TypeMX && isAddress(data[len(data)-1].text) {
		return l.found(l.Checks.MX, "'%s': MX is an address", data[len(data)-1].text)
	}
	return nil
}

// isAddress reports whether somebody wrote an address in place of a name.
func isAddress(text string) bool {
	_, err := netip.ParseAddr(strings.TrimSuffix(text, "."))
	return err == nil
}

// goodOwner reports whether a name may own records of a type.
func goodOwner(name string, rtype uint16) bool {
	switch rtype {
	case dns.TypeA, dns.TypeAAAA:
		rest, ok := strings.CutPrefix(dns.CanonicalName(name), "gc._msdcs.") // Active Directory's
		return ok || hostName(name, true) || ok && hostName(rest, false)
	case typeA6, dns.TypeMX, typeWKS:
		return hostName(name, true)
	case dns.TypeMB, dns.TypeMG:
		return mailbox(name)
	}
	return true
}

// goodTarget reports whether the host or mailbox in the data of a record has a name for
// one; if not, it returns the name.
func (l *loader) goodTarget(rr dns.RR) (string, bool) {
	switch rr := rr.(type) {
	case *dns.NS:
		return rr.Ns, hostName(rr.Ns, false)
	case *dns.MX:
		return rr.Mx, hostName(rr.Mx, false)
	case *dns.SRV:
		return rr.Target, hostName(rr.Target, false)
	case *dns.AFSDB:
		return rr.Hostname, hostName(rr.Hostname, false)
	case *dns.RT:
		return rr.Host, hostName(rr.Host, false)
	case *dns.SVCB:
		return rr.Target, hostName(rr.Target, false)
	case *dns.HTTPS:
		return rr.Target, hostName(rr.Target, false)
	case *dns.PTR:
		return rr.Ptr, !reverse(l.Apex) || discovery(rr.Hdr.Name) || hostName(rr.Ptr, false)
	case *dns.SOA:
		if !hostName(rr.Ns, false) {
			return rr.Ns, false
		}
		return rr.Mbox, mailbox(rr.Mbox)
	}
	return "", true
}

// hostName reports whether a name is one of a host, or a wildcard of such.
func hostName(name string, wildcard bool) bool {
	name = unescaped(name)
	if wildcard {
		name = strings.TrimPrefix(name, "*.")
	}
	if name == "." || name == "" {
		return true
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if !hostLabel(label) {
			return false
		}
	}
	return true
}

// unescaped is a name with no escapes but those that it needs.
func unescaped(name string) string {
	if !strings.Contains(name, `\`) {
		return name
	}
	return wire.NameText([]byte(wire.PackName(name)))
}

// hostLabel reports whether a label has letters, digits, and hyphens between. One with
// an escape has others.
func hostLabel(label string) bool {
	for i := range len(label) {
		c := label[i]
		alphanumeric := c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
		if !alphanumeric && (c != '-' || i == 0 || i == len(label)-1) {
			return false
		}
	}
	return label != ""
}

// mailbox reports whether a name is one of a mailbox: a local part that can be printed
// in front of a host's name.
func mailbox(name string) bool {
	if name == "." {
		return true
	}
	name = unescaped(name)
	i, _ := dns.NextLabel(name, 0)
	local, host := name[:i], name[i:]
	for i := 0; i < len(local); i++ {
		c := local[i]
		if c == '\\' && i+1 < len(local) {
			i++
			if c = local[i]; c >= '0' && c <= '9' { // one that cannot be printed
				return false
			}
		}
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return hostName(host, false)
}

// reverse reports whether names of a zone are addresses.
func reverse(apex string) bool {
	return dns.IsSubDomain("in-addr.arpa.", apex) || dns.IsSubDomain("ip6.arpa.", apex) || dns.IsSubDomain("ip6.int.", apex)
}

// discovery reports whether a name is one of DNS service discovery (RFC 6763, 11).
func discovery(name string) bool {
	labels := dns.SplitDomainName(strings.ToLower(name))
	if len(labels) < 3 || labels[1] != "_dns-sd" || labels[2] != "_udp" {
		return false
	}
	switch labels[0] {
	case "b", "db", "r", "dr", "lb":
		return true
	}
	return false
}
