package forwarder

import (
	"fmt"
	"sync"
	"time"

	"vpcdns/forwarder/host"
)

const (
	// throttleEvery is how often the interfaces' counters are read.
	throttleEvery = time.Second

	// throttleGrace readings after a halving, what still grows may be packets
	// from before it.
	throttleGrace = 3

	// throttleHold readings without growth, the budget begins to recover, and
	// throttleOver such readings at the full budget an episode is over.
	throttleHold = 10
	throttleOver = 60

	// throttleSteps is in how many steps, one a reading, a budget would recover
	// from nothing: from the half in 8 s.
	throttleSteps = 16

	// throttleFloor is the part of the budget that always remains: who exceeds
	// the allowance may be another process, which will not be stopped by us.
	throttleFloor = 8
)

// throttle is the packet budget in the face of an allowance that is exceeded
// though we keep to the budget, as others on the host spend of it too, or the
// allowance is less than we were told. It is halved when packets were lost, and
// regained step by step (AIMD, as in RFC 5681, 3.1).
type throttle struct {
	limit    int // packets a second as configured; 0 is none
	pps      int // now
	calm     int // readings since the last growth
	since    int // readings since the last halving
	episode  bool
	lost     uint64 // packets in this episode
	halvings uint64
}

func newThrottle(limit int) throttle {
	return throttle{limit: limit, pps: limit, since: throttleGrace}
}

// change is what a reading did to an episode.
type change uint8

const (
	nothingNew change = iota
	begun
	over
)

// read takes by how much a counter has grown since the last reading.
func (t *throttle) read(grown uint64) change {
	t.calm++
	t.since++
	if t.episode || grown == 0 {
		t.lost += grown
	} else {
		t.lost = grown
	}
	switch {
	case grown > 0:
		return t.exceeded()
	case !t.episode:
		return nothingNew
	case t.pps < t.limit:
		t.recover()
	case t.calm >= throttleOver:
		t.episode = false
		return over
	}
	return nothingNew
}

// exceeded halves the budget, unless that was just done.
func (t *throttle) exceeded() change {
	t.calm = 0
	if t.since >= throttleGrace {
		t.since = 0
		t.halvings++
		t.pps = max(t.limit/throttleFloor, t.pps/2, min(t.limit, 1))
	}
	if t.episode {
		return nothingNew
	}
	t.episode = true
	return begun
}

func (t *throttle) recover() {
	if t.calm >= throttleHold {
		t.pps = min(t.limit, t.pps+max(1, t.limit/throttleSteps))
	}
}

// allowances is what is known of the host's allowances.
type allowances struct {
	mu       sync.Mutex
	throttle throttle
	exceeded []host.Exceeded // as last read
}

// ThrottleStats is about the packet budget where the host's allowance of
// packets to link-local services was exceeded nevertheless.
type ThrottleStats struct {
	Active   bool            // the budget is less than configured
	Halvings uint64          // times that it was halved
	Exceeded []host.Exceeded // what the host's interfaces count; none outside EC2
}

func (a *allowances) stats() ThrottleStats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return ThrottleStats{a.throttle.pps < a.throttle.limit, a.throttle.halvings, a.exceeded}
}

// growth is how many packets to link-local services were lost between two
// readings. An interface that is new, or was reset, tells with the next one.
func growth(old, list []host.Exceeded) (n uint64) {
	before := make(map[string]uint64)
	for _, e := range old {
		if e.Allowance == host.LinkLocal {
			before[e.Interface] = e.Packets
		}
	}
	for _, e := range list {
		if was, ok := before[e.Interface]; ok && e.Allowance == host.LinkLocal && e.Packets > was {
			n += e.Packets - was
		}
	}
	return n
}

// watchAllowances follows what the host's interfaces say of allowances.
func (s *Server) watchAllowances() {
	tick := time.NewTicker(throttleEvery)
	defer tick.Stop()
	for {
		if list, err := s.net.exceeded(); err == nil { // else out of descriptors, say: the next look may tell
			s.adjustBudget(list)
		}
		select {
		case <-tick.C:
		case <-s.quit:
			return
		}
	}
}

func (s *Server) adjustBudget(list []host.Exceeded) {
	change, was, t := s.allowances.read(list)
	if t.pps != was {
		s.state.Load().upstream.SetPPS(t.pps) // of the clients before and after it too
	}
	s.logThrottle(change, &t)
}

// read takes a reading. It returns what that did, the budget before, and how
// things are now.
func (a *allowances) read(list []host.Exceeded) (c change, was int, now throttle) {
	a.mu.Lock()
	defer a.mu.Unlock()
	was = a.throttle.pps
	c = a.throttle.read(growth(a.exceeded, list))
	a.exceeded = list
	return c, was, a.throttle
}

// logThrottle writes the beginning and the end of an episode.
func (s *Server) logThrottle(c change, t *throttle) {
	l := s.logs.resolver
	switch {
	case c == begun && t.limit == 0:
		l.Warn(fmt.Sprintf("link-local packets exceeded this instance's allowance, %d were lost, and no --upstream-pps is set", t.lost))
	case c == begun:
		l.Warn(fmt.Sprintf("link-local packets exceeded this instance's allowance, %d were lost: upstream is sent %d packets/s instead of %d for a while",
			t.lost, t.pps, t.limit))
	case c == over:
		l.Warn(fmt.Sprintf("link-local packets are within this instance's allowance again, after %d were lost", t.lost))
	}
}
