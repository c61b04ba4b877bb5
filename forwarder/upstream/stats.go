package upstream

import (
	"net/netip"
	"strings"
	"time"
)

// RTTBounds are the upper bounds of the histogram's buckets; one more bucket
// holds what is above them.
var RTTBounds = [...]time.Duration{
	500 * time.Microsecond, 1 * time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond,
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
	200 * time.Millisecond, 500 * time.Millisecond, 800 * time.Millisecond, time.Second, 1600 * time.Millisecond, 2 * time.Second,
}

// NumTypes is how many query types are counted one by one, as in BIND; those above
// share a counter.
const NumTypes = 256

// NumRcodes is how many response codes are counted one by one; those above share a
// counter.
const NumRcodes = 24

// Histogram counts round trip times. Buckets are not cumulative.
type Histogram struct {
	Buckets [len(RTTBounds) + 1]uint64
	Sum     time.Duration
}

// Within returns how many round trips took no longer than each of RTTBounds, by
// that bound in seconds, and the number of all.
func (h *Histogram) Within() (within map[float64]uint64, all uint64) {
	within = make(map[float64]uint64, len(RTTBounds))
	for i, n := range h.Buckets {
		all += n
		if i < len(RTTBounds) {
			within[RTTBounds[i].Seconds()] = all
		}
	}
	return within, all
}

func (h *Histogram) observe(d time.Duration) {
	i := 0
	for i < len(RTTBounds) && d > RTTBounds[i] {
		i++
	}
	h.Buckets[i]++
	h.Sum += d
}

// ServerStats counts since New what happened with one server.
type ServerStats struct {
	Addr          netip.AddrPort
	Sent          uint64                // tries, over UDP and TCP
	Answered      uint64                // tries, late answers included
	Retried       uint64                // tries that were not their request's first
	TimedOut      uint64                // tries whose time was over; the answer may still have come
	Refused       uint64                // tries that ICMP or the system refused
	LocalErrors   uint64                // sockets that could not be opened because of this side's addresses or rules
	Failed        uint64                // answers that were failures (SERVFAIL, REFUSED …)
	Unsound       uint64                // answers that were malformed, referrals, or refused by a Checker
	Truncated     uint64                // answers with TC over UDP
	NoEDNS        uint64                // answers that made their requests be asked again without EDNS
	Rcodes        [NumRcodes + 1]uint64 // answers, by response code
	Connects      uint64                // TCP connections begun
	Mismatched    uint64                // answers with a wrong ID or question
	CookieMissing uint64                // answers without an expected cookie, or with a wrong one
	Attacks       uint64                // ports that a request left because of wrong answers
	Down          bool
	SRTT          time.Duration // smoothed round trip time; 0 is unknown
	RTO           time.Duration // retry timeout
	RTT           Histogram
	Sources       []SourceStats // from which it is asked, one at least
}

// SourceStats counts since New what happened with one server asked from one address.
type SourceStats struct {
	Addr     netip.Addr // the zero value is any
	Sent     uint64     // tries, over UDP and TCP
	Answered uint64     // tries, late answers included
	LeftOut  bool       // others are asked from, as this one does not work
}

// InterfaceStats counts packets of one interface.
type InterfaceStats struct {
	Interface string // as Config.Interface says
	PPS       int    // the limit now; 0 is none
	Sent      uint64 // packets spent, TCP's by estimate; since the first of clients that replaced each other
}

// BudgetStats counts requests that need packets of one interface, or of any of some.
type BudgetStats struct {
	Interfaces []string // as Config.Interface says
	Queued     uint64   // requests that had to wait
	Refused    uint64   // of those, the ones that ended with ErrBusy
	Depth      int      // requests that wait now
}

// Name joins the names of the interfaces.
func (b *BudgetStats) Name() string { return strings.Join(b.Interfaces, "+") }

// Stats is a copy of all counters.
type Stats struct {
	Servers    []ServerStats
	Interfaces []InterfaceStats     // one at least
	Budgets    []BudgetStats        // one at least
	Types      [NumTypes + 1]uint64 // tries by query type
	Requests   uint64
	TimedOut   uint64 // requests that ended with ErrTimeout
	Refused    uint64 // requests that ended with ErrBusy
	Dials      uint64 // UDP sockets opened
	DialErrors uint64 // sockets and connections that could not be opened
	SendErrors uint64 // batches the system did not take
	Pending    int    // requests in flight or waiting
	Sockets    int    // UDP sockets open
	Streams    int    // TCP connections open
}

// Stats returns the counters.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Pending = c.live
	s.Budgets = make([]BudgetStats, len(c.budgets))
	for i, b := range c.budgets {
		s.Budgets[i] = b.stats
		s.Budgets[i].Depth = b.queued()
	}
	for _, l := range c.links {
		s.Interfaces = append(s.Interfaces, InterfaceStats{l.name, int(l.pps.Load()), l.sent.Load()})
	}
	s.Servers = make([]ServerStats, len(c.list))
	for i, d := range c.list {
		s.Servers[i] = d.stats
		s.Servers[i].Down = d.down
		s.Servers[i].SRTT, s.Servers[i].RTO = d.rtt.srtt, d.rtt.rto()
		for _, p := range d.paths {
			p.stats.Addr, p.stats.LeftOut = p.source.addr, p.out
			s.Servers[i].Sources = append(s.Servers[i].Sources, p.stats)
		}
	}
	return s
}

// EventKind says what an Event is about.
type EventKind uint8

// The kinds of events.
const (
	OutageBegan     EventKind = iota // the server has answered nothing for Duration
	OutageEnded                      // it answers again, after Duration
	Forgery                          // somebody guesses at the server's answers
	LocalErrorBegan                  // nothing can be sent to the server, because of Err on this side
	LocalErrorEnded                  // that is over
	CookiesOff                       // the server's cookies are not ours: it is sent none for Duration
	SourceLeftOut                    // Source does not work, for Duration, while another one does
	SourceTakenBack                  // it works again
)

func (k EventKind) String() string {
	switch k {
	case OutageBegan:
		return "outage began"
	case OutageEnded:
		return "outage ended"
	case LocalErrorBegan:
		return "local error began"
	case LocalErrorEnded:
		return "local error ended"
	case CookiesOff:
		return "cookies off"
	case SourceLeftOut:
		return "source left out"
	case SourceTakenBack:
		return "source taken back"
	}
	return "forged answers"
}

// Event is something that an operator wants to know.
type Event struct {
	Kind     EventKind
	Server   netip.AddrPort
	Source   netip.Addr // of SourceLeftOut and SourceTakenBack
	Duration time.Duration
	Err      error // of LocalErrorBegan; of SourceLeftOut: nil where no answers come
}
