package watch

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// A newcomer takes over what members export. What it knows itself, and what it was told
// since, stands. Control times are by the clock of who commanded and are compared with
// each other only; all other times are taken by how long ago they were, or how far ahead,
// as the member's clock said it.

// Merged is what came of a page.
type Merged struct {
	Own  bool   // it is this table's own: nothing was done
	Tag  string // for ExportFrom.Unless
	Next string // for ExportFrom.Next, "": it was the last page

	Overrides int // taken, or confirmed
	Ended     int // overrides, watches and guards that a command ended there
	Watches   int
	Guards    int
	Names     int      // of which nothing was known here
	LeftOut   []string // why something was not taken, each once

	Wanted bool // some names are their own source from now on
}

// Any reports whether anything has changed.
func (g *Merged) Any() bool { return g.Overrides+g.Ended+g.Watches+g.Guards+g.Names > 0 }

// Add adds what came of another page.
func (g *Merged) Add(more *Merged) {
	g.Overrides, g.Ended, g.Watches, g.Guards, g.Names = g.Overrides+more.Overrides, g.Ended+more.Ended, g.Watches+more.Watches, g.Guards+more.Guards, g.Names+more.Names
	g.LeftOut = append(g.LeftOut, more.LeftOut...)
}

// maxLeftOut are the reasons that are told.
const maxLeftOut = 10

func (g *Merged) leaveOut(format string, args ...any) {
	if why := fmt.Sprintf(format, args...); len(g.LeftOut) < maxLeftOut && !slices.Contains(g.LeftOut, why) {
		g.LeftOut = append(g.LeftOut, why)
	}
}

// Merge takes a page that another table exported; from names it in events. The error
// says what is wrong with the page: nothing of it is taken then. A single thing of it
// that cannot be had is left out.
func (t *Table) Merge(export []byte, from string, m Moment) (Merged, error) {
	var s struct {
		savedTable
		ID   string `json:"id"`
		Tag  string `json:"tag"`
		Next string `json:"next"`
	}
	if len(export) > maxState {
		return Merged{}, fmt.Errorf("merging watched names: %d octets are more than the %d that are read", len(export), maxState)
	}
	if err := json.Unmarshal(export, &s); err != nil {
		return Merged{}, fmt.Errorf("merging watched names: %w", err)
	}
	if s.Version != stateVersion {
		return Merged{}, fmt.Errorf("merging watched names: the export is of version %d, this program knows %d", s.Version, stateVersion)
	}
	g := Merged{Tag: s.Tag, Next: s.Next, Own: s.ID == t.id}
	if g.Own {
		return g, nil
	}
	if skew := s.At.Sub(m.Wall).Abs(); skew > maxAhead {
		return Merged{}, fmt.Errorf("merging watched names: the clocks differ by %v: correct them", skew.Round(time.Second))
	}
	l := newLoader(Moment{m.Now, s.At}, t.ttl)
	l.latest = s.At.Add(maxAhead)
	if err := l.load(&s.savedTable); err != nil {
		return Merged{}, fmt.Errorf("merging watched names: %w", err)
	}
	changes := l.changes(s.History)
	for _, why := range l.leftOut {
		g.leaveOut("%s", why)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	(&merger{Table: t, loader: l, got: &g, from: from, now: m}).merge(changes)
	return g, nil
}

// merger merges what was loaded, at a moment of this table's; the loader's is that of the
// other. The table is locked.
type merger struct {
	*Table
	got    *Merged
	loader *loader
	from   string
	now    Moment
}

func (g *merger) merge(changes []Change) {
	g.mergeHistory(changes)
	g.mergeGone()
	g.mergeWatches()
	names := slices.Sorted(maps.Keys(g.loader.names))
	for _, w := range names {
		g.mergeOverrides(g.loader.names[w])
	}
	for _, w := range names {
		g.mergeUpstream(g.loader.names[w])
	}
	if !g.got.Any() {
		return
	}
	for _, n := range g.names {
		for _, r := range n.sets {
			g.settle(r, g.now)
		}
	}
	g.reindex()
	g.version++
}

// mergeGone ends what was ended there, and remembers it.
func (g *merger) mergeGone() {
	for k, x := range g.loader.gone {
		if x.deleted.After(g.gone.last(k)) {
			g.version++
		}
		g.gone.add(k, x.deleted, true, g.now.Now)
		if k.Type == 0 {
			g.endWatch(k.Name, x.deleted)
			continue
		}
		if x.cleared != nil && !g.knowsCleared(k, *x.cleared) && g.gone.clearGuard(k, *x.cleared, g.now.Now) {
			g.version++
		}
		if n := g.names[k.Name]; n != nil && n.sets[k.Type] != nil {
			g.endGone(n.sets[k.Type], x.deleted)
			g.endCleared(n.sets[k.Type])
		}
	}
}

// knowsCleared reports whether it is known that a guard was cleared then. That is told by
// how long ago it was, so each time it is told it seems to be later by the way.
func (g *merger) knowsCleared(k Key, at time.Duration) bool {
	const way = time.Second
	c := g.gone.cleared(k)
	return c != nil && at <= *c+way
}

// endCleared ends the guard of a record that was cleared, whoever began it.
func (g *merger) endCleared(r *record) {
	if at := g.gone.cleared(r.key()); at != nil && r.guard.on && r.guard.began <= *at {
		g.clearGuard(r, "at "+g.from, *at)
		g.got.Ended++
	}
}

// endGone ends the overrides of a record that are gone.
func (g *merger) endGone(r *record, at time.Time) {
	v := r.override
	if v == nil {
		return
	}
	v.under = v.under.remaining(at)
	if !v.isGone(at) {
		return
	}
	g.got.Ended++
	if v.under == nil {
		g.endOverride(r, "it was deleted at "+g.from, g.now)
		return
	}
	g.withdraw(r, "it was withdrawn at "+g.from, g.now)
}

// remaining is what is left of an override, and of what lies under it, when what is gone
// goes.
func (v *override) remaining(at time.Time) *override {
	if v == nil {
		return nil
	}
	if v.under = v.under.remaining(at); v.isGone(at) {
		return v.under
	}
	return v
}

func (g *merger) endWatch(key string, at time.Time) {
	told, ok := g.told[key]
	if !ok || told.After(at) {
		return
	}
	delete(g.told, key)
	g.got.Ended++
	if zone, pattern := cutPatternKey(key); pattern {
		delete(g.patterns, zone)
	} else if n := g.names[key]; n != nil {
		n.watched = n.fixed
		g.drop(n, g.now)
	}
}

// mergeWatches watches what is watched there by command.
func (g *merger) mergeWatches() {
	for _, zone := range slices.Sorted(maps.Keys(g.loader.zones)) {
		if _, ok := g.patterns[zone]; ok || !g.isTold(patternKey(zone)) {
			continue
		}
		if g.watchZone(zone, false, g.now) != nil {
			g.got.leaveOut("patterns: %v", ErrTooMany)
			continue
		}
		g.tookWatch(patternKey(zone))
		g.got.Wanted = true
	}
	for _, w := range slices.Sorted(maps.Keys(g.loader.names)) {
		n := g.names[w]
		if !g.loader.names[w].watched || n != nil && n.watched || !g.isTold(w) {
			continue
		}
		g.got.Wanted = g.got.Wanted || !g.wants(w)
		if g.watchName(w, false, g.now) != nil {
			g.got.leaveOut("names: %v", ErrTooMany)
			continue
		}
		g.tookWatch(w)
	}
	g.reindex()
}

func (g *merger) tookWatch(key string) {
	g.told[key] = g.loader.told[key]
	g.got.Watches++
}

// isTold reports whether a watch is to be taken: nobody ended it later than it was told.
func (g *merger) isTold(key string) bool {
	at := g.gone.last(Key{Name: key})
	return at.IsZero() || g.loader.told[key].After(at)
}

// wants is Wants for what may not be in the index yet.
func (g *merger) wants(w string) bool {
	n := g.names[w]
	return n != nil && (n.watched || n.busy()) || g.matches(w)
}

// mergeHistory takes once what happened since the history that was loaded.
func (g *merger) mergeHistory(changes []Change) {
	if g.caughtUp || len(changes) == 0 {
		return
	}
	g.caughtUp = true
	list := g.history.list
	for _, c := range changes {
		if c.At.After(g.loaded) {
			list = append(list, c.cleaned())
		}
	}
	slices.SortStableFunc(list, func(a, b Change) int { return a.At.Compare(b.At) })
	g.history.list = slices.Delete(list, 0, max(0, len(list)-maxHistory))
	g.version++
}
