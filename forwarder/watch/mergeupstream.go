package watch

import (
	"log/slog"
	"slices"
	"time"
)

// mergeUpstream takes what upstream said there of a name, so that earlier data is refused
// here too.
func (g *merger) mergeUpstream(theirs *node) {
	for _, s := range theirs.sorted() {
		if !s.known || !g.wants(theirs.wire) && !s.guard.on {
			continue
		}
		if r := g.room(s); r != nil {
			g.mergeRecord(r, s)
		}
	}
}

// room returns the record that is here, or makes it. No other name goes for it.
func (g *merger) room(s *record) *record {
	n := g.names[s.node.wire]
	if n == nil {
		if len(g.names) >= maxNames {
			g.got.leaveOut("names: %v", ErrTooMany)
			return nil
		}
		n = g.add(s.node.wire, g.now)
		g.got.Wanted = g.got.Wanted || !g.matches(n.wire)
	}
	return n.record(s.rtype, false)
}

func (g *merger) mergeRecord(r, s *record) {
	for _, over := range []*time.Duration{r.over, g.gone.cleared(r.key())} {
		if over != nil && s.guard.began <= *over {
			s.guard, s.ended = guard{}, guard{} // it is over here
		}
	}
	if s.current.empty() {
		s.guard = guard{} // there is nothing to give in place of what it refuses
	}
	switch {
	case !r.known:
		g.begin(r, s)
	case r.changes.varies || s.changes.varies || !s.guard.on:
	case s.guard.refuses(&r.current) && !r.guard.refuses(&s.current):
		g.correct(r, s)
	default:
		g.joinGuard(r, &s.guard)
	}
}

// begin takes all that upstream said.
func (g *merger) begin(r, s *record) {
	r.current, r.known, r.said, r.heard, r.since = s.current, true, s.said, s.heard, s.since
	r.asked, r.until, r.left, r.changes, r.taught = s.asked, s.until, s.left, s.changes, s.taught
	r.guard, r.ended = s.guard, s.ended
	if r.override != nil {
		r.admit(&r.override.data)
	}
	g.got.Names++
	g.got.Guards += one(r.guard.on)
}

// correct believes what there is given in place of earlier data, where upstream gave that
// earlier data here as the first.
func (g *merger) correct(r, s *record) {
	g.note(r, &r.current, &s.current, Upstream, "", g.now)
	g.events.add(slog.LevelWarn, "%s: upstream gave %v, which is earlier data, as %s knows; clients are given %v", r, &r.current, g.from, &s.current)
	r.current, r.since, r.until = s.current, s.since, s.until
	g.joinGuard(r, &s.guard)
}

// joinGuard refuses what is refused there, for as long as there.
func (g *merger) joinGuard(r *record, theirs *guard) {
	more := slices.DeleteFunc(slices.Clone(theirs.refused), func(d data) bool {
		return d.same(&r.current) || r.guard.refuses(&d) || r.override != nil && d.same(&r.override.data)
	})
	began := theirs.began
	if r.guard.on {
		began = max(began, r.guard.began)
	}
	switch {
	case r.current.empty():
	case len(more) > 0:
		r.guard.begin(&r.current, more, began)
		r.guard.again = false
		g.got.Guards++
	case r.guard.on:
		r.guard.began = began
	}
}
