package health

import (
	"slices"
	"strings"
	"time"

	"vpcdns/forwarder/upstream"
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
func (m *Monitor) Troubles() (list []Trouble) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, wall := m.cfg.Now(), time.Now()
	for _, o := range m.table.Open() {
		list = append(list, Trouble{TroubleStats{
			Kind: string(o.Kind), Subject: o.Subject, Since: wall.Add(o.Since - now), Now: !o.Good,
			Queries: o.Harm.Queries, Failed: o.Harm.Failed, Clients: o.Harm.Clients.Len(),
		}, o.Text})
	}
	return list
}

// Failures lists the zones of which queries failed in the last minute, by name.
func (m *Monitor) Failures() (list []ZoneFailures) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, w := range m.zones {
		if h := w.recent.Last(60); h.Failed > 0 {
			list = append(list, ZoneFailures{name, h.Queries, h.Failed, h.Clients.Len()})
		}
	}
	slices.SortFunc(list, func(a, b ZoneFailures) int { return strings.Compare(a.Zone, b.Zone) })
	return list
}

// Budgets are the packet budgets, with what was sent and refused in the last
// full second.
func (m *Monitor) Budgets() (list []upstream.BudgetState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.up.budgets {
		state := upstream.BudgetState{Interface: b.Name(), Waiting: b.Depth, Refused: b.Refused}
		for _, l := range m.up.linksOf(&b) {
			state.Interfaces = append(state.Interfaces, upstream.InterfaceState{Interface: l.Interface, PPS: l.PPS, Sent: l.Sent})
			state.PPS += l.PPS
			state.Sent += l.Sent
		}
		list = append(list, state)
	}
	return list
}
