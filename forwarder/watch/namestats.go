package watch

import (
	"cmp"
	"slices"
	"time"
)

// maxNameStats bounds what metrics show name by name.
const maxNameStats = 100

// NameStats is one type of a name, for metrics. Times are zero where there is nothing.
type NameStats struct {
	Name  string // for people
	Type  string
	Given string // where clients' data is from: one of Givers

	Probe string // "on": one shows its data; "aside": its wildcard does not; "": there is none

	Agrees bool   // upstream says what the override does
	Verify string // "done": upstream has steadily given what was to be verified; "open": it has not; "": nothing was lately

	Changed      time.Time // latest change
	OverrideSet  time.Time
	OverrideEnds time.Time // at the latest, whatever upstream says
	VerifyBegan  time.Time // of a verification that runs
	EarlierUntil time.Time // nobody behind this forwarder holds earlier data after
	CameBack     int       // answers that the guard refused which runs
	Changes      uint64    // since the process began
	Refused      uint64    // answers that guards refused, likewise
}

// Givers are where the data can be from that clients are given.
var Givers = []string{"upstream", "override", "guard", "verify"}

// NameStats returns those of up to 100 types of names, what is unusual and what changed
// last first, and how many there are beside them.
func (t *Table) NameStats(m Moment) (list []NameStats, more int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	changed := t.history.latest()
	for _, n := range t.names {
		for _, r := range n.sets {
			if r.known || r.override != nil || r.verify.running() {
				list = append(list, r.nameStats(changed, m))
			}
		}
	}
	slices.SortFunc(list, func(a, b NameStats) int {
		return cmp.Or(a.rank()-b.rank(), b.Changed.Compare(a.Changed), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type))
	})
	more = max(0, len(list)-maxNameStats)
	return list[:len(list)-more], more
}

// rank is 0 for what is to be seen even where there are too many.
func (s *NameStats) rank() int { return one(s.Given == "upstream" && s.VerifyBegan.IsZero()) }

func (r *record) nameStats(changed map[nameAndType]time.Time, m Moment) NameStats {
	s := NameStats{
		Name: r.node.name, Type: typeText(r.rtype), Given: cmp.Or(r.pinnedBy(m), "upstream"),
		CameBack: r.guard.cameBack, Changes: r.changed, Refused: r.refused,
		Probe: [...]string{probeNone: "", probeOn: "on", probeAside: "aside"}[r.node.probe.state],
	}
	s.Changed = changed[nameAndType{s.Name, s.Type}]
	if v := r.override; v != nil {
		s.OverrideSet, s.OverrideEnds = v.began.Wall, m.wall(v.expires)
		s.Agrees = r.known && r.current.same(&v.data)
	}
	if r.verify.running() {
		s.VerifyBegan = r.verify.began.Wall
	}
	if v := r.verify; v != nil && !v.forgotten(m.Now) {
		s.Verify = "open"
		if v.done() {
			s.Verify = "done"
		}
	}
	if until := r.ledger.earlierUntil(); until > m.Now {
		s.EarlierUntil = m.wall(until)
	}
	return s
}

// earlierUntil is when nobody holds any more what is not given now.
func (l *ledger) earlierUntil() (latest time.Duration) {
	for _, h := range l.past {
		latest = max(latest, h.latest)
	}
	return latest
}

type nameAndType struct{ name, rtype string }

// latest is when each name and type that the history knows changed last.
func (h *history) latest() map[nameAndType]time.Time {
	all := make(map[nameAndType]time.Time, len(h.list))
	for i := range h.list {
		all[nameAndType{h.list[i].Name, h.list[i].Type}] = h.list[i].At
	}
	return all
}
