package forwarder

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// zone is a forward zone as queries meet it.
type zone struct {
	id      uint16           // counts its queries; the same name keeps it over reloads
	name    string           // canonical
	servers []netip.AddrPort // that may be asked
	barred  bool             // it has forwarders, and none may be asked
	fetches int              // questions that are being asked; guarded by inflight.mu
	group   *group           // of the zones with the same servers

	prefetchFrom atomic.Int64 // nothing is prefetched before: time.Duration on the server's clock
}

// server is addr if one of the zone's servers has it, and else the zero Addr.
func (z *zone) server(addr netip.Addr) netip.Addr {
	if slices.ContainsFunc(z.servers, func(s netip.AddrPort) bool { return s.Addr() == addr }) {
		return addr
	}
	return netip.Addr{}
}

// group counts for zones that are asked for at the same servers.
type group struct{ fetches int } // as of a zone

// routes finds a name's forward zone by its longest suffix. The key is the
// zone's wire name in lower case.
type routes map[string]*zone

// zoneNumbers are the numbers under which zones are counted; 0 is "other". A zone
// keeps its number over reloads, also one that is gone, until no other is free.
type zoneNumbers struct {
	names [counts.MaxZones]string // by number; "" is free
	gone  []string                // zones that the configuration no longer has, longest ago first
}

// with returns the numbers for another configuration.
func (z zoneNumbers) with(cfg *config.Config) zoneNumbers {
	here := make(map[string]bool, len(cfg.Zones))
	for _, zone := range cfg.Zones {
		here[zone.Name] = true
	}
	gone := slices.DeleteFunc(slices.Clone(z.gone), func(name string) bool { return here[name] })
	for _, name := range z.names {
		if name != "" && !here[name] && !slices.Contains(gone, name) {
			gone = append(gone, name)
		}
	}
	z.gone = gone
	for _, zone := range cfg.Zones {
		z.add(zone.Name)
	}
	return z
}

// add gives name a number, if there is one: a free one, or that of the zone that
// is gone the longest.
func (z *zoneNumbers) add(name string) {
	if z.of(name) != 0 {
		return
	}
	free := slices.Index(z.names[1:], "") + 1
	if free == 0 && len(z.gone) > 0 {
		free = slices.Index(z.names[:], z.gone[0])
		z.gone = z.gone[1:]
	}
	if free != 0 {
		z.names[free] = name
	}
}

// of returns the number of a zone, or 0.
func (z *zoneNumbers) of(name string) uint16 {
	return uint16(max(0, slices.Index(z.names[:], name)))
}

// serverNumbers are the numbers by which the cache knows servers, from 1 on. A server
// keeps its number, also when the configuration no longer has it. It is not
// changed once it is in a state.
type serverNumbers map[netip.AddrPort]uint8

// maxServers is how many are told apart; all others have number 0.
const maxServers = strippedBit - 1

// with returns the numbers for these servers too.
func (n serverNumbers) with(servers []upstream.Server) serverNumbers {
	all := maps.Clone(n)
	if all == nil {
		all = make(serverNumbers)
	}
	for _, s := range servers {
		if all[s.Addr] == 0 && len(all) < maxServers {
			all[s.Addr] = uint8(len(all) + 1)
		}
	}
	return all
}

// server returns the server of that number; the zero value is none.
func (n serverNumbers) server(number uint8) netip.AddrPort {
	for a, i := range n {
		if i == number {
			return a
		}
	}
	return netip.AddrPort{}
}

// newRoutes builds the routes of cfg without the servers that may not be asked.
func newRoutes(cfg *config.Config, numbers *zoneNumbers, blackhole *acl.Set) routes {
	r := make(routes, len(cfg.Zones))
	groups := make(map[string]*group)
	for _, z := range cfg.Zones {
		servers := make([]netip.AddrPort, 0, len(z.Forwarders))
		for _, a := range z.Forwarders {
			if mayAskServer(cfg, blackhole, a) {
				servers = append(servers, a)
			}
		}
		key := fmt.Sprint(servers)
		if groups[key] == nil {
			groups[key] = new(group)
		}
		r[wire.PackName(z.Name)] = &zone{
			id: numbers.of(z.Name), name: z.Name, servers: servers, group: groups[key],
			barred: len(servers) == 0 && len(z.Forwarders) > 0,
		}
	}
	return r
}

// mayAskServer reports whether neither `bogus` nor blackhole forbids a server, as
// in named.
func mayAskServer(cfg *config.Config, blackhole *acl.Set, a netip.AddrPort) bool {
	return !cfg.ServerFor(a.Addr()).Bogus && !blackhole.Match(a.Addr())
}

// find returns the zone of a lower-case wire name, or nil. A DS record belongs
// to the parent (RFC 4035, 3.1.4.1).
func (r routes) find(name []byte, qtype uint16) *zone {
	if qtype == dns.TypeDS && len(name) > 1 {
		name = name[1+name[0]:]
	}
	for {
		if z := r[string(name)]; z != nil {
			return z
		}
		if len(name) <= 1 {
			return nil
		}
		name = name[1+name[0]:]
	}
}
