package counts

import (
	"sync"
	"time"

	"vpcdns/forwarder/trouble"
)

// Rates are the replies of the last minute, second by second.
type Rates struct {
	mu      sync.Mutex
	samples [61]sample
	at      int // of the latest
}

// sample is how many replies there were until then.
type sample struct {
	at                           time.Duration
	all, hits, cacheable, failed uint64
}

// Add adds a second that has ended.
func (r *Rates) Add(now time.Duration, s *ReplySums) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := sample{at: now, hits: s.Hits, cacheable: s.Cacheable}
	for zone := range s.All {
		n.all += s.All[zone]
		n.failed += s.Failed[zone]
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

// Last is what happened in the last n seconds, 60 at most.
func (r *Rates) Last(n int) Rate {
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

// ReplySums are the replies so far.
type ReplySums struct {
	All, Failed     [MaxZones]uint64 // by zone
	Hits, Cacheable uint64
}

// Sum adds up what all transports count for so many zones. It costs some thousand loads.
func (s *ReplySums) Sum(zones int, transports ...*Replies) {
	*s = ReplySums{}
	for _, c := range transports {
		for kind := 0; kind < cells; kind += MaxZones {
			_, from, class := cell(kind).split()
			var sum uint64
			for zone := range zones {
				n := c.replies[kind+zone].Load()
				sum += n
				s.All[zone] += n
				if class == RcodeServFail {
					s.Failed[zone] += n
				}
			}
			s.count(from, sum)
		}
	}
}

func (s *ReplySums) count(from Source, n uint64) {
	switch from {
	case SourceHit:
		s.Hits += n
		s.Cacheable += n
	case SourceMiss, SourceJoined, SourceStale, SourceFailed:
		s.Cacheable += n
	}
}
