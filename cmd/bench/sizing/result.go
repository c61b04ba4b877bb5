package sizing

import (
	"fmt"
	"slices"
	"time"
)

// Result is what a scenario came to, from the end of its warm-up on.
type Result struct {
	Users   int // queries of users
	Queries int // of these, what reached the forwarder
	Hits    int // answered at once
	Joined  int // that waited for another's question
	Failed  int // answered with SERVFAIL
	Misses  int // questions that were asked for clients

	Packets    int // to upstream: all that follow, and misses
	Retries    int
	Prefetches int
	Checks     int // of watched names, and probes

	Seconds []int         // packets in each second
	Waiting []int         // the most questions that waited for a packet in each second
	Settled time.Duration // after which nothing waited for a packet any more; Waited is false: nothing ever did
	Waited  bool
	Until   int // packets until then
}

// HitRatio is the share of the forwarder's queries that were answered at once.
func (r *Result) HitRatio() float64 { return float64(r.Hits) / float64(max(r.Queries, 1)) }

// Mean is the packets a second.
func (r *Result) Mean() float64 { return float64(r.Packets) / float64(max(len(r.Seconds), 1)) }

// Busy is the packets in a second that 99 of 100 do not exceed.
func (r *Result) Busy() int { return percentile(r.Seconds, 99) }

// Peak is the packets in the busiest second.
func (r *Result) Peak() int { return percentile(r.Seconds, 100) }

// MostWaiting is how many questions waited for a packet at one time.
func (r *Result) MostWaiting() int { return percentile(r.Waiting, 100) }

// String says it all, a line for each figure.
func (r *Result) String() string {
	text := fmt.Sprintf(`queries that reach the forwarder  %d (%d of users)
answered at once                  %.1f %%
failed                            %d
questions asked for clients       %d
packets to upstream               %d (%d retries, %d prefetches, %d checks of watched names)
packets a second                  %.1f; 99th percentile %d, peak %d, of %d that an interface may send
`, r.Queries, r.Users, 100*r.HitRatio(), r.Failed, r.Misses, r.Packets, r.Retries, r.Prefetches, r.Checks, r.Mean(), r.Busy(), r.Peak(), InterfacePPS)
	if r.Waited {
		text += fmt.Sprintf("waited for a packet               %d questions at most, until %.1f s, when %d packets were sent\n", r.MostWaiting(), r.Settled.Seconds(), r.Until)
	}
	return text
}

func percentile(values []int, percent int) int {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)*percent+99)/100-1]
}
