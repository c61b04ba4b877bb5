package doctor

import (
	"context"
	"net/netip"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/host"
)

// forwarded is a zone and one of its servers.
type forwarded struct {
	zone   string
	server netip.AddrPort
}

// checkZones asks each server of each forwarded zone for its apex.
func checkZones(ctx context.Context, m *Machine, r *report) {
	var list []forwarded
	for _, z := range m.Config.Zones {
		for _, a := range z.Forwarders {
			list = append(list, forwarded{z.Name, a})
		}
	}
	each(r, list, func(f forwarded, r *report) { f.check(ctx, m.Config, r) })
}

func (f forwarded) check(ctx context.Context, cfg *config.Config, r *report) {
	soa, err := f.ask(ctx, cfg, dns.TypeSOA)
	if err != nil {
		r.add(Unseen, "", "%s at %s: %s", f.zone, host.Address(f.server), why(err))
		return
	}
	state, remedy, seen := f.weigh(soa)
	if state == OK {
		if ns, err := f.ask(ctx, cfg, dns.TypeNS); err == nil && ns.Rcode != dns.RcodeSuccess {
			state, remedy, seen = Warning, "some clients ask for it", "it has an SOA, and "+dns.RcodeToString[ns.Rcode]+" for its NS"
		}
	}
	r.add(state, remedy, "%s at %s: %s", f.zone, host.Address(f.server), seen)
}

// ask asks for the apex: with EDNS, or as the server likes it.
func (f forwarded) ask(ctx context.Context, cfg *config.Config, qtype uint16) (*dns.Msg, error) {
	network := "udp"
	if cfg.ServerFor(f.server.Addr()).TCPOnly {
		network = "tcp"
	}
	m, s := new(dns.Msg).SetQuestion(f.zone, qtype), sourcedServer(cfg, f.server)
	reply, _, err := ask(ctx, s, network, m)
	if err == nil && reply.Truncated && network == "udp" {
		reply, _, err = ask(ctx, s, "tcp", m)
	}
	return reply, err
}

// weigh says what the answer for the SOA means.
func (f forwarded) weigh(m *dns.Msg) (s State, remedy, seen string) {
	switch {
	case m.Rcode == dns.RcodeRefused:
		return Problem, "a VPC resolver answers only inside its VPC; another server must know this host's address (its access list, our query-source)", "REFUSED"
	case m.Rcode == dns.RcodeNameError && f.zone == ".":
		return Warning, "forward the names that clients need elsewhere", "NXDOMAIN for the root: it resolves no public names"
	case m.Rcode == dns.RcodeNameError:
		return Problem, "associate the private zone with this VPC, with enableDnsSupport and enableDnsHostnames, or correct its name", "NXDOMAIN for the zone itself"
	case m.Rcode != dns.RcodeSuccess:
		return Problem, "see why at that server: a resolver rule, or a server behind it that is down", dns.RcodeToString[m.Rcode]
	case hasType(m.Answer, dns.TypeSOA) && !m.RecursionAvailable:
		return Warning, "names whose CNAME leads elsewhere are not followed there: forward to a resolver", "it answers, but is no resolver (RA=0)"
	case hasType(m.Answer, dns.TypeSOA):
		return OK, "", "it answers"
	case hasType(m.Ns, dns.TypeNS) && !hasType(m.Ns, dns.TypeSOA):
		return Problem, "forward to a resolver", "it refers to other servers: it is no resolver"
	}
	return Warning, "see that the zone's name is right: a zone has an SOA", "it answers, but there is no such zone (no SOA)"
}

func hasType(list []dns.RR, rtype uint16) bool {
	for _, rr := range list {
		if rr.Header().Rrtype == rtype {
			return true
		}
	}
	return false
}
