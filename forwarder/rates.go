package forwarder

import (
	"sync"
	"time"

	"vpcdns/forwarder/trouble"
)

// rates are the replies of the last minute, second by second.
type rates struct {
	mu      sync.Mutex
	samples [61]sample
	at      int // of the latest
}

// sample is how many replies there were until then.
type sample struct {
	at                           time.Duration
	all, hits, cacheable, failed uint64
}

func (r *rates) add(now time.Duration, s *replySums) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := sample{at: now, hits: s.hits, cacheable: s.cacheable}
	for zone := range s.all {
		n.all += s.all[zone]
		n.failed += s.failed[zone]
	}
	r.at = (r.at + 1) % len(r.samples)
	r.samples[r.at] = n
}

// Rate is what happened in the last seconds.
type Rate struct {
	Span      time.Duration // that were looked at: less than was asked for after a start
	Replies   uint64        // to clients
	Hits      uint64        // of them, from the cache
	Cacheable uint64        // of them, those that might have been from the cache
	Failed    uint64        // of them, with SERVFAIL
}

// PerSecond is how many replies a second there were.
func (r Rate) PerSecond() float64 {
	if r.Span <= 0 {
		return 0
	}
	return float64(r.Replies) / r.Span.Seconds()
}

// HitRatio is the share that the cache answered of what it might have answered, 0
// to 1; 0 where nothing was asked.
func (r Rate) HitRatio() float64 {
	if r.Cacheable == 0 {
		return 0
	}
	return float64(r.Hits) / float64(r.Cacheable)
}

// last is what happened in the last n seconds, 60 at most.
func (r *rates) last(n int) Rate {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, then := r.samples[r.at], r.samples[(r.at+len(r.samples)-n)%len(r.samples)]
	return Rate{
		Span:      now.at - then.at,
		Replies:   trouble.Growth(now.all, then.all),
		Hits:      trouble.Growth(now.hits, then.hits),
		Cacheable: trouble.Growth(now.cacheable, then.cacheable),
		Failed:    trouble.Growth(now.failed, then.failed),
	}
}

// Rate is what the last full seconds brought, 60 at most.
func (s *Server) Rate(seconds int) Rate { return s.rates.last(max(0, min(seconds, 60))) }

// replySums are the replies so far.
type replySums struct {
	all, failed     [maxZones]uint64 // by zone
	hits, cacheable uint64
}

// sumReplies adds up what all transports count. It costs some thousand loads.
func (e *engine) sumReplies(s *replySums, zones int) {
	*s = replySums{}
	for _, c := range []*counters{e.udp, e.tcp, e.inProcess} {
		for kind := 0; kind < cells; kind += maxZones {
			_, from, class := cell(kind).split()
			var sum uint64
			for zone := range zones {
				n := c.replies[kind+zone].Load()
				sum += n
				s.all[zone] += n
				if class == RcodeServFail {
					s.failed[zone] += n
				}
			}
			s.count(from, sum)
		}
	}
}

func (s *replySums) count(from Source, n uint64) {
	switch from {
	case SourceHit:
		s.hits += n
		s.cacheable += n
	case SourceMiss, SourceJoined, SourceStale, SourceFailed:
		s.cacheable += n
	}
}
