package local

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// header is what stands before a record's data.
type header struct {
	rtype    uint16
	ttl      uint32
	explicit bool // the record has a TTL
}

// header reads [TTL] [CLASS] TYPE or [CLASS] [TTL] TYPE (RFC 1035, 5.1).
func (l *loader) header(fields []token) (h header, rest []token, err error) {
	class := uint16(dns.ClassINET)
	h.ttl, h.explicit, fields = l.takeTTL(fields)
	if len(fields) > 0 {
		if c, ok := parseClass(fields[0].text); ok {
			class, fields = c, fields[1:]
		}
	}
	if !h.explicit {
		h.ttl, h.explicit, fields = l.takeTTL(fields)
	}
	if len(fields) == 0 {
		return h, nil, l.errorf(l.source.start, "unexpected end of line")
	}
	if h.rtype, err = parseType(fields[0].text); err != nil {
		return h, nil, l.errorf(l.source.start, "%v '%s'", err, fields[0].text)
	}
	if class != dns.ClassINET {
		return h, nil, l.errorf(l.source.start, "class '%v' != zone class 'IN'", dns.Class(class))
	}
	return h, fields[1:], nil
}

// takeTTL takes a TTL off the fields, if they start with one.
func (l *loader) takeTTL(fields []token) (ttl uint32, ok bool, rest []token) {
	if len(fields) == 0 {
		return 0, false, fields
	}
	if ttl, ok = parseTTL(fields[0].text); !ok {
		return 0, false, fields
	}
	l.ttl, l.hasTTL = l.limitTTL(ttl), true
	return l.ttl, true, fields[1:]
}

// limitTTL makes 0 of what is no TTL (RFC 2181, 8).
func (l *loader) limitTTL(ttl uint32) uint32 {
	if ttl >= 1<<31 {
		l.warnf(l.source.start, "TTL %d > MAXTTL, setting TTL to 0", ttl)
		return 0
	}
	return ttl
}

// record adds a record to the zone. What is not in the zone is left out.
func (l *loader) record(owner string, h header, data []token) error {
	rr, err := parseData(h.rtype, data, l.origin)
	if err != nil {
		return l.errorf(l.source.start, "%s: %s: %v", trimDot(owner), typeName(h.rtype), err)
	}
	*rr.Header() = dns.RR_Header{Name: owner, Rrtype: h.rtype, Class: dns.ClassINET}
	if err := l.checkNamesOf(rr, data); err != nil {
		return err
	}
	if !dns.IsSubDomain(l.Apex, dns.CanonicalName(owner)) {
		l.outOfZone(owner)
		return nil
	}
	if rr.Header().Ttl, err = l.ttlOf(h, rr); err != nil {
		return err
	}
	if err := l.checkPlace(rr); err != nil {
		return err
	}
	return l.add(rr)
}

func (l *loader) outOfZone(owner string) {
	if owner != l.told {
		l.told = owner
		l.warnf(l.source.start, "ignoring out-of-zone data (%s)", trimDot(owner))
	}
}

// ttlOf returns the TTL of a record: its own; else the default (RFC 2308, 4), which
// without $TTL is that of the record before (RFC 1035, 5.1), or the SOA's MINIMUM.
func (l *loader) ttlOf(h header, rr dns.RR) (uint32, error) {
	soa, isSOA := rr.(*dns.SOA)
	switch {
	case h.explicit:
		return h.ttl, nil
	case l.hasDefault:
		return l.defaultTTL, nil
	case l.hasTTL:
		l.warnInherited()
		return l.ttl, nil
	case isSOA:
		l.warnf(l.source.start, "no TTL specified; using SOA MINTTL instead")
		l.defaultTTL, l.hasDefault = l.limitTTL(soa.Minttl), true
		return l.defaultTTL, nil
	}
	return 0, l.errorf(l.source.start, "no TTL specified: put $TTL before it")
}

func (l *loader) warnInherited() {
	if !l.inherited {
		l.inherited = true
		l.warnf(l.source.start, "using RFC1035 TTL semantics")
	}
}

// checkNamesOf checks the names of a record, be it in the zone or not.
func (l *loader) checkNamesOf(rr dns.RR, data []token) error {
	if name := rr.Header().Name; l.Checks.Wildcard && innerWildcard(name) {
		l.warnf(l.source.start, "ownername '%s' contains an non-terminal wildcard", trimDot(name))
	}
	if l.generated {
		return nil
	}
	return l.checkNames(rr, data)
}

// checkPlace checks whether a record may be where it is.
func (l *loader) checkPlace(rr dns.RR) error {
	h := rr.Header()
	top := dns.CanonicalName(h.Name) == l.Apex
	switch {
	case h.Rrtype == dns.TypeSOA && !top:
		return l.errorf(l.source.start, "SOA record not at top of zone (%s)", trimDot(h.Name))
	case h.Rrtype == dns.TypeDS && top:
		return l.errorf(l.source.start, "DS record at top of zone (%s)", trimDot(h.Name))
	case h.Rrtype == dns.TypeNS && strings.HasPrefix(h.Name, "*."): // RFC 4592, 4.2
		return l.errorf(l.source.start, "%s: invalid NS owner name (wildcard)", trimDot(h.Name))
	}
	l.warnExpired(rr)
	return nil
}

// innerWildcard reports whether a label but the first is an asterisk.
func innerWildcard(name string) bool { return strings.Contains(name, ".*.") }

// warnExpired tells of signatures that nobody will believe any more.
func (l *loader) warnExpired(rr dns.RR) {
	sig, ok := rr.(*dns.RRSIG)
	if ok && !l.expired && int32(sig.Expiration-uint32(time.Now().Unix())) < 0 { // RFC 4034, 3.1.5
		l.expired = true
		l.warnf(l.source.start, "signature has expired")
	}
}

// add puts a checked record into the zone, unless it is there.
func (l *loader) add(rr dns.RR) error {
	h := rr.Header()
	again, err := l.seen.again(rr, l.records)
	if err != nil {
		return l.errorf(l.source.start, "%s: %s: %v", trimDot(h.Name), typeName(h.Rrtype), err)
	}
	n := l.zone.node(dns.CanonicalName(h.Name))
	l.join(n, rr)
	if again {
		l.warnf(l.source.start, "%s: %s: the same record is there already", trimDot(h.Name), typeName(h.Rrtype))
		return nil
	}
	if len(l.records) == maxZoneRecords {
		return l.errorf(l.source.start, "more than %d records", maxZoneRecords)
	}
	if err := n.admits(h.Rrtype); err != nil {
		return l.errorf(l.source.start, "%s: %v", trimDot(h.Name), err)
	}
	l.zone.add(rr)
	l.records = append(l.records, rr)
	l.places = append(l.places, place{l.source.path, l.source.start})
	return nil
}

var (
	errSingleton = errors.New("multiple RRs of singleton type")
	errCNAME     = errors.New("CNAME and other data")
)

// admits reports whether a record of a type may come to what n has (RFC 1034, 3.6.2; RFC
// 2181, 10.1; RFC 6672, 2.4).
func (n *node) admits(rtype uint16) error {
	switch rtype {
	case dns.TypeCNAME, dns.TypeDNAME, dns.TypeSOA:
		if n.set(rtype) != nil {
			return errSingleton
		}
	}
	if rtype == dns.TypeCNAME && slices.ContainsFunc(n.sets, func(s rrset) bool { return !besideCNAME(s.rtype) }) ||
		n.set(dns.TypeCNAME) != nil && !besideCNAME(rtype) {
		return errCNAME
	}
	return nil
}

// besideCNAME reports whether a CNAME may have that type beside it: DNSSEC's own
// (RFC 4034, 3 and 4; RFC 2535, 3).
func besideCNAME(rtype uint16) bool {
	switch rtype {
	case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeSIG, dns.TypeNXT, dns.TypeKEY, dns.TypeCNAME:
		return true
	}
	return false
}

// join makes rr like the records of its set: they have one owner, letter by letter,
// and one TTL (RFC 2181, 5.2). That is the first one's of records that follow each other, and
// the last one's of others, as in named.
func (l *loader) join(n *node, rr dns.RR) {
	h := rr.Header()
	follows := h.Name == l.batch.owner
	if !follows {
		l.batch = batch{owner: h.Name}
	}
	key := setKey{h.Rrtype, covered(rr)}
	follows = follows && slices.Contains(l.batch.sets, key)
	l.batch.sets = append(l.batch.sets, key)
	s := n.find(key)
	if s == nil {
		return
	}
	first := s.records[0].Header()
	h.Name = first.Name
	if h.Ttl == first.Ttl {
		return
	}
	if follows {
		l.warnf(l.source.start, "TTL set to prior TTL (%d)", first.Ttl)
		h.Ttl = first.Ttl
		return
	}
	l.warnf(l.source.start, "%s: %s: TTL of earlier records set to %d", trimDot(h.Name), typeName(h.Rrtype), h.Ttl)
	for _, earlier := range s.records {
		earlier.Header().Ttl = h.Ttl
	}
}

// batch is the records that follow each other and have one owner.
type batch struct {
	owner string
	sets  []setKey
}

// trimDot is a name as named logs it: without the final dot, but for the root.
func trimDot(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}
