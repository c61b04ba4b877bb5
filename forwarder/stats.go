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
	Overflow uint64            // queries dropped from the full queue
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
	Transport string // "udp", "tcp", or "exchange" for Server.Exchange
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

// Stats returns a snapshot; its parts are read one after the other.
func (s *Server) Stats() Stats {
	clients := s.clients.Stats()
	st := Stats{
		Rcodes:     make(map[string]uint64),
		Overflow:   s.queue.overflow.Load(),
		Pending:    s.inflight.len(),
		TCPOpen:    clients.Open,
		TCPEvicted: clients.Evicted,
		Cache:      s.cache.Stats(),
		UDP:        s.listeners.stats(),
		Upstream:   s.state.Load().upstream.Stats(),
		Throttle:   s.allowances.stats(),
		Started:    s.clock.epoch,
		Reload:     s.reloads.stats(),
	}
	zones := &s.state.Load().zones.names
	st.add("udp", s.udp, zones)
	st.add("tcp", s.tcp, zones)
	st.add("exchange", s.inProcess, zones)
	return st
}

func (st *Stats) add(transport string, c *counters, zones *[maxZones]string) {
	for z := range c.replies {
		for src := range c.replies[z] {
			n := c.replies[z][src].Load()
			if n == 0 {
				continue
			}
			st.Queries = append(st.Queries, QueryCount{transport, zones[z], Source(src), n})
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

// Source says where a reply came from.
type Source uint8

// The sources of replies.
const (
	SourceHit     Source = iota // a fresh answer in the cache
	SourceMiss                  // asked upstream for this query
	SourceStale                 // an expired answer, after upstream failed
	SourceJoined                // asked upstream for another client's same question
	SourceLocal                 // our own: static zones, CHAOS names, errors
	SourceRefused               // turned away by an ACL
	numSources
)

var sourceNames = [numSources]string{"hit", "miss", "stale", "joined", "local", "refused"}

// String returns the source as metrics name it.
func (s Source) String() string { return sourceNames[s] }

// Response codes that are counted one by one; the rest share a counter.
const numRcodes = 24

// maxZones bounds the zones that are counted apart; further ones share
// zone 0, "other".
const maxZones = 256

// counters are the sums of one transport. Readers may look at any time.
type counters struct {
	replies   [maxZones][numSources]atomic.Uint64
	rcodes    [numRcodes + 1]atomic.Uint64
	malformed atomic.Uint64 // queries with a fault, and datagrams ignored
	dropped   atomic.Uint64 // no reply by policy: blackhole, rate limit
	limited   atomic.Uint64 // of those, by rate-limit
	slipped   atomic.Uint64 // replies cut by rate-limit
}

// restart begins the counts of a zone anew.
func (c *counters) restart(zone int) {
	for i := range c.replies[zone] {
		c.replies[zone][i].Store(0)
	}
}

// tally collects the counts of one goroutine between two publications, so that
// counting a reply costs two plain additions.
type tally struct {
	to      *counters
	zones   int // highest zone touched, plus one
	replies [maxZones][numSources]uint32
	rcodes  [numRcodes + 1]uint32

	malformed, dropped, limited, slipped uint32
}

func (t *tally) reply(zone uint16, s Source, rcode int) {
	zone %= maxZones
	t.replies[zone][s]++
	t.rcodes[min(rcode, numRcodes)]++
	t.zones = max(t.zones, int(zone)+1)
}

// publish adds what was collected to the shared counters.
func (t *tally) publish() {
	for z := range t.zones {
		for s, n := range t.replies[z] {
			if n > 0 {
				t.to.replies[z][s].Add(uint64(n))
				t.replies[z][s] = 0
			}
		}
	}
	for i, n := range t.rcodes {
		if n > 0 {
			t.to.rcodes[i].Add(uint64(n))
			t.rcodes[i] = 0
		}
	}
	t.zones = 0
	if t.malformed|t.dropped|t.slipped != 0 {
		t.to.malformed.Add(uint64(t.malformed))
		t.to.dropped.Add(uint64(t.dropped))
		t.to.limited.Add(uint64(t.limited))
		t.to.slipped.Add(uint64(t.slipped))
		t.malformed, t.dropped, t.limited, t.slipped = 0, 0, 0, 0
	}
}
