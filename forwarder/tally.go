package forwarder

import "sync/atomic"

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
