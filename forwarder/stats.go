package forwarder

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"vpcdns/cache"
	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/latency"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/watch"
)

// counter is a number that only grows.
type counter = atomic.Uint64

// Stats is what a Server has done since it was made.
type Stats struct {
	Queries  []QueryCount      // replies, by transport, zone, source and class of rcodes
	Rcodes   map[string]uint64 // replies, by response code
	Refused  uint64            // by an access list
	Bad      uint64            // malformed queries, answered or not
	Dropped  uint64            // datagrams that got no reply by policy
	Limited  uint64            // of those, by rate-limit
	Slipped  uint64            // replies that rate-limit cut to a header with TC
	Overflow uint64            // queries dropped from the full queue
	Repeated uint64            // answers without TTL given again, within 100 ms after they came
	Pending  int               // questions that are being asked upstream
	ZeroTTL  uint64            // answers of upstream that could not be cached, as they have no TTL

	Latency [NumSources]latency.Histogram // of replies to clients: samples, each as often as it stands for others

	Clients  int // different ones that were served in the last minute, about
	Served   int // addresses
	Unserved int // addresses that could not be had, see Server.Unserved

	TCPOpen    int    // connections of clients
	TCPEvicted uint64 // connections closed to make room
	TCPDropped uint64 // connections that the queue of those not accepted yet had no room for

	Cache    cache.Stats
	UDP      udp.Stats
	Upstream upstream.Stats
	Throttle ThrottleStats

	Watch     WatchStats
	Names     []watch.NameStats // types of watched names, 100 at most
	MoreNames int               // that are not among them

	Dnstap DnstapStats

	Troubles []TroubleStats // what is wrong, see Server.Troubles
	Failures []ZoneFailures // by zone

	Started time.Time
	Reload  ReloadStats

	LostLines []logging.Lost // set by who has the logs

	Members MemberStats // set by who asks them
	Peers   []PeerStats // likewise
}

// PeerStats is what the other forwarder of a pair says of watched names.
type PeerStats struct {
	Server      netip.AddrPort
	Up          bool      // it answers, so that the two can be compared
	Last        time.Time // when it answered last; zero: it has not
	Sets        int       // watched names, by type, that it is asked for
	Compared    int       // of which both have data
	Disagreeing int       // in which the two differ for longer than TTLs explain
}

// MemberStats is what came of asking the other forwarders of a fleet (MergeWatches).
type MemberStats struct {
	Asked    bool      // there are such
	Known    int       // members at the last look-up, but for this one
	Answered int       // of these, the last time
	Fetches  uint64    // exports that were asked for
	Failures uint64    // those that were not had, or not sound
	Last     time.Time // when one was had; zero: none was

	Overrides, Watches, Guards uint64 // taken over
	Ended                      uint64 // overrides and watches that ended here since they were ended there
}

// QueryCount is the number of replies of one kind.
type QueryCount struct {
	Transport string // "udp", "tcp", or "exchange" for Server.Exchange
	Zone      string // canonical name of the forward zone; "" for none
	Source    Source
	Rcode     RcodeClass
	Count     uint64
}

// ReloadStats is about the configuration.
type ReloadStats struct {
	At        time.Time // when the one in force was loaded
	OK        bool      // whether the last attempt succeeded
	Succeeded uint64
	Failed    uint64
}

type reloads struct {
	mu sync.Mutex
	ReloadStats
}

func (r *reloads) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.OK = err == nil
	if err != nil {
		r.Failed++
		return
	}
	r.Succeeded++
	r.At = time.Now()
}

func (r *reloads) stats() ReloadStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ReloadStats
}

// Stats returns a snapshot; its parts are read one after the other.
func (s *Server) Stats() Stats {
	clients := s.clients.Stats()
	datagrams, dropped := s.listeners.Stats()
	st := Stats{
		Rcodes:     make(map[string]uint64),
		Overflow:   s.queue.overflow.Load(),
		Pending:    s.inflight.len(),
		ZeroTTL:    s.zeroTTL.Load(),
		Served:     len(s.Addrs()),
		Unserved:   len(s.Unserved()),
		TCPOpen:    clients.Open,
		TCPEvicted: clients.Evicted,
		Cache:      s.cache.Stats(),
		TCPDropped: dropped,
		UDP:        datagrams,
		Upstream:   s.state.Load().upstream.Stats(),
		Throttle:   s.health.Throttle(),
		Started:    s.clock.epoch,
		Reload:     s.reloads.stats(),
		Failures:   s.Failures(),
		Watch:      s.WatchStats(),
		Dnstap:     s.Dnstap(),
		Clients:    s.DistinctClients(),
		Latency:    [NumSources]latency.Histogram(s.insight.latencies.Histograms()),
	}
	st.Names, st.MoreNames = s.watches.NameStats(s.Moment())
	zones := &s.state.Load().zones.names
	st.add("udp", s.udp, zones)
	st.add("tcp", s.tcp, zones)
	st.add("exchange", s.inProcess, zones)
	for _, t := range s.Troubles() {
		st.Troubles = append(st.Troubles, t.TroubleStats)
	}
	return st
}

func (st *Stats) add(transport string, c *counts.Replies, zones *[counts.MaxZones]string) {
	c.Each(func(zone uint16, from Source, class RcodeClass, n uint64) {
		st.Queries = append(st.Queries, QueryCount{transport, zones[zone], from, class, n})
		if from == SourceRefused {
			st.Refused += n
		}
		if class != RcodeOther {
			st.Rcodes[class.String()] += n
		}
	})
	c.EachOther(func(rcode int, n uint64) { st.Rcodes[counts.RcodeName(rcode)] += n })
	st.Repeated += c.Repeated.Load()
	st.Bad += c.Malformed.Load()
	st.Slipped += c.Slipped.Load()
	dropped, limited := c.DropCounts()
	st.Dropped += dropped
	st.Limited += limited
}

// Source says where a reply came from, and RcodeClass is its response code as it is
// counted by zone: the usual ones are told apart, the rest are one. Rate is what happened
// in the last seconds.
type (
	Source     = counts.Source
	RcodeClass = counts.RcodeClass
	Rate       = counts.Rate
)

// The sources of replies.
const (
	SourceHit      = counts.SourceHit
	SourceMiss     = counts.SourceMiss
	SourceStale    = counts.SourceStale
	SourceJoined   = counts.SourceJoined
	SourceLocal    = counts.SourceLocal
	SourceRefused  = counts.SourceRefused
	SourceFailed   = counts.SourceFailed
	SourceOverride = counts.SourceOverride
	NumSources     = counts.NumSources
)

// The classes of response codes.
const (
	RcodeNoError    = counts.RcodeNoError
	RcodeNXDomain   = counts.RcodeNXDomain
	RcodeServFail   = counts.RcodeServFail
	RcodeRefused    = counts.RcodeRefused
	RcodeOther      = counts.RcodeOther
	NumRcodeClasses = counts.NumRcodeClasses
)

// Rate is what the last full seconds brought, 60 at most.
func (s *Server) Rate(seconds int) Rate { return s.rates.Last(max(0, min(seconds, 60))) }
