package watch

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// What a command has ended at one forwarder is not to come again from another that had
// not heard of it, nor what ended by itself. What is gone is told by the control time of
// what ended, not by when that was: no two clocks are compared.

// tombstone is the latest control time of what ended, of a key: that, and all set no later,
// is taken from no member. A guard is set by nobody, so of one it is when it was cleared.
type tombstone struct {
	deleted time.Time      // by a command, which members are told
	ended   time.Time      // or by itself, which each finds out for itself
	cleared *time.Duration // by a command, by our clock: guards that began until then are over; nil: none was
	noted   time.Duration  // by our clock: the oldest makes room
}

// tombstones are what is gone, by names and types; type 0 is the watch of a name or pattern.
type tombstones map[Key]*tombstone

const (
	// maxTombstones are kept at once.
	maxTombstones = 2 * maxNames

	// goneFor is how long they are kept: as long as an override lasts that somebody may
	// have still.
	goneFor = maxOverride
)

func cutPatternKey(key string) (zone string, pattern bool) {
	return strings.CutPrefix(key, patternKey(""))
}

// patternKey is the wire name of "*.zone".
func patternKey(zone string) string { return "\x01*" + zone }

// add notes that what was set at a control time is gone.
func (g tombstones) add(k Key, at time.Time, deleted bool, now time.Duration) {
	if x := g.of(k, now); deleted {
		x.deleted = later(x.deleted, at)
	} else {
		x.ended = later(x.ended, at)
	}
}

// clearGuard notes when a guard was cleared, and reports whether that is new.
func (g tombstones) clearGuard(k Key, at, now time.Duration) bool {
	if c := g.cleared(k); c != nil && at <= *c {
		return false
	}
	g.of(k, now).cleared = &at
	return true
}

// cleared is when the guard of a key was cleared last, nil: it was not.
func (g tombstones) cleared(k Key) *time.Duration {
	if x := g[k]; x != nil {
		return x.cleared
	}
	return nil
}

// of returns the tombstone of a key for something to be noted.
func (g tombstones) of(k Key, now time.Duration) *tombstone {
	x := g[k]
	if x == nil {
		if len(g) >= maxTombstones {
			g.clear(now)
		}
		x = &tombstone{}
		g[k] = x
	}
	x.noted = now
	return x
}

// clear makes room: the oldest go, an eighth at once.
func (g tombstones) clear(now time.Duration) {
	maps.DeleteFunc(g, func(_ Key, x *tombstone) bool { return now-x.noted >= goneFor })
	if len(g) < maxTombstones {
		return
	}
	keys := slices.SortedFunc(maps.Keys(g), func(a, b Key) int { return cmp.Compare(g[a].noted, g[b].noted) })
	for _, k := range keys[:maxTombstones/8] {
		delete(g, k)
	}
}

// last is the control time up to which all of a key is gone; the zero time: nothing is.
func (g tombstones) last(k Key) time.Time {
	if x := g[k]; x != nil {
		return later(x.deleted, x.ended)
	}
	return time.Time{}
}

// isGone reports whether an override is: it was set no later than what is gone, and not
// after that.
func (o *Override) isGone(at time.Time) bool { return !o.Set.After(at) && o.after.Before(at) }

// goneAt is up to when all is gone when v is.
func (v *override) goneAt(m Moment) time.Time { return later(v.setAt(m), v.after.Add(1)) }

func (g tombstones) save(m Moment) (saved []savedGone) {
	for k, x := range g {
		s := savedGone{Name: text(k.Name), At: x.deleted}
		if x.cleared != nil && m.Now-*x.cleared < maxGuard {
			s.Cleared = m.pointer(*x.cleared)
		}
		if x.deleted.IsZero() && s.Cleared == nil || m.Now-x.noted >= goneFor {
			continue
		}
		if k.Type != 0 {
			s.Type = typeText(k.Type)
		}
		saved = append(saved, s)
	}
	slices.SortFunc(saved, func(a, b savedGone) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type)) })
	return saved
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
