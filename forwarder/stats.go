package forwarder

import (
	"math/bits"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cache"
	"vpcdns/forwarder/latency"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/udp"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/watch"
	"vpcdns/forwarder/wire"
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

func (st *Stats) add(transport string, c *counters, zones *[maxZones]string) {
	for i := range c.replies {
		n := c.replies[i].Load()
		if n == 0 {
			continue
		}
		zone, src, class := cell(i).split()
		st.Queries = append(st.Queries, QueryCount{transport, zones[zone], src, class, n})
		if src == SourceRefused {
			st.Refused += n
		}
		if class != RcodeOther {
			st.Rcodes[class.String()] += n
		}
	}
	for rcode := range c.others {
		if n := c.others[rcode].Load(); n > 0 {
			st.Rcodes[rcodeName(rcode)] += n
		}
	}
	st.Repeated += c.repeated.Load()
	st.Bad += c.malformed.Load()
	st.Slipped += c.slipped.Load()
	st.addDropped(c)
}

// addDropped reads the part before the whole, to which publish adds first: else more
// might be limited than dropped.
func (st *Stats) addDropped(c *counters) {
	st.Limited += c.limited.Load()
	st.Dropped += c.dropped.Load()
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
	SourceHit      Source = iota // a fresh answer in the cache
	SourceMiss                   // asked upstream for this query
	SourceStale                  // an expired answer, after upstream failed
	SourceJoined                 // asked upstream for another client's same question
	SourceLocal                  // our own: static zones, CHAOS names, errors
	SourceRefused                // turned away by an ACL
	SourceFailed                 // a failure from the cache: upstream failed a moment ago
	SourceOverride               // an operator's
	NumSources
)

var sourceNames = [NumSources]string{"hit", "miss", "stale", "joined", "local", "refused", "failed", "override"}

// String returns the source as metrics name it.
func (s Source) String() string { return sourceNames[s] }

// countedAs is s as it is counted for a reply: who gets a failure has hit nothing.
func (s Source) countedAs(class RcodeClass) Source {
	if s == SourceHit && class == RcodeServFail {
		return SourceFailed
	}
	return s
}

// RcodeClass is a response code as it is counted by zone: the usual ones are told
// apart, the rest are one.
type RcodeClass uint8

// The classes of response codes.
const (
	RcodeNoError RcodeClass = iota
	RcodeNXDomain
	RcodeServFail
	RcodeRefused
	RcodeOther
	NumRcodeClasses
)

var rcodeClassNames = [NumRcodeClasses]string{"NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", "other"}

// String returns the class as metrics name it.
func (c RcodeClass) String() string { return rcodeClassNames[c] }

func classOf(rcode int) RcodeClass {
	switch rcode {
	case wire.NoError:
		return RcodeNoError
	case wire.NXDomain:
		return RcodeNXDomain
	case wire.ServFail:
		return RcodeServFail
	case wire.Refused:
		return RcodeRefused
	}
	return RcodeOther
}

// Other response codes are counted one by one up to here; the rest share a counter.
const numRcodes = 24

// maxZones bounds the zones that are counted apart; further ones share
// zone 0, "other".
const maxZones = 256

// cell is the number of a counter of replies: of a zone, source and class.
type cell uint16

const cells = maxZones * int(NumSources) * int(NumRcodeClasses)

func cellOf(zone uint16, s Source, c RcodeClass) cell {
	return (cell(s)*cell(NumRcodeClasses)+cell(c))*maxZones + cell(zone%maxZones)
}

func (c cell) split() (zone uint16, s Source, class RcodeClass) {
	kind := c / maxZones
	s, class = Source(kind/cell(NumRcodeClasses)), RcodeClass(kind%cell(NumRcodeClasses))
	return uint16(c % maxZones), s.countedAs(class), class
}

// counters are the sums of one transport. Readers may look at any time.
type counters struct {
	replies   [cells]atomic.Uint64
	others    [numRcodes + 1]atomic.Uint64 // replies of RcodeOther by response code
	repeated  atomic.Uint64                // answers without TTL given again
	malformed atomic.Uint64                // queries with a fault, and datagrams ignored
	dropped   atomic.Uint64                // no reply by policy: blackhole, rate limit
	limited   atomic.Uint64                // of those, by rate-limit
	slipped   atomic.Uint64                // replies cut by rate-limit
}

// total is the number of replies.
func (c *counters) total() (n uint64) {
	for i := range c.replies {
		n += c.replies[i].Load()
	}
	return n
}

// restart begins the counts of a zone anew.
func (c *counters) restart(zone int) {
	for i := zone; i < cells; i += maxZones {
		c.replies[i].Store(0)
	}
}

// tally collects the counts of one goroutine between two publications, so that
// counting a reply costs no more than plain additions. It is small, as each
// connection has one: where two cells meet the older is published at once.
type tally struct {
	to    *counters
	slots [64]struct {
		cell cell
		n    uint32
	}
	used   uint64 // bits of the slots with counts
	others bool   // there were replies of RcodeOther

	otherRcodes                          [numRcodes + 1]uint32
	malformed, dropped, limited, slipped uint32
	repeated                             uint32
}

func (t *tally) reply(zone uint16, s Source, rcode int) {
	class := classOf(rcode)
	c := cellOf(zone, s, class)
	i := (c + c/maxZones*11) % cell(len(t.slots)) // kinds of one zone stand apart, as do zones of one kind
	slot := &t.slots[i]
	if slot.cell != c && slot.n > 0 {
		t.to.replies[slot.cell].Add(uint64(slot.n))
		slot.n = 0
	}
	slot.cell = c
	slot.n++
	t.used |= 1 << i
	if class == RcodeOther {
		t.others = true
		t.otherRcodes[min(rcode, numRcodes)]++
	}
}

// publish adds what was collected to the shared counters.
func (t *tally) publish() {
	for ; t.used != 0; t.used &= t.used - 1 {
		slot := &t.slots[bits.TrailingZeros64(t.used)]
		t.to.replies[slot.cell].Add(uint64(slot.n))
		slot.n = 0
	}
	if t.others {
		t.publishOthers()
	}
	if t.repeated != 0 {
		t.to.repeated.Add(uint64(t.repeated))
		t.repeated = 0
	}
	if t.malformed|t.dropped|t.slipped != 0 {
		t.to.malformed.Add(uint64(t.malformed))
		t.to.dropped.Add(uint64(t.dropped))
		t.to.limited.Add(uint64(t.limited))
		t.to.slipped.Add(uint64(t.slipped))
		t.malformed, t.dropped, t.limited, t.slipped = 0, 0, 0, 0
	}
}

func (t *tally) publishOthers() {
	for rcode, n := range t.otherRcodes {
		t.to.others[rcode].Add(uint64(n))
	}
	t.otherRcodes, t.others = [numRcodes + 1]uint32{}, false
}
