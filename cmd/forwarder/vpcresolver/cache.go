package vpcresolver

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Caches are the layers between a client and the records. The zero value is
// none: every answer has the newest records and their whole TTLs.
type Caches struct {
	Instance bool // one for each client's address: that of the instance's own card
	Fleet    int  // hosts behind it, each with its own; a query is for any of them. 0 is no fleet
	ByZone   bool // each IPv4 /24 has a fleet to itself, as each Availability Zone has
}

// place is where a cache is.
type place struct {
	instance netip.Addr
	fleet    netip.Prefix
	host     int
}

// layer is one cache. What has expired stays in it for as long as nothing newer
// came.
type layer map[rrset]hop

// hop is what there is at one name for one type.
type hop struct {
	rcode  int
	rrs    []dns.RR // the set asked for, or a CNAME or DNAME that leads on
	soa    []dns.RR // of a negative answer, if the zone has one
	stored time.Time
}

// ttl returns for how long the hop may be repeated: not at all without any
// record.
func (h hop) ttl() time.Duration {
	records := slices.Concat(h.rrs, h.soa)
	if len(records) == 0 {
		return 0
	}
	ttl := uint32(math.MaxUint32)
	for _, rr := range records {
		ttl = min(ttl, rr.Header().Ttl)
	}
	return time.Duration(ttl) * time.Second
}

// left returns the hop with the TTLs less the whole seconds that went by or,
// with up, less the second that has begun too. ok is false if it has expired.
func (h hop) left(now time.Time, up bool) (_ hop, ok bool) {
	age := now.Sub(h.stored)
	if age >= h.ttl() {
		return hop{}, false
	}
	if up {
		age += time.Second - 1
	}
	seconds := uint32(age / time.Second)
	h.each(func(rr dns.RR) { rr.Header().Ttl -= min(seconds, rr.Header().Ttl) })
	return h, true
}

// each changes copies of all records.
func (h *hop) each(change func(dns.RR)) {
	for _, list := range []*[]dns.RR{&h.rrs, &h.soa} {
		copies := make([]dns.RR, len(*list))
		for i, rr := range *list {
			copies[i] = dns.Copy(rr)
			change(copies[i])
		}
		*list = copies
	}
}

// staleTTL is what RFC 8767, section 4, has answers say that are repeated past
// their TTL, in seconds. What the VPC resolver has them say is not known.
const staleTTL = 30

// stale returns the hop as it is repeated after its end.
func (h hop) stale() hop {
	h.each(func(rr dns.RR) { rr.Header().Ttl = min(staleTTL, rr.Header().Ttl) })
	return h
}

// owned gives the records of a wildcard the name that was asked for.
func (h hop) owned(name string) hop {
	wild := func(rr dns.RR) bool { return strings.HasPrefix(rr.Header().Name, "*.") }
	if !slices.ContainsFunc(h.rrs, wild) {
		return h
	}
	h.each(func(rr dns.RR) {
		if wild(rr) {
			rr.Header().Name = name
		}
	})
	return h
}

// sameData reports whether two hops differ in nothing but TTLs and order.
func (h hop) sameData(other hop) bool {
	return h.rcode == other.rcode && slices.Equal(h.data(), other.data())
}

func (h hop) data() []string {
	var list []string
	h.each(func(rr dns.RR) { rr.Header().Ttl = 0 })
	for _, rr := range h.rrs {
		list = append(list, rr.String())
	}
	slices.Sort(list)
	return list
}
