package health

import (
	"fmt"
	"sync"
	"time"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/trouble"
	"vpcdns/forwarder/upstream"
)

// allowances is what is known of the host's allowances.
type allowances struct {
	mu       sync.Mutex
	throttle upstream.Throttle
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
	t := &a.throttle
	return ThrottleStats{t.PPS() < t.Limit(), t.Halvings(), a.exceeded}
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

// Allowances is told once a second what the host's interfaces count. Where that changes
// how many packets a second may be sent upstream (0: no limit), setPPS is called before
// anything is told.
func (m *Monitor) Allowances(list []host.Exceeded, setPPS func(pps int)) {
	change, was, t := m.allowances.read(list)
	if t.PPS() != was {
		setPPS(t.PPS())
	}
	m.noteThrottle(change, &t)
}

// Throttle is how the packet budget is.
func (m *Monitor) Throttle() ThrottleStats { return m.allowances.stats() }

// read takes a reading. It returns what that did, the budget before, and how
// things are now.
func (a *allowances) read(list []host.Exceeded) (c upstream.Change, was int, now upstream.Throttle) {
	a.mu.Lock()
	defer a.mu.Unlock()
	was = a.throttle.PPS()
	c = a.throttle.Read(growth(a.exceeded, list))
	a.exceeded = list
	return c, was, a.throttle
}

// noteThrottle notes the beginning and the end of an episode.
func (m *Monitor) noteThrottle(c upstream.Change, t *upstream.Throttle) {
	key := trouble.Key{Kind: trouble.Allowance}
	m.Change(func(table *trouble.Table, now time.Duration) {
		switch c {
		case upstream.Began:
			table.Begin(trouble.Start{Key: key, Text: throttleText(t), Since: now}, now)
		case upstream.Ended:
			table.End(key, fmt.Sprintf("link-local packets are within this instance's allowance again, after %d were lost", t.Lost()), now)
		}
	})
}

func throttleText(t *upstream.Throttle) string {
	if t.Limit() == 0 {
		return fmt.Sprintf("link-local packets exceeded this instance's allowance, %d were lost, and no --upstream-pps is set", t.Lost())
	}
	return fmt.Sprintf("link-local packets exceeded this instance's allowance, %d were lost: upstream is sent %d packets/s instead of %d for a while",
		t.Lost(), t.PPS(), t.Limit())
}
