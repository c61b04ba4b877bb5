package counts

import (
	"math/bits"
	"sync/atomic"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

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

// CountedAs is s as it is counted for a reply: who gets a failure has hit nothing.
func (s Source) CountedAs(class RcodeClass) Source {
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

// ClassOf returns the class of a response code.
func ClassOf(rcode int) RcodeClass {
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

// MaxZones bounds the zones that are counted apart; further ones share
// zone 0, "other".
const MaxZones = 256

// cell is the number of a counter of replies: of a zone, source and class.
type cell uint16

const cells = MaxZones * int(NumSources) * int(NumRcodeClasses)

func cellOf(zone uint16, s Source, c RcodeClass) cell {
	return (cell(s)*cell(NumRcodeClasses)+cell(c))*MaxZones + cell(zone%MaxZones)
}

func (c cell) split() (zone uint16, s Source, class RcodeClass) {
	kind := c / MaxZones
	s, class = Source(kind/cell(NumRcodeClasses)), RcodeClass(kind%cell(NumRcodeClasses))
	return uint16(c % MaxZones), s.CountedAs(class), class
}

// Replies are the sums of one transport. Readers may look at any time.
type Replies struct {
	replies   [cells]atomic.Uint64
	others    [numRcodes + 1]atomic.Uint64 // replies of RcodeOther by response code
	Repeated  atomic.Uint64                // answers without TTL given again
	Malformed atomic.Uint64                // queries with a fault, and datagrams ignored
	Slipped   atomic.Uint64                // replies cut by rate-limit
	dropped   atomic.Uint64                // no reply by policy: blackhole, rate limit
	limited   atomic.Uint64                // of those, by rate-limit
}

// DropCounts reads the part before the whole, to which Publish adds first: else more might
// be limited than dropped.
func (c *Replies) DropCounts() (dropped, limited uint64) {
	limited = c.limited.Load()
	return c.dropped.Load(), limited
}

// Total is the number of replies.
func (c *Replies) Total() (n uint64) {
	for i := range c.replies {
		n += c.replies[i].Load()
	}
	return n
}

// Restart begins the counts of a zone anew.
func (c *Replies) Restart(zone int) {
	for i := zone; i < cells; i += MaxZones {
		c.replies[i].Store(0)
	}
}

// Each calls f with each kind of replies that there were.
func (c *Replies) Each(f func(zone uint16, from Source, class RcodeClass, n uint64)) {
	for i := range c.replies {
		if n := c.replies[i].Load(); n > 0 {
			zone, from, class := cell(i).split()
			f(zone, from, class, n)
		}
	}
}

// EachOther calls f with each response code of RcodeOther that there was.
func (c *Replies) EachOther(f func(rcode int, n uint64)) {
	for rcode := range c.others {
		if n := c.others[rcode].Load(); n > 0 {
			f(rcode, n)
		}
	}
}

// Tally collects the counts of one goroutine between two publications, so that
// counting a reply costs no more than plain additions. It is small, as each
// connection has one: where two cells meet the older is published at once.
type Tally struct {
	To    *Replies
	slots [64]struct {
		cell cell
		n    uint32
	}
	used   uint64 // bits of the slots with counts
	others bool   // there were replies of RcodeOther

	otherRcodes                          [numRcodes + 1]uint32
	Malformed, Dropped, Limited, Slipped uint32
	Repeated                             uint32
}

// Reply counts one.
func (t *Tally) Reply(zone uint16, s Source, rcode int) {
	class := ClassOf(rcode)
	c := cellOf(zone, s, class)
	i := (c + c/MaxZones*11) % cell(len(t.slots)) // kinds of one zone stand apart, as do zones of one kind
	slot := &t.slots[i]
	if slot.cell != c && slot.n > 0 {
		t.To.replies[slot.cell].Add(uint64(slot.n))
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

// Publish adds what was collected to the shared counters.
func (t *Tally) Publish() {
	for ; t.used != 0; t.used &= t.used - 1 {
		slot := &t.slots[bits.TrailingZeros64(t.used)]
		t.To.replies[slot.cell].Add(uint64(slot.n))
		slot.n = 0
	}
	if t.others {
		t.publishOthers()
	}
	if t.Repeated != 0 {
		t.To.Repeated.Add(uint64(t.Repeated))
		t.Repeated = 0
	}
	if t.Malformed|t.Dropped|t.Slipped != 0 {
		t.To.Malformed.Add(uint64(t.Malformed))
		t.To.dropped.Add(uint64(t.Dropped))
		t.To.limited.Add(uint64(t.Limited))
		t.To.Slipped.Add(uint64(t.Slipped))
		t.Malformed, t.Dropped, t.Limited, t.Slipped = 0, 0, 0, 0
	}
}

func (t *Tally) publishOthers() {
	for rcode, n := range t.otherRcodes {
		t.To.others[rcode].Add(uint64(n))
	}
	t.otherRcodes, t.others = [numRcodes + 1]uint32{}, false
}

// RcodeName is a response code as metrics name it.
func RcodeName(rcode int) string {
	if rcode == dns.RcodeBadVers { // miekg/dns says BADSIG, which only TSIG knows
		return "BADVERS"
	}
	if name, ok := dns.RcodeToString[rcode]; ok && rcode < numRcodes {
		return name
	}
	return "other"
}
