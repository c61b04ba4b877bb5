package statistics

import (
	"strings"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/counts"
)

// serverCounters are those of clients, by BIND's names.
func (h *Handler) serverCounters(st *forwarder.Stats, sums *counts.Sums) map[string]uint64 {
	m := map[string]uint64{
		"TCPConnHighWater": uint64(h.o.Server.TCPPeak()),
		"QryRecursion":     answers(st, forwarder.SourceMiss, forwarder.SourceJoined),
		"QryDropped":       st.Dropped - st.Limited,
		"RecursClients":    uint64(h.o.Server.Waiting()),
		"RateDropped":      st.Limited,
		"RateSlipped":      st.Slipped,
		"QryUsedStale":     answers(st, forwarder.SourceStale),
		"RecLimitDropped":  st.Overflow,
	}
	for c, n := range sums.Named {
		m[counts.Counter(c).String()] = n
	}
	return m
}

// answers counts replies to clients from some sources.
func answers(st *forwarder.Stats, sources ...forwarder.Source) (n uint64) {
	for i := range st.Queries {
		q := &st.Queries[i]
		for _, s := range sources {
			if q.Source == s && q.Transport != "exchange" {
				n += q.Count
			}
		}
	}
	return n
}

// resolverCounters are those of upstream, by BIND's names.
func resolverCounters(st *forwarder.Stats) map[string]uint64 {
	m := map[string]uint64{
		"QueryCurUDP": uint64(st.Upstream.Sockets),
		"QueryCurTCP": uint64(st.Upstream.Streams),
		"NumFetch":    uint64(st.Pending),
	}
	for i := range st.Upstream.Servers {
		s := &st.Upstream.Servers[i]
		family := "v4"
		if s.Addr.Addr().Is6() {
			family = "v6"
		}
		m["Query"+family] += s.Sent
		m["Response"+family] += s.Answered
		m["EDNS0Fail"] += s.NoEDNS
		m["Mismatch"] += s.Mismatched
		m["Truncated"] += s.Truncated
		m["Lame"] += s.Unsound
		m["Retry"] += s.Retried
		m["QuerySockFail"] += s.Refused + s.LocalErrors
		m["QueryTimeout"] += s.TimedOut
		for rcode, n := range s.Rcodes {
			if name := resolverRcode(rcode); name != "" {
				m[name] += n
			}
		}
		within, all := s.RTT.Within()
		addRoundTrips(m, within, all)
	}
	return m
}

// resolverRcode is BIND's counter of upstream's response codes.
func resolverRcode(rcode int) string {
	switch rcode {
	case dns.RcodeSuccess:
		return ""
	case dns.RcodeNameError:
		return "NXDOMAIN"
	case dns.RcodeServerFailure:
		return "SERVFAIL"
	case dns.RcodeFormatError:
		return "FORMERR"
	case dns.RcodeRefused:
		return "REFUSED"
	case dns.RcodeBadVers:
		return "BadEDNSVersion"
	case dns.RcodeBadCookie:
		return "BadCookieRcode"
	}
	return "OtherError"
}

// addRoundTrips has BIND's bounds, in ms.
func addRoundTrips(m map[string]uint64, within map[float64]uint64, all uint64) {
	former := uint64(0)
	for _, b := range []struct {
		name  string
		bound time.Duration
	}{
		{"QryRTT10", 10 * time.Millisecond}, {"QryRTT100", 100 * time.Millisecond}, {"QryRTT500", 500 * time.Millisecond},
		{"QryRTT800", 800 * time.Millisecond}, {"QryRTT1600", 1600 * time.Millisecond},
	} {
		n := within[b.bound.Seconds()]
		m[b.name] += n - former
		former = n
	}
	m["QryRTT1600+"] += all - former
}

// cacheCounters are those of the cache, by BIND's names.
func cacheCounters(st *forwarder.Stats) map[string]uint64 {
	hits := answers(st, forwarder.SourceHit)
	misses := answers(st, forwarder.SourceMiss, forwarder.SourceJoined, forwarder.SourceStale)
	return map[string]uint64{
		"CacheHits": hits, "QueryHits": hits,
		"CacheMisses": misses, "QueryMisses": misses,
		"DeleteLRU":    st.Cache.Evictions,
		"CacheNodes":   uint64(st.Cache.Entries),
		"TreeMemTotal": uint64(st.Cache.Bytes), "TreeMemInUse": uint64(st.Cache.Bytes),
	}
}

// socketsOf are those of sockets that are counted here.
func socketsOf(st *forwarder.Stats) map[string]uint64 {
	return map[string]uint64{
		"UDP4Open":    st.Upstream.Dials,
		"UDP4SendErr": st.UDP.SendFailed + st.UDP.SendFull + st.Upstream.SendErrors,
		"UDP4Active":  uint64(st.Upstream.Sockets + st.Served),
		"TCP4Active":  uint64(st.TCPOpen + st.Upstream.Streams),
		"TCP4Clients": uint64(st.TCPOpen),
	}
}

// zoneOf is a zone that is served from memory.
func zoneOf(z *config.LocalZone, loaded time.Time) zone {
	kind := "primary"
	if z.Empty {
		kind = "builtin"
	}
	serial := uint32(0)
	for _, rr := range z.Records {
		if soa, ok := rr.(*dns.SOA); ok {
			serial = soa.Serial
		}
	}
	name := strings.TrimSuffix(z.Name, ".")
	return zone{Name: name, Class: "IN", Type: kind, Serial: serial, Loaded: loaded}
}
