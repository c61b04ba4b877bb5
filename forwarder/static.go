package forwarder

import (
	"fmt"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/wire"
)

// static holds the zones that are answered from memory, by lower-case wire
// name of their apex.
type static map[string]*staticZone

type staticZone struct {
	apex  string // canonical
	soa   *dns.SOA
	allow *acl.Set            // nil: allow-query
	names map[string][]dns.RR // by canonical owner; empty non-terminals hold none
}

func newStatic(cfg *Config, env acl.Env) (static, error) {
	zones := make(static, len(cfg.Static))
	for _, z := range cfg.Static {
		sz := &staticZone{apex: z.Name, names: make(map[string][]dns.RR)}
		if z.AllowQuery != nil {
			sz.allow = z.AllowQuery.Compile(env)
		}
		for _, rr := range z.Records {
			sz.add(rr)
		}
		if sz.soa == nil {
			return nil, fmt.Errorf("zone %s: no SOA record", z.Name)
		}
		zones[wire.PackName(z.Name)] = sz
	}
	return zones, nil
}

// add puts rr under its owner, and makes the names between it and the apex
// exist (RFC 4592, 2.2.2).
func (z *staticZone) add(rr dns.RR) {
	owner := dns.CanonicalName(rr.Header().Name)
	z.names[owner] = append(z.names[owner], rr)
	if soa, ok := rr.(*dns.SOA); ok && owner == z.apex {
		z.soa = soa
	}
	for owner != z.apex && owner != "." {
		owner = parent(owner)
		if _, ok := z.names[owner]; !ok {
			z.names[owner] = nil
		}
	}
}

func parent(name string) string {
	if i, end := dns.NextLabel(name, 0); !end {
		return name[i:]
	}
	return "."
}

// find returns the zone of a lower-case wire name, or nil.
func (s static) find(name []byte) *staticZone {
	if len(s) == 0 {
		return nil
	}
	for {
		if z := s[string(name)]; z != nil {
			return z
		}
		if len(name) <= 1 {
			return nil
		}
		name = name[1+name[0]:]
	}
}

// static answers from z. A forward zone below it is the more specific and wins.
func (a *answerer) static(dst []byte, z *staticZone, c *client) ([]byte, outcome) {
	allow := z.allow
	if allow == nil {
		allow = a.st.sets.query
	}
	if !allow.Match(c.addr.Addr()) {
		return a.prohibited(dst, c), replied
	}
	m := a.ours()
	if a.rights.recurse {
		m.RecursionAvailable = a.st.cfg.Recursion
	}
	z.answer(m, dns.CanonicalName(m.Question[0].Name), a.q.Type)
	return a.pack(dst, m, c), replied
}

// answer fills m with what the zone has for name and qtype (RFC 1034, 4.3.2;
// there are no delegations in such zones).
func (z *staticZone) answer(m *dns.Msg, name string, qtype uint16) {
	for range maxChase {
		records, owner := z.lookup(name)
		if owner == "" {
			m.Rcode = dns.RcodeNameError
			break
		}
		n := len(m.Answer)
		var cname *dns.CNAME
		for _, rr := range records {
			if c, ok := rr.(*dns.CNAME); ok && qtype != dns.TypeCNAME && qtype != dns.TypeANY {
				cname = c
			}
			if t := rr.Header().Rrtype; t == qtype || qtype == dns.TypeANY || cname != nil {
				m.Answer = append(m.Answer, renamed(rr, name))
			}
		}
		if cname != nil && dns.IsSubDomain(z.apex, dns.CanonicalName(cname.Target)) {
			name = dns.CanonicalName(cname.Target)
			continue
		}
		if len(m.Answer) > n {
			return
		}
		break
	}
	soa := dns.Copy(z.soa).(*dns.SOA)
	soa.Hdr.Ttl = min(soa.Hdr.Ttl, soa.Minttl)
	if qtype == dns.TypeSOA {
		soa.Hdr.Ttl = 0 // whoever looks for the apex keeps nothing (BIND's zero-no-soa-ttl)
	}
	m.Ns = []dns.RR{soa}
}

// lookup returns the records at name, or at the wildcard that covers it, and
// which of the two it was.
func (z *staticZone) lookup(name string) (records []dns.RR, owner string) {
	if rrs, ok := z.names[name]; ok {
		return rrs, name
	}
	for name != z.apex && name != "." {
		name = parent(name)
		if _, ok := z.names[name]; !ok {
			continue
		}
		star := "*." + name
		if rrs, ok := z.names[star]; ok {
			return rrs, star
		}
		break
	}
	return nil, ""
}

func renamed(rr dns.RR, name string) dns.RR {
	if dns.CanonicalName(rr.Header().Name) == name {
		return rr
	}
	rr = dns.Copy(rr)
	rr.Header().Name = name
	return rr
}

// ours starts an authoritative reply to the current query.
func (a *answerer) ours() *dns.Msg {
	m := new(dns.Msg)
	m.Id, m.Response, m.Authoritative, m.Compress = a.q.ID, true, true, true
	m.RecursionDesired = a.q.Flags&wire.RD != 0
	m.CheckingDisabled = a.q.Flags&wire.CD != 0
	m.Question = []dns.Question{{Name: wire.NameText(a.q.Name()), Qtype: a.q.Type, Qclass: a.q.Class}}
	return m
}

// pack appends m, which ours began, with our OPT and within the client's size.
func (a *answerer) pack(dst []byte, m *dns.Msg, c *client) []byte {
	if a.q.Type == dns.TypeANY && a.st.cfg.MinimalAny && !c.tcp && len(m.Answer) > 0 {
		m.Answer = firstSet(m.Answer)
	}
	if !c.tcp {
		m.Truncate(a.limit(c))
	}
	packed, err := m.Pack()
	if err != nil {
		return a.fail(dst, c, ede{})
	}
	from := len(dst)
	dst = append(dst, packed...)
	copy(dst[from+wire.HeaderLen:], a.q.Question)
	if a.q.EDNS.Present {
		dst = a.appendOPT(dst, from, m.Rcode, c, ede{})
	}
	if len(dst)-from > a.limit(c) { // by our OPT
		return a.bare(dst[:from], wire.Flags(packed)|wire.TC, m.Rcode, c, ede{})
	}
	a.count(0, SourceLocal, m.Rcode)
	return dst
}
