package upstream

import "time"

const (
	// unknownRTO is the timeout for a server that was never heard (Unbound's).
	unknownRTO = 376 * time.Millisecond

	// minVariance keeps the timeout above a busy machine's scheduling, and is
	// the least that Unbound waits on a fast path.
	minVariance = 50 * time.Millisecond

	// maxPause keeps tries close enough that one of them is soon after the end of
	// whatever held up the others.
	maxPause = time.Second

	// maxRTO leaves a request time for a second try.
	maxRTO = 2 * time.Second
)

// rtt estimates a server's round trip time (RFC 6298, 2). Its samples are
// exact, even of late answers, as each try has an ID of its own.
type rtt struct {
	srtt, variance time.Duration
	known          bool
}

func (e *rtt) sample(d time.Duration) {
	if !e.known {
		*e = rtt{srtt: d, variance: d / 2, known: true}
		return
	}
	e.variance += ((e.srtt - d).Abs() - e.variance) / 4
	e.srtt += (d - e.srtt) / 8
}

func (e *rtt) rto() time.Duration {
	if !e.known {
		return unknownRTO
	}
	return min(e.srtt+max(4*e.variance, minVariance), maxRTO)
}

// wait returns how long the n-th try, counted from 1, waits before the next.
func (e *rtt) wait(n int) time.Duration {
	rto := e.rto()
	switch {
	case n <= 1:
		return rto
	case n <= 3:
		return min(rto, max(rto/2, 2*e.srtt))
	}
	return min(rto<<min(n-3, 4), max(rto, maxPause))
}

// cost orders servers: what was never heard counts as slow.
func (e *rtt) cost() time.Duration {
	if !e.known {
		return unknownRTO
	}
	return e.srtt
}
