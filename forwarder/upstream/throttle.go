package upstream

const (
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

// Throttle is the limit of packets in the face of an allowance that is exceeded
// though we keep to the budget, as others on the host spend of it too, or the
// allowance is less than we were told. It is halved when packets were lost, and
// regained step by step (AIMD, as in RFC 5681, 3.1). It belongs to one goroutine.
type Throttle struct {
	limit    int // packets a second as configured; 0 is none
	pps      int // now
	calm     int // readings since the last growth
	since    int // readings since the last halving
	episode  bool
	lost     uint64 // packets in this episode
	halvings uint64
}

// NewThrottle returns a Throttle for a limit in packets a second; 0 is none.
func NewThrottle(limit int) Throttle {
	return Throttle{limit: limit, pps: limit, since: throttleGrace}
}

// Change is what a reading did to an episode, which begins with a loss and is over
// when the whole budget has been enough for a while.
type Change uint8

const (
	NoChange Change = iota
	Began
	Ended
)

// Read takes by how much the counter of lost packets has grown since the last
// reading; there is one a second.
func (t *Throttle) Read(grown uint64) Change {
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
		return NoChange
	case t.pps < t.limit:
		t.recover()
	case t.calm >= throttleOver:
		t.episode = false
		return Ended
	}
	return NoChange
}

// exceeded halves the budget, unless that was just done.
func (t *Throttle) exceeded() Change {
	t.calm = 0
	if t.since >= throttleGrace {
		t.since = 0
		t.halvings++
		t.pps = max(t.limit/throttleFloor, t.pps/2, min(t.limit, 1))
	}
	if t.episode {
		return NoChange
	}
	t.episode = true
	return Began
}

func (t *Throttle) recover() {
	if t.calm >= throttleHold {
		t.pps = min(t.limit, t.pps+max(1, t.limit/throttleSteps))
	}
}

// PPS is the limit now, and Limit the configured one: packets a second, 0 is none.
func (t *Throttle) PPS() int   { return t.pps }
func (t *Throttle) Limit() int { return t.limit }

// Lost is how many packets were lost in this episode, or the last one.
func (t *Throttle) Lost() uint64 { return t.lost }

// Halvings is how often the limit was halved.
func (t *Throttle) Halvings() uint64 { return t.halvings }
