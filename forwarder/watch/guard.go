package watch

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

const (
	// maxGuard is how long earlier data is refused at most.
	maxGuard = 120 * time.Second

	// maxRefused are the earlier data of a record that are refused at once.
	maxRefused = 16

	// lately is when both kinds of data must have come for the name to vary.
	lately = 20 * time.Second
)

// guard keeps data that a name had before from coming again. The zero value refuses
// nothing.
type guard struct {
	on       bool
	began    time.Duration
	refused  []data
	lasts    time.Duration // the longest TTL of those
	quiet    run           // of answers without any of them
	lastOld  time.Duration
	lastNew  time.Duration
	cameBack int

	again  bool   // it was over before
	back   run    // then: of refused answers without any other
	backTo string // key of their data
}

func (g *guard) refuses(d *data) bool {
	return g.on && slices.ContainsFunc(g.refused, d.is)
}

func (d *data) is(other data) bool { return d.key == other.key }

// begin refuses more data, except d itself, from now on.
func (g *guard) begin(d *data, earlier []data, now time.Duration) {
	for _, old := range earlier {
		if !old.same(d) && !slices.ContainsFunc(g.refused, old.is) {
			g.refused = append(g.refused, old)
		}
	}
	if g.admit(d); len(g.refused) == 0 {
		return
	}
	g.refused = g.refused[max(0, len(g.refused)-maxRefused):]
	g.lasts = 0
	for _, old := range g.refused {
		g.lasts = max(g.lasts, old.lasts())
	}
	g.on, g.began, g.lastNew, g.cameBack = true, now, now, 0
	g.quiet.end()
}

// admit refuses d no longer.
func (g *guard) admit(d *data) {
	if g.refused = slices.DeleteFunc(g.refused, d.is); len(g.refused) == 0 {
		*g = guard{}
	}
}

// came notes refused data.
func (g *guard) came(now time.Duration) {
	g.cameBack++
	g.lastOld = now
	g.quiet.end()
}

// passed notes other data, and reports whether the guard has done its work.
func (g *guard) passed(now time.Duration) bool {
	if !g.on {
		return false
	}
	g.lastNew = now
	g.back.end()
	g.quiet.add(now)
	return g.quiet.length() >= 2*g.lasts
}

func (g *guard) String() string {
	list := make([]string, len(g.refused))
	for i := range g.refused {
		list[i] = g.refused[i].String()
	}
	return strings.Join(list, "; ")
}

// endLongGuard ends a guard whose time is over: what upstream says next is
// believed.
func (t *Table) endLongGuard(r *record, m Moment) {
	g := r.guard
	r.guard, r.ended, r.left, r.over = guard{}, guard{}, nil, &m.Now
	t.version++
	switch {
	case g.cameBack > 0 && m.Now-g.lastOld <= lately && m.Now-g.lastNew <= lately:
		t.vary(r, m)
	case g.cameBack > 0:
		t.events.add(slog.LevelWarn, "%s: earlier data (%v) still came %v ago, but is refused for %v at most; what upstream says next is believed", r, &g, since(m.Now, g.lastOld), maxGuard)
	default:
		t.events.add(slog.LevelInfo, "%s: earlier data (%v) is refused no longer, %v after the change", r, &g, maxGuard)
	}
}

// endGuard ends a guard that has done its work.
func (t *Table) endGuard(r *record, m Moment) {
	t.events.add(slog.LevelInfo, "%s: earlier data (%v) came no more for %v and is refused no longer; it had come %s after the change", r, &r.guard, r.guard.quiet.length().Round(time.Second), times(r.guard.cameBack))
	r.ended = r.guard.over()
	r.guard, r.left, r.over = guard{}, nil, &m.Now
	t.version++
}

// ClearGuard lets earlier data of a name be believed again, if upstream says it.
func (t *Table) ClearGuard(name string, m Moment) error {
	n, unlock, err := t.find(name)
	if err != nil {
		return fmt.Errorf("clearing a guard: %w", err)
	}
	defer unlock()
	cleared := false
	for _, r := range n.sets {
		if r.guard.on {
			cleared = true
			t.gone.clearGuard(r.key(), m.Now, m.Now)
			t.clearGuard(r, "by command", m.Now)
			t.settle(r, m)
		}
	}
	if !cleared {
		return none(n.name + " has no guard")
	}
	return nil
}

// clearGuard ends a guard that was cleared then, here or at a member.
func (t *Table) clearGuard(r *record, how string, at time.Duration) {
	t.events.add(slog.LevelWarn, "%s: the guard was cleared %s, earlier data (%v) is believed if upstream gives it", r, how, &r.guard)
	r.guard, r.ended, r.left, r.over = guard{}, guard{}, nil, &at
	t.version++
}

func (r *record) String() string { return r.node.name + " " + typeText(r.rtype) }

func since(now, then time.Duration) time.Duration { return max(0, now-then).Round(time.Second) }

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return fmt.Sprint(n, " times")
}
