package main

import (
	"fmt"
	"slices"
	"strings"

	"vpcdns/forwarder"
	"vpcdns/forwarder/watch"
)

// watchOverview is what forwarder status shows of watched names.
type watchOverview struct {
	names     []string // as they are watched
	stats     watch.Stats
	overrides []watch.OverrideStatus
	changes   []watch.Change // of them and of overridden names, the latest, oldest first
}

// A screen has room for so many of each.
const (
	shownNames     = 4
	shownOverrides = 4
	shownChanges   = 3
)

func watchOverviewOf(s *forwarder.Server) watchOverview {
	changes, _ := s.History("") // it fails for a bad name only
	changes = slices.DeleteFunc(changes, func(c watch.Change) bool { return !c.Watched })
	return watchOverview{s.Watching(), s.WatchStats().Stats, s.Overrides(), changes}
}

// watchRows writes nothing where no name is watched or overridden, or was.
func (o *overview) watchRows(s *rows) {
	w := &o.watch
	if len(w.names) > 0 {
		s.row("watching", "%s%s", someOf(w.names, shownNames), w.running())
	}
	for i := range w.overrides[:min(len(w.overrides), shownOverrides)] {
		s.row("override", "%s", o.overrideText(&w.overrides[i]))
	}
	if more := len(w.overrides) - shownOverrides; more > 0 {
		s.row("override", "and %d more: forwarder rndc override list", more)
	}
	for _, c := range slices.Backward(w.changes[max(0, len(w.changes)-shownChanges):]) {
		s.row("changed", "%s %s %s: %s, before %s (%s)", o.clock(c.At.Local()), c.Name, c.Type, dataText(c.New), dataText(c.Old), c.Source)
	}
}

// running are the guards and verifications, with a semicolon before them.
func (w *watchOverview) running() (text string) {
	if n := w.stats.Guards; n > 0 {
		text += "; " + counted(n, "guard") + " against old answers"
	}
	if n := w.stats.Verifies; n > 0 {
		text += "; " + counted(n, "verification")
	}
	if n := w.stats.Probes; n > 0 {
		text += "; " + counted(n, "probe")
	}
	return text
}

func (o *overview) overrideText(v *watch.OverrideStatus) string {
	text := fmt.Sprintf("%s %s: %s since %s, by %s; ", v.Name, v.Type, dataText(v.Data), o.clock(v.Set.Local()), printable(v.By))
	if sameTexts(v.Data, v.Upstream) {
		text += "upstream agrees"
	} else {
		text += "upstream says " + dataText(v.Upstream)
	}
	end := v.Expires
	if v.Lease != nil {
		end = *v.Lease
		text += "; a lease"
	}
	return text + "; ends at " + o.clock(end.Local())
}

// overridesLine is the overrides in a few words, "" for none.
func (w *watchOverview) overridesLine() string {
	switch len(w.overrides) {
	case 0:
		return ""
	case 1:
		v := &w.overrides[0]
		return fmt.Sprintf("override in force: %s %s is %s", v.Name, v.Type, dataText(v.Data))
	}
	var names []string
	for i := range w.overrides {
		names = append(names, w.overrides[i].Name)
	}
	return counted(len(w.overrides), "override") + " in force: " + someOf(slices.Compact(names), shownNames)
}

func someOf(names []string, most int) string {
	more := len(names) - most
	if more <= 0 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
}
