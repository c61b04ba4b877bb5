package page

import (
	"net/netip"
	"time"

	"vpcdns/forwarder/upstream"
)

// rtts are the histograms of servers, second by second of the last minute.
type rtts map[netip.AddrPort]*rttRing

type rttRing struct {
	hist [61]upstream.Histogram
	at   int
	n    int // that are filled
	seen time.Time
}

func (r rtts) note(now time.Time, servers []upstream.ServerStats) {
	for i := range servers[:min(len(servers), maxList)] {
		ring := r[servers[i].Addr]
		if ring == nil {
			ring = new(rttRing)
			r[servers[i].Addr] = ring
		}
		if beganAnew(&servers[i].RTT, &ring.hist[ring.at]) {
			*ring = rttRing{n: 1} // from nothing on
		}
		ring.at = (ring.at + 1) % len(ring.hist)
		ring.n = min(ring.n+1, len(ring.hist))
		ring.hist[ring.at], ring.seen = servers[i].RTT, now
	}
	for addr, ring := range r {
		if ring.seen != now {
			delete(r, addr)
		}
	}
}

// beganAnew reports whether a histogram is of counters that a reload, which changed
// servers, has begun anew.
func beganAnew(now, last *upstream.Histogram) bool {
	for i := range now.Buckets {
		if now.Buckets[i] < last.Buckets[i] {
			return true
		}
	}
	return now.Sum < last.Sum
}

// upstreamLatency is that of the last minute.
func (s *sampler) upstreamLatency(addr netip.AddrPort) Quantiles {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rtts[addr]
	if r == nil {
		return Quantiles{}
	}
	grown := r.grown()
	return quantiles(grown[:], upstream.RTTBounds[:])
}

// rttCounts are those of an upstream.Histogram.
type rttCounts [len(upstream.RTTBounds) + 1]uint64

// grown is what came in the last minute.
func (r *rttRing) grown() (grown rttCounts) {
	now, then := &r.hist[r.at], &r.hist[(r.at+len(r.hist)+1-r.n)%len(r.hist)]
	for i := range grown {
		grown[i] = now.Buckets[i] - then.Buckets[i]
	}
	return grown
}

// all is that of all servers.
func (r rtts) all() Quantiles {
	var sum rttCounts
	for _, ring := range r {
		grown := ring.grown()
		for i := range sum {
			sum[i] += grown[i]
		}
	}
	return quantiles(sum[:], upstream.RTTBounds[:])
}
