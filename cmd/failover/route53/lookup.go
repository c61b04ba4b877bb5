package route53

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// Authority is the authoritative servers as one VPC sees them: its private
// zones, and before the Internet's the public ones.
type Authority struct {
	server *Server
	vpc    string
}

// Authority returns the servers as the VPC with that ID sees them; "" is the
// Internet, which sees no private zone.
func (s *Server) Authority(vpcID string) Authority { return Authority{s, vpcID} }

// Servers returns how many there are.
func (a Authority) Servers() int { return a.server.Servers() }

// Lookup asks one of the servers, 0 being the first, for the records of a type
// at a name, as it had them that long ago (0: now, 10 minutes at most), and returns
// its reply: an answer, or a denial with the SOA. It is nil if no zone has the name. Aliases
// to names of the zone and wildcards are resolved, CNAMEs are not followed. Of
// several sets one is drawn: a weighted by its weight, the PRIMARY, up to eight
// multivalue ones.
func (a Authority) Lookup(server int, name string, rrtype uint16, ago time.Duration) *dns.Msg {
	s := a.server
	s.mu.Lock()
	defer s.mu.Unlock()
	owner := fromDNS(name)
	z := s.zoneOf(owner, a.vpc)
	if z == nil {
		return nil
	}
	reply := new(dns.Msg)
	reply.SetQuestion(dns.Fqdn(name), rrtype)
	reply.Response, reply.Authoritative = true, true
	st := z.at(server, s.options.Clock().Add(-ago))
	if _, exists := st.source(owner); !exists {
		reply.Rcode = dns.RcodeNameError
	}
	reply.Answer = st.records(owner, dns.Fqdn(name), dns.TypeToString[rrtype], z.ID, maxAliases)
	if len(reply.Answer) == 0 {
		reply.Ns = z.soa(st)
	}
	return reply
}

// maxAliases ends a chain of aliases that goes in a circle.
const maxAliases = 8

// zoneOf returns the zone nearest above the name: private ones first.
func (s *Server) zoneOf(name, vpc string) *zone {
	var best *zone
	better := func(z *zone) bool {
		return best == nil || z.private() && !best.private() || z.private() == best.private() && len(z.Name) > len(best.Name)
	}
	for _, z := range s.zones {
		visible := !z.private() || slices.ContainsFunc(z.VPCs, func(v VPC) bool { return v.VPCId == vpc })
		if visible && within(name, z.Name) && better(z) {
			best = z
		}
	}
	return best
}

// at returns what a server had.
func (z *zone) at(server int, when time.Time) *state {
	for _, st := range slices.Backward(z.states) {
		if !st.arrival(server).After(when) {
			return st
		}
	}
	return z.states[0]
}

// privateDenial is for how long the VPC resolver keeps a denial from a private
// zone, in seconds: a third of what the SOA record that Route 53 makes says.
const privateDenial = 300

// soa is what denies something: RFC 2308, section 3.
func (z *zone) soa(st *state) []dns.RR {
	rrs := st.sets[key{z.Name, "SOA", ""}].rrs(dnsName(z.Name))
	for _, rr := range rrs {
		if z.private() {
			rr.Header().Ttl = min(rr.Header().Ttl, privateDenial)
		}
	}
	return rrs
}

// source returns the owner of the records that answer for the name: itself, or
// the wildcard below its closest encloser (RFC 4592).
func (st *state) source(name string) (string, bool) {
	if st.names[name] {
		return name, true
	}
	for encloser := parent(name); encloser != "."; encloser = parent(encloser) {
		if wildcard := `\052.` + encloser; st.names[wildcard] {
			return wildcard, true
		}
		if st.names[encloser] {
			return "", false
		}
	}
	return "", false
}

// records returns those of the type at the name, or its CNAME, with owner as
// their owner.
func (st *state) records(name, owner, rrtype, zoneID string, aliases int) []dns.RR {
	source, exists := st.source(name)
	if !exists || aliases == 0 {
		return nil
	}
	var rrs []dns.RR
	for _, r := range st.chosen(source, rrtype) {
		switch alias := r.AliasTarget; {
		case alias == nil:
			rrs = append(rrs, r.rrs(owner)...)
		case alias.HostedZoneId == zoneID:
			rrs = append(rrs, st.records(alias.DNSName, owner, rrtype, zoneID, aliases-1)...)
		}
	}
	return rrs
}

// chosen returns the sets that are given this time.
func (st *state) chosen(owner, rrtype string) []RecordSet {
	var sets []RecordSet
	for k, r := range st.sets {
		if k.name == owner && (k.rrtype == rrtype || k.rrtype == "CNAME") {
			sets = append(sets, r)
		}
	}
	if len(sets) < 2 {
		return sets
	}
	slices.SortFunc(sets, compareSets)
	switch sets[0].policy() {
	case "weighted":
		return weighed(sets)
	case "multivalue":
		const most = 8
		rand.Shuffle(len(sets), func(i, j int) { sets[i], sets[j] = sets[j], sets[i] })
		return sets[:min(most, len(sets))]
	case "failover":
		return slices.DeleteFunc(sets, func(r RecordSet) bool { return r.Failover != "PRIMARY" })
	}
	return sets[:1]
}

// weighed draws one. If all weigh nothing they are drawn alike.
func weighed(sets []RecordSet) []RecordSet {
	total := int64(0)
	for _, r := range sets {
		total += *r.Weight
	}
	if total == 0 {
		i := rand.IntN(len(sets))
		return sets[i : i+1]
	}
	drawn := rand.Int64N(total)
	for i, r := range sets {
		if drawn -= *r.Weight; drawn < 0 {
			return sets[i : i+1]
		}
	}
	return nil // drawn is below total
}

// rrs are the set's values as records of the owner.
func (r RecordSet) rrs(owner string) []dns.RR {
	var rrs []dns.RR
	for _, record := range r.ResourceRecords {
		if rr, err := parseRR(".", r.Type, *r.TTL, record.Value); err == nil { // it was read before
			rr.Header().Name = owner
			rrs = append(rrs, rr)
		}
	}
	return rrs
}
