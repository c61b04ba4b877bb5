package forwarder

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cache"
	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/upstream"
)

// counter is a number that only grows.
type counter = atomic.Uint64

// Stats is what a Server has done since it was made.
type Stats struct {
	Queries  []QueryCount      // replies, by transport, zone and source
	Rcodes   map[string]uint64 // replies, by response code
	Refused  uint64            // by an access list
	Bad      uint64            // malformed queries, answered or not
	Dropped  uint64            // datagrams that got no reply by policy
	Limited  uint64            // of those, by rate-limit
	Slipped  uint64            // replies that rate-limit cut to a header with TC
	Overflow uint64            // queries dropped from the full queue of the slow path
	Pending  int               // questions that are being asked upstream

	TCPOpen    int    // connections of clients
	TCPEvicted uint64 // connections closed to make room

	Cache    cache.Stats
	UDP      udp.Stats
	Upstream upstream.Stats
	Throttle ThrottleStats

	Started time.Time
	Reload  ReloadStats
}

// QueryCount is the number of replies of one kind.
type QueryCount struct {
	Transport string // "udp" or "tcp"
	Zone      string // canonical name of the forward zone; "" for none
	Source    Source
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

// FailedReload notes that a new configuration did not even load.
func (s *Server) FailedReload(err error) { s.reloads.note(err) }

// Stats returns a snapshot; its parts are read one after the other.
func (s *Server) Stats() Stats {
	clients := s.tcp.Stats()
	st := Stats{
		Rcodes:     make(map[string]uint64),
		Overflow:   s.slow.overflow.Load(),
		Pending:    s.slow.pending(),
		TCPOpen:    clients.Open,
		TCPEvicted: clients.Evicted,
		Cache:      s.cache.Stats(),
		UDP:        s.listeners.stats(),
		Upstream:   s.state.Load().upstream.Stats(),
		Throttle:   s.allowances.stats(),
		Started:    s.epoch,
		Reload:     s.reloads.stats(),
	}
	zones := s.zoneNames()
	st.add("udp", s.udpCounters, zones)
	st.add("tcp", s.tcpCounters, zones)
	return st
}

// zoneNames lists the zones by the number under which they are counted.
func (s *Server) zoneNames() map[uint16]string {
	s.reloadMu.Lock()
	defer s.reloadMu.Unlock()
	names := make(map[uint16]string, len(s.zoneIDs))
	for name, id := range s.zoneIDs {
		names[id] = name
	}
	return names
}

func (st *Stats) add(transport string, c *counters, zones map[uint16]string) {
	for z := range c.replies {
		for src := range c.replies[z] {
			n := c.replies[z][src].Load()
			if n == 0 {
				continue
			}
			st.Queries = append(st.Queries, QueryCount{transport, zones[uint16(z)], Source(src), n})
			if Source(src) == SourceRefused {
				st.Refused += n
			}
		}
	}
	for i := range c.rcodes {
		if n := c.rcodes[i].Load(); n > 0 {
			st.Rcodes[rcodeName(i)] += n
		}
	}
	st.Bad += c.malformed.Load()
	st.Dropped += c.dropped.Load()
	st.Limited += c.limited.Load()
	st.Slipped += c.slipped.Load()
}

// rcodeName is a response code as metrics name it.
func rcodeName(rcode int) string {
	if rcode == dns.RcodeBadVers { // miekg/dns says BADSIG, which only TSIG knows
		return "BADVERS"
	}
	if name, ok := dns.RcodeToString[rcode]; ok && rcode < numRcodes {
		return name
	}
	return "other"
}
