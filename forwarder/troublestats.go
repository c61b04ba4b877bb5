package forwarder

import (
	"slices"
	"strings"
	"time"

	"vpcdns/forwarder/trouble"
)

// TroubleStats is something that is wrong. Its first line is in the log, its last
// one is still to come.
type TroubleStats struct {
	Kind    string // outage, failures, slow, budget …: see package trouble
	Subject string // the server, zone, interface, address or file; "" where there is one only
	Since   time.Time
	Now     bool   // false: it comes and goes, and is gone at the moment
	Queries uint64 // of the zones that it concerns, since then
	Failed  uint64 // of them
	Clients int    // whose queries failed, about
}

// Trouble is one in words.
type Trouble struct {
	TroubleStats
	Text string // what is wrong, as the log has it
}

// ZoneFailures is how many queries of a forward zone failed in the last minute.
type ZoneFailures struct {
	Zone    string // canonical name
	Queries uint64
	Failed  uint64 // with SERVFAIL, or without a reply
	Clients int    // whose queries failed, about
}

// Troubles lists what is wrong, what began first at the front.
func (s *Server) Troubles() (list []Trouble) {
	t := &s.troubles
	t.mu.Lock()
	defer t.mu.Unlock()
	now, wall := s.clock.now(), time.Now()
	for _, o := range t.table.Open() {
		list = append(list, Trouble{TroubleStats{
			Kind: string(o.Kind), Subject: o.Subject, Since: wall.Add(o.Since - now), Now: !o.Good,
			Queries: o.Harm.Queries, Failed: o.Harm.Failed, Clients: o.Harm.Clients.Len(),
		}, o.Text})
	}
	return list
}

// Failures lists the zones of which queries failed in the last minute, by name.
func (s *Server) Failures() (list []ZoneFailures) {
	t := &s.troubles
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, w := range t.zones {
		if h := w.recent.Last(60); h.Failed > 0 {
			list = append(list, ZoneFailures{name, h.Queries, h.Failed, h.Clients.Len()})
		}
	}
	slices.SortFunc(list, func(a, b ZoneFailures) int { return strings.Compare(a.Zone, b.Zone) })
	return list
}

// Rate is what the last full seconds brought, 60 at most.
func (s *Server) Rate(seconds int) Rate {
	t := &s.troubles
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rates.last(max(0, min(seconds, 60)))
}

// LastBudgets are the packet budgets, with what was sent and refused in the last
// full second.
func (s *Server) LastBudgets() (list []BudgetState) {
	t := &s.troubles
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range t.up.budgets {
		list = append(list, BudgetState{Interface: b.Interface, PPS: b.PPS, Waiting: b.Depth, Sent: b.Sent, Refused: b.Refused})
	}
	return list
}

// KindOfLog is the Kind of a Trouble of who has the logs.
const KindOfLog = string(trouble.Log)
