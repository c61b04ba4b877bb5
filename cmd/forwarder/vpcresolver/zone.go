package vpcresolver

import (
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// maxHops ends a CNAME chain that goes in a circle.
const maxHops = 16

// rrset names a record set: a canonical owner name and a type.
type rrset struct {
	name   string
	rrtype uint16
}

// zone is the records, and with caching what was last answered from them.
type zone struct {
	mu     sync.Mutex
	sets   map[rrset][]dns.RR
	exists map[string]bool // every owner name and every name above one
	cache  map[rrset]hop   // nil: not caching
}

// hop is what the zone has at one name for one type.
type hop struct {
	rcode  int
	rrs    []dns.RR // the set asked for, or a CNAME or DNAME that leads on
	soa    []dns.RR // of a negative answer, if the zone has one
	stored time.Time
}

func (z *zone) init(caching bool) {
	z.sets = map[rrset][]dns.RR{}
	z.exists = map[string]bool{}
	if caching {
		z.cache = map[rrset]hop{}
	}
}

func setOf(rr dns.RR) rrset {
	return rrset{dns.CanonicalName(rr.Header().Name), rr.Header().Rrtype}
}

func (z *zone) add(rrs []dns.RR) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.insert(rrs)
}

func (z *zone) replace(rrs []dns.RR) {
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, rr := range rrs {
		delete(z.sets, setOf(rr))
	}
	z.insert(rrs)
}

func (z *zone) insert(rrs []dns.RR) {
	for _, rr := range rrs {
		set := setOf(rr)
		z.sets[set] = append(z.sets[set], rr)
		for _, i := range dns.Split(set.name) {
			z.exists[set.name[i:]] = true
		}
	}
}

func (z *zone) flush() {
	z.mu.Lock()
	defer z.mu.Unlock()
	clear(z.cache)
}

// answer fills in the reply to its own question, following CNAMEs.
func (z *zone) answer(reply *dns.Msg, do bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	name, qtype := reply.Question[0].Name, reply.Question[0].Qtype
	for range maxHops {
		h := z.hop(name, qtype)
		reply.Rcode = h.rcode
		reply.Ns = append(reply.Ns, h.soa...)
		reply.Answer = append(reply.Answer, h.rrs...)
		if do {
			reply.Answer = append(reply.Answer, z.signatures(name, h.rrs)...)
		}
		target, ok := leadsTo(h.rrs, qtype)
		if !ok {
			reply.Extra = z.addresses(h.rrs)
			return
		}
		name = target
	}
}

// leadsTo returns the target when rrs is an alias and not the answer.
func leadsTo(rrs []dns.RR, qtype uint16) (target string, ok bool) {
	if len(rrs) == 0 || qtype == dns.TypeCNAME || qtype == dns.TypeANY {
		return "", false
	}
	cname, ok := rrs[len(rrs)-1].(*dns.CNAME)
	if !ok {
		return "", false
	}
	return cname.Target, true
}

// hop returns what there is now, or what the cache has of earlier, with the
// TTLs less the whole seconds that went by.
func (z *zone) hop(name string, qtype uint16) hop {
	set := rrset{dns.CanonicalName(name), qtype}
	age := uint32(0)
	h, cached := z.cache[set]
	if cached {
		age = uint32(time.Since(h.stored) / time.Second)
	}
	if !cached || age >= h.ttl() {
		age = 0
		h = z.find(set)
		h.stored = time.Now()
		if z.cache != nil {
			z.cache[set] = h
		}
	}
	h.rrs = aged(h.rrs, age, name)
	h.soa = aged(h.soa, age, "")
	return h
}

// ttl returns the seconds for which the hop may be repeated: none without any
// record.
func (h hop) ttl() uint32 {
	records := slices.Concat(h.rrs, h.soa)
	if len(records) == 0 {
		return 0
	}
	ttl := uint32(math.MaxUint32)
	for _, rr := range records {
		ttl = min(ttl, rr.Header().Ttl)
	}
	return ttl
}

// aged copies rrs with age seconds less to live. The owner, unless "", takes
// the place of a wildcard.
func aged(rrs []dns.RR, age uint32, owner string) []dns.RR {
	copies := make([]dns.RR, len(rrs))
	for i, rr := range rrs {
		copies[i] = dns.Copy(rr)
		copies[i].Header().Ttl -= age
		if owner != "" && strings.HasPrefix(rr.Header().Name, "*.") {
			copies[i].Header().Name = owner
		}
	}
	return copies
}

// find looks the set up in the records: RFC 1034, section 4.3.2, step 3.
func (z *zone) find(set rrset) hop {
	owner, ok := z.owner(set.name)
	if !ok {
		if rrs := z.dname(set.name); rrs != nil {
			return hop{rrs: rrs}
		}
		return hop{rcode: dns.RcodeNameError, soa: z.soa(set)}
	}
	if set.rrtype == dns.TypeANY {
		return hop{rrs: z.all(owner)}
	}
	if rrs := z.sets[rrset{owner, set.rrtype}]; rrs != nil {
		return hop{rrs: rrs}
	}
	if rrs := z.sets[rrset{owner, dns.TypeCNAME}]; rrs != nil {
		return hop{rrs: rrs}
	}
	return hop{soa: z.soa(set)}
}

// owner returns the name whose records answer for name: itself, or the
// wildcard below its closest encloser (RFC 4592).
func (z *zone) owner(name string) (string, bool) {
	if name == "." || z.exists[name] {
		return name, true
	}
	for i, end := dns.NextLabel(name, 0); !end; i, end = dns.NextLabel(name, i) {
		if z.exists["*."+name[i:]] {
			return "*." + name[i:], true
		}
		if z.exists[name[i:]] {
			return "", false
		}
	}
	return "", false
}

// dname returns the DNAME above the name and the CNAME that it makes of it
// (RFC 6672), or nil.
func (z *zone) dname(name string) []dns.RR {
	for i, end := dns.NextLabel(name, 0); !end; i, end = dns.NextLabel(name, i) {
		rrs := z.sets[rrset{name[i:], dns.TypeDNAME}]
		if rrs == nil {
			continue
		}
		target := rrs[0].(*dns.DNAME).Target
		header := dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: rrs[0].Header().Ttl}
		return []dns.RR{rrs[0], &dns.CNAME{Hdr: header, Target: name[:i] + target}}
	}
	return nil
}

func (z *zone) all(owner string) []dns.RR {
	var rrs []dns.RR
	for set, records := range z.sets {
		if set.name == owner {
			rrs = append(rrs, records...)
		}
	}
	return rrs
}

// soa returns that of the set's zone. A DS record belongs to the zone above
// (RFC 4035, section 3.1.4.1).
func (z *zone) soa(set rrset) []dns.RR {
	if next, end := dns.NextLabel(set.name, 0); set.rrtype == dns.TypeDS && !end {
		return z.above(set.name[next:], dns.TypeSOA)
	}
	return z.above(set.name, dns.TypeSOA)
}

// above returns the record set of the type at the name or the nearest above.
func (z *zone) above(name string, rrtype uint16) []dns.RR {
	for _, i := range append(dns.Split(name), len(name)-1) {
		if rrs := z.sets[rrset{name[i:], rrtype}]; rrs != nil {
			return rrs
		}
	}
	return nil
}

func (z *zone) referral(name string) []dns.RR {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.above(dns.CanonicalName(name), dns.TypeNS)
}

// addresses returns those of the hosts that rrs name, for the additional
// section.
func (z *zone) addresses(rrs []dns.RR) []dns.RR {
	var found []dns.RR
	for _, rr := range rrs {
		host := ""
		switch rr := rr.(type) {
		case *dns.MX:
			host = rr.Mx
		case *dns.SRV:
			host = rr.Target
		case *dns.SVCB:
			host = rr.Target
		}
		for _, rrtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			found = append(found, z.sets[rrset{dns.CanonicalName(host), rrtype}]...)
		}
	}
	return found
}

// signatures returns the RRSIG records over rrs, which stand at name.
func (z *zone) signatures(name string, rrs []dns.RR) []dns.RR {
	var covering []dns.RR
	for _, rr := range z.sets[rrset{dns.CanonicalName(name), dns.TypeRRSIG}] {
		if len(rrs) > 0 && rr.(*dns.RRSIG).TypeCovered == rrs[0].Header().Rrtype {
			covering = append(covering, rr)
		}
	}
	return covering
}
