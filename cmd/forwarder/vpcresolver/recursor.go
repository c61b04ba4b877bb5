package vpcresolver

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// maxHops ends a CNAME chain that goes in a circle.
const maxHops = 16

// Authority is servers that have zones: those of the Route 53 stand-in, say
// (route53.Server.Authority).
type Authority interface {
	// Servers returns how many there are.
	Servers() int
	// Lookup asks one of them, 0 being the first, for the records of a type at
	// a name, as it had them that long ago, and returns its reply: answer, or
	// the SOA of a denial. Nil: no zone has the name.
	Lookup(server int, name string, rrtype uint16, ago time.Duration) *dns.Msg
}

// recursor finds answers: in caches, at the authoritative servers, and in the
// zone of its own.
type recursor struct {
	mu        sync.Mutex
	random    *rand.Rand
	zone      zone
	authority Authority // nil: none
	caches    Caches
	layers    map[place]layer
}

func newRecursor(caches Caches) *recursor {
	return &recursor{
		random: rand.New(rand.NewPCG(10, 80)),
		zone:   zone{sets: map[rrset][]version{}, exists: map[string]time.Time{}},
		caches: caches,
		layers: map[place]layer{},
	}
}

// asking is one question, of which several may make an answer.
type asking struct {
	set    rrset
	client netip.Addr
	faults Faults
	now    time.Time
	server int // of the authority, that a cache miss is for
}

// answer fills in the reply to its own question, following CNAMEs.
func (r *recursor) answer(reply *dns.Msg, do bool, client netip.Addr, f Faults) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name, qtype := reply.Question[0].Name, reply.Question[0].Qtype
	a := asking{client: client, faults: f, now: time.Now()}
	if r.authority != nil {
		a.server = r.random.IntN(r.authority.Servers())
	}
	for range maxHops {
		h := r.hop(a, name, qtype)
		reply.Rcode = h.rcode
		reply.Ns = append(reply.Ns, h.soa...)
		reply.Answer = append(reply.Answer, h.rrs...)
		if do {
			reply.Answer = append(reply.Answer, view{&r.zone, a.now}.signatures(name, h.rrs)...)
		}
		target, ok := leadsTo(h.rrs, qtype)
		if !ok {
			reply.Extra = r.addresses(a, h.rrs)
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

// addresses returns those of the hosts that rrs name, for the additional
// section.
func (r *recursor) addresses(a asking, rrs []dns.RR) []dns.RR {
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
		case *dns.HTTPS:
			host = rr.Target
		default:
			continue
		}
		for _, rrtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			h := r.hop(a, host, rrtype)
			if len(h.rrs) > 0 && h.rrs[0].Header().Rrtype == rrtype {
				found = append(found, h.rrs...)
			}
		}
	}
	return found
}

// hop returns what there is at the name: of a cache, of a server, or what the
// faults make of it.
func (r *recursor) hop(a asking, name string, qtype uint16) hop {
	a.set = rrset{dns.CanonicalName(name), qtype}
	if h, ok := r.flap(a); ok {
		return h.owned(name)
	}
	return r.cached(a, r.path(a.client)).owned(name)
}

// path is the caches that the client's query passes.
func (r *recursor) path(client netip.Addr) []place {
	var path []place
	if r.caches.Instance {
		path = append(path, place{instance: client})
	}
	if r.caches.Fleet > 0 {
		p := place{host: r.random.IntN(r.caches.Fleet)}
		if r.caches.ByZone && client.Is4() {
			p.fleet, _ = client.Prefix(24) // 24 bits are in every IPv4 address
		}
		path = append(path, p)
	}
	return path
}

// cached returns what the first cache has, or else has it learn from the next.
func (r *recursor) cached(a asking, path []place) hop {
	if len(path) == 0 {
		return r.fetch(a, a.faults.Stale)
	}
	cache := r.layers[path[0]]
	if cache == nil {
		cache = layer{}
		r.layers[path[0]] = cache
	}
	had, known := cache[a.set]
	if h, ok := had.left(a.now, a.faults.Zero); known && ok {
		return h
	}
	h := r.cached(a, path[1:])
	if h.rcode == dns.RcodeServerFailure && known {
		return had.stale()
	}
	if h.rcode != dns.RcodeServerFailure {
		h.stored = a.now
		cache[a.set] = h
	}
	return h
}

// fetch asks an authoritative server, which answers as it would have that long
// ago.
func (r *recursor) fetch(a asking, ago time.Duration) hop {
	if a.faults.Out {
		return hop{rcode: dns.RcodeServerFailure}
	}
	if r.authority != nil {
		if m := r.authority.Lookup(a.server, a.set.name, a.set.rrtype, ago); m != nil {
			return hop{rcode: m.Rcode, rrs: m.Answer, soa: m.Ns}
		}
	}
	return view{&r.zone, a.now.Add(-ago)}.find(a.set)
}

// flap draws whether the answer is an earlier one, caches or not. ok is false
// if it is to be found as ever: also if nothing had changed.
func (r *recursor) flap(a asking) (_ hop, ok bool) {
	if a.faults.Flap == 0 || a.faults.Out || r.random.IntN(2) == 0 {
		return hop{}, false
	}
	ago := a.faults.Flap
	if r.random.IntN(2) == 0 { // of several changes, any
		ago = time.Duration(r.random.Int64N(int64(ago)))
	}
	then := r.fetch(a, a.faults.Stale+ago)
	return then, !then.sameData(r.fetch(a, a.faults.Stale))
}

// referral is the name servers of the zone of its own that has the name.
func (r *recursor) referral(name string) []dns.RR {
	r.mu.Lock()
	defer r.mu.Unlock()
	return view{&r.zone, time.Now()}.above(dns.CanonicalName(name), dns.TypeNS)
}
