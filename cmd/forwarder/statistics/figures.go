package statistics

import (
	"runtime/metrics"
	"strconv"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder"
	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/version"
)

// parts are what a document has, beside what is in all.
type parts uint

const (
	server parts = 1 << iota
	zones
	sockets
	memory
	tasks
	traffic
	all = server | zones | sockets | memory | tasks | traffic
)

// figures are what documents are made of.
type figures struct {
	parts
	Boot, Config, Now      time.Time
	Version                string
	Opcodes, Rcodes, Types counters
	Server, Zone, Sockets  counters
	Views                  []view
	Memory                 memoryUse
	Traffic                counts.Sums // its sizes
}

// view is the one that is served, or BIND's for CHAOS names.
type view struct {
	Name                              string
	Types, Resolver, Sets, Cache, ADB counters
	Zones                             []zone
}

type zone struct {
	Name, Class, Type string
	Serial            uint32
	Loaded            time.Time
}

// memoryUse is in octets.
type memoryUse struct{ Total, InUse, Cache uint64 }

// figures gathers what the parts need.
func (h *Handler) figures(p parts) *figures {
	st := h.o.Stats()
	f := &figures{parts: p, Boot: st.Started, Config: st.Reload.At, Now: time.Now(), Version: version.Number}
	sums := h.o.Server.ClientCounts()
	f.Traffic = sums
	if p&server != 0 {
		f.Opcodes = numbered(opcodeNames, sums.Opcodes[:])
		f.Rcodes = numbered(rcodeNames, sums.Rcodes[:])
		f.Types = byType(sums.Types[:])
		f.Server = named(serverNames, h.serverCounters(&st, &sums))
		f.Zone = named(zoneNames, nil)
	}
	if p&sockets != 0 {
		f.Sockets = named(socketNames, socketsOf(&st))
	}
	if p&memory != 0 {
		f.Memory = memoryOf(&st)
	}
	if p&(server|zones) != 0 {
		f.Views = h.views(p, &st)
	}
	return f
}

// numbered names numbers in their order.
func numbered(names []string, n []uint64) counters {
	list := make(counters, len(names))
	for i, name := range names {
		list[i] = counter{name, n[i]}
	}
	return list
}

// byType names what there is by type; those past BIND's table are one.
func byType(n []uint64) (list counters) {
	for t, count := range n {
		if count > 0 {
			list = append(list, counter{typeName(t), count})
		}
	}
	return list
}

// typeName is as in BIND, which counts types above 255 together.
func typeName(t int) string {
	if t > 255 {
		return "Others"
	}
	if name, ok := dns.TypeToString[uint16(t)]; ok {
		return name
	}
	return "TYPE" + strconv.Itoa(t)
}

// views are the one that is served, and BIND's for CHAOS names, in which nothing is
// cached.
func (h *Handler) views(p parts, st *forwarder.Stats) []view {
	cfg := h.o.Server.Config()
	own, chaos := view{Name: cfg.View}, view{Name: "_bind"}
	if p&server != 0 {
		own.Types = byType(st.Upstream.Types[:])
		own.Resolver = named(resolverNames, resolverCounters(st))
		own.Sets = h.sets()
		own.Cache = named(cacheNames, cacheCounters(st))
		chaos.Resolver, chaos.Cache = named(resolverNames, nil), named(cacheNames, nil)
	}
	if p&zones != 0 {
		for _, z := range cfg.Local {
			own.Zones = append(own.Zones, zoneOf(&z, st.Reload.At))
		}
		for _, name := range []string{"authors.bind", "hostname.bind", "version.bind", "id.server"} {
			chaos.Zones = append(chaos.Zones, zone{Name: name, Class: "CH", Type: "builtin", Loaded: st.Started})
		}
	}
	return []view{own, chaos}
}

// memoryOf reads what the Go runtime has and uses.
func memoryOf(st *forwarder.Stats) memoryUse {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(samples)
	return memoryUse{samples[0].Value.Uint64(), samples[1].Value.Uint64(), uint64(st.Cache.Bytes)}
}
