package watch

import (
	"log/slog"
	"time"
)

// A guard may be over too early: caches ask one of a zone's servers, and keep for its
// TTL what that one had. In twice the TTL they ask two or three times, and may miss
// the server that is still old. So for maxGuard after a change earlier data that comes
// again takes its guard up again, and is believed when nothing else came for twice its
// TTL: that is a way back.

// over is what a guard that has done its work leaves behind.
func (g *guard) over() guard {
	g.again, g.back = true, run{}
	return *g
}

// recent is what a guard that is over refused not long ago.
func (g *guard) recent(now time.Duration) []data {
	if !g.on || now-g.began >= maxGuard {
		return nil
	}
	return g.refused
}

// relapse takes up the guard that is over if it refused d, and reports whether it did.
// Under an override that is not needed, and where the name has nothing now there is
// nothing to give in its place.
func (t *Table) relapse(r *record, d *data, m Moment) bool {
	if r.guard.on || r.override != nil || r.current.empty() || r.changes.varies || r.ended.recent(m.Now) == nil || !r.ended.refuses(d) {
		return false
	}
	r.guard, r.ended = r.ended, guard{}
	r.guard.cameBack = 0
	r.guard.quiet.end()
	t.events.add(slog.LevelWarn, "%s: %v came again %v after the change: it is refused again until it has not come, or nothing else has, for %v", r, d, since(m.Now, r.guard.began), 2*r.guard.lasts)
	t.version++
	return true
}

// returns notes refused data, and reports whether it is a way back.
func (g *guard) returns(d *data, now time.Duration) bool {
	if !g.again {
		return false
	}
	if g.backTo != d.key {
		g.backTo = d.key
		g.back.end()
	}
	g.back.add(now)
	return g.back.length() >= 2*g.lasts
}

// admit believes data that was refused.
func (r *record) admit(d *data) {
	r.guard.admit(d)
	r.ended.admit(d)
}
