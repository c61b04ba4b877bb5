package watch

import (
	"log/slog"
	"time"
)

const (
	// A name that changes untold more often than maxChanges in changesIn varies:
	// weighted, multivalue and round-robin sets do.
	maxChanges = 4
	changesIn  = time.Minute

	// standsFor is the TTLs that one value of a varying name stands before it is
	// guarded again.
	standsFor = 10
)

// changes are those of a record that nobody told of.
type changes struct {
	at     []time.Duration // the latest
	varies bool
	stands time.Duration // since when a varying name has its data
}

// add notes a change and reports whether it is one too many.
func (c *changes) add(now time.Duration) bool {
	c.at = append(c.at, now)
	c.at = c.at[max(0, len(c.at)-maxChanges-1):]
	return len(c.at) > maxChanges && now-c.at[0] <= changesIn
}

// hear takes an answer of upstream's for the name itself.
func (t *Table) hear(r *record, d data, asked time.Duration, m Moment) {
	if r.override != nil {
		t.judgeOverride(r, &d, asked, m)
	}
	r.verify.judge(&d, asked, m)
	if asked < r.asked && r.known && !d.same(&r.current) {
		return // an answer from before that came late
	}
	r.said, r.heard = d, true
	switch {
	case r.guard.refuses(&d) || t.relapse(r, &d, m): // before all: an override may have refused what is current
		t.refuse(r, &d, asked, m)
	case r.known && d.same(&r.current):
		t.confirm(r, d, asked, m)
	case r.guard.on && d.empty():
		// A denial while a change spreads is as likely an old one: it is believed when
		// the guard is over.
		if r.guard.passed(m.Now) {
			t.endGuard(r, m)
		}
	case r.changes.varies:
		r.become(d, asked, m)
		r.changes.stands = m.Now
	default:
		t.change(r, d, asked, Upstream, m)
	}
}

// confirm takes the data that was believed before.
func (t *Table) confirm(r *record, d data, asked time.Duration, m Moment) {
	if d.ttl > r.current.ttl {
		t.version++
	}
	d.ttl = max(d.ttl, r.current.ttl)
	until := m.Now + time.Duration(r.said.ttl)*time.Second
	r.current, r.asked, r.until = d, max(asked, r.asked), until
	if r.taught != nil {
		r.taught = nil
		t.version++
	}
	if r.guard.passed(m.Now) {
		t.endGuard(r, m)
	}
	if r.changes.varies && m.Now-r.changes.stands >= standsFor*d.lasts() {
		r.changes = changes{}
		t.events.add(slog.LevelInfo, "%s: has stood at %v for %v; changes are guarded again", r, &d, standsFor*d.lasts())
		t.version++
	}
}

// refuse leaves earlier data aside while the guard runs.
func (t *Table) refuse(r *record, d *data, asked time.Duration, m Moment) {
	if r.guard.cameBack == 0 && !r.guard.again {
		t.events.add(slog.LevelWarn, "%s: upstream gives %v again, which is refused; clients are given %v", r, d, r.given())
	}
	r.guard.came(m.Now)
	r.guard.lasts = max(r.guard.lasts, d.lasts())
	t.refused++
	r.refused++
	if r.guard.returns(d, m.Now) {
		r.admit(d)
		t.change(r, *d, asked, Upstream, m)
	}
}

// change takes data that differs from what was believed, and is refused by no
// guard.
func (t *Table) change(r *record, d data, asked time.Duration, from Source, m Moment) {
	if !r.known {
		r.become(d, asked, m)
		t.version++
		return
	}
	old, told := r.current, r.override != nil && r.override.data.same(&d)
	earlier := []data{old}
	if old.empty() {
		earlier = append(r.left, old)
	}
	t.note(r, &old, &d, from, "", m)
	r.become(d, asked, m)
	r.taught = nil
	t.version++
	if !told && r.changes.add(m.Now) {
		t.vary(r, m)
		return
	}
	if d.empty() {
		// A denial refuses nothing: to be without an address is worse than to have an
		// earlier one. What it followed is remembered for the next address.
		r.left = append(r.left, old)
		r.left = r.left[max(0, len(r.left)-maxRefused):]
		t.events.add(slog.LevelWarn, "%s: upstream denies what it had as %v", r, &old)
		return
	}
	r.left = nil
	r.guard.begin(&d, append(earlier, r.ended.recent(m.Now)...), m.Now)
	r.ended = guard{}
	if r.override != nil {
		r.guard.admit(&r.override.data) // the operator is believed over the guard
	}
	if r.guard.on && from == Upstream {
		r.guard.quiet.add(m.Now)
	}
	t.tellChange(r, &old, &d, from)
}

func (r *record) become(d data, asked time.Duration, m Moment) {
	r.current, r.known, r.since = d, true, m
	r.asked, r.until = max(asked, r.asked), m.Now+time.Duration(d.ttl)*time.Second
}

func (t *Table) tellChange(r *record, old, new *data, from Source) {
	who := "at upstream"
	if from == Probe {
		who = "as two probes found"
	}
	if !r.guard.on {
		t.events.add(slog.LevelWarn, "%s: changed %s from %v to %v", r, who, old, new)
		return
	}
	t.events.add(slog.LevelWarn, "%s: changed %s from %v to %v; earlier data (%v) is refused until it has not come for %v, %v at most: a way back that is not told waits as long ('guard clear %s' or an override does not)",
		r, who, old, new, &r.guard, 2*r.guard.lasts, maxGuard, r.node.name)
}

// vary guards a record no longer, until one value has stood.
func (t *Table) vary(r *record, m Moment) {
	r.guard, r.ended, r.left, r.taught = guard{}, guard{}, nil, nil
	r.changes = changes{varies: true, stands: m.Now}
	t.events.add(slog.LevelWarn, "%s: varies (weighted, multivalue or round robin?), so earlier data is not refused until one value has stood for %d TTLs", r, standsFor)
	t.version++
}
