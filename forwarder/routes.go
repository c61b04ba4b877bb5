package forwarder

import (
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/miekg/dns"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/wire"
)

// zone is a forward zone as queries meet it.
type zone struct {
	id      uint16 // counts its queries; the same name keeps it over reloads
	name    string // canonical
	servers []netip.AddrPort
	fetches int    // questions that are being asked; guarded by slowpath.mu
	group   *group // of the zones with the same servers

	ripe atomic.Int64 // nothing is prefetched before: time.Duration on the server's clock
}

// group counts for zones that are asked for at the same servers.
type group struct{ fetches int } // as of a zone

// full reports whether the zone has as many questions under way as
// fetches-per-zone and fetches-per-server allow, and which of the two says so.
// Which server of several a question will be answered by is not known
// beforehand: their allowances add up.
func (z *zone) full(l *config.Limits) (config.Quota, bool) {
	if q := l.FetchesPerZone; q.Max > 0 && z.fetches >= q.Max {
		return q, true
	}
	q := l.FetchesPerServer
	return q, q.Max > 0 && z.group.fetches >= q.Max*len(z.servers)
}

// count notes n more questions that are being asked.
func (z *zone) count(n int) {
	z.fetches += n
	z.group.fetches += n
}

// routes finds a name's forward zone by its longest suffix. The key is the
// zone's wire name in lower case.
type routes map[string]*zone

// zoneIDs hands out the numbers under which zones are counted. 0 is "other".
type zoneIDs map[string]uint16

func (ids zoneIDs) of(name string) uint16 {
	if id, ok := ids[name]; ok {
		return id
	}
	id := uint16(len(ids) + 1)
	if id >= maxZones {
		return 0
	}
	ids[name] = id
	return id
}

// newRoutes builds the routes of cfg without the servers that are bogus.
func newRoutes(cfg *config.Config, ids zoneIDs) routes {
	r := make(routes, len(cfg.Zones))
	groups := make(map[string]*group)
	for _, z := range cfg.Zones {
		servers := make([]netip.AddrPort, 0, len(z.Forwarders))
		for _, a := range z.Forwarders {
			if !cfg.ServerFor(a.Addr()).Bogus {
				servers = append(servers, a)
			}
		}
		key := fmt.Sprint(servers)
		if groups[key] == nil {
			groups[key] = new(group)
		}
		r[wire.PackName(z.Name)] = &zone{id: ids.of(z.Name), name: z.Name, servers: servers, group: groups[key]}
	}
	return r
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

// trimDot is a name as BIND logs it: without the final dot, but for the root.
func trimDot(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}
