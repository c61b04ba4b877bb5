package watch

import (
	"cmp"
	"fmt"
	"slices"
)

// Watch begins to watch a name, or all names below a zone ("*.zone"), until
// Unwatch; it is saved with the state. Watching what is watched changes nothing.
func (t *Table) Watch(name string, m Moment) error { return t.watch(name, false, m) }

// WatchFixed is Watch for what the command line says: it is not saved.
func (t *Table) WatchFixed(name string, m Moment) error { return t.watch(name, true, m) }

func (t *Table) watch(name string, fixed bool, m Moment) error {
	zone, pattern := cutPattern(name)
	w, err := parseName(zone)
	if err == nil && isLabel([]byte(w), "*") {
		err = fmt.Errorf("%q: %w, *.zone are all below a zone", name, ErrBadName)
	}
	if err != nil {
		return fmt.Errorf("watching: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if pattern {
		err = t.watchZone(w, fixed, m)
	} else {
		err = t.watchName(w, fixed, m)
	}
	if err != nil {
		return fmt.Errorf("watching %s: %w", name, err)
	}
	t.reindex()
	t.version++
	return nil
}

func (t *Table) watchZone(zone string, fixed bool, m Moment) error {
	if _, ok := t.patterns[zone]; !ok && len(t.patterns) >= maxNames {
		return ErrTooMany
	}
	t.patterns[zone] = t.patterns[zone] || fixed
	if !fixed {
		t.tellWatch(patternKey(zone), m)
	}
	return nil
}

func (t *Table) watchName(w string, fixed bool, m Moment) error {
	n := t.names[w]
	if n == nil {
		n = t.add(w, m)
	}
	if n == nil {
		return ErrTooMany
	}
	n.watched, n.fixed = true, n.fixed || fixed
	if !fixed {
		t.tellWatch(w, m)
	}
	return nil
}

// tellWatch notes that a command watches a name or pattern.
func (t *Table) tellWatch(key string, m Moment) {
	t.told[key] = later(m.Wall, t.gone.last(Key{Name: key}).Add(1)) // after it was ended
}

// untellWatch notes that a command does no more.
func (t *Table) untellWatch(key string, m Moment) {
	t.gone.add(Key{Name: key}, later(t.told[key], m.Wall), true, m.Now)
	delete(t.told, key)
}

// Unwatch ends what Watch began, in its words. Overrides, guards and verifications
// of the name go on.
func (t *Table) Unwatch(name string, m Moment) error {
	zone, pattern := cutPattern(name)
	w, err := parseName(zone)
	if err != nil {
		return fmt.Errorf("watching no more: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, found := t.patterns[w]
	if n := t.names[w]; !pattern {
		if found = n != nil && n.watched; found {
			n.watched, n.fixed = false, false
			t.untellWatch(w, m)
		}
	} else if found {
		delete(t.patterns, w)
		t.untellWatch(patternKey(w), m)
	}
	if !found {
		return none(name + " is not watched")
	}
	for _, n := range t.names {
		t.drop(n, m)
	}
	t.reindex()
	t.version++
	return nil
}

// Watching returns what is watched, in the words of Watch.
func (t *Table) Watching() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []string
	for _, n := range t.names {
		if n.watched {
			list = append(list, n.name)
		}
	}
	for zone := range t.patterns {
		list = append(list, "*."+text(zone))
	}
	slices.Sort(list)
	return list
}

// add makes room for a name: when there is none, those that only a pattern watches and
// that were asked for the longest ago go. It returns nil when all are needed.
func (t *Table) add(w string, m Moment) *node {
	if len(t.names) >= maxNames && !t.evict() {
		return nil
	}
	n := &node{name: text(w), wire: w, since: m, seen: m.Now, sets: make(map[uint16]*record)}
	t.names[w] = n
	if !t.matches(w) {
		t.reindex()
	}
	return n
}

// evictAtOnce are the names that go together: a flood of random names under a wildcard
// is not to make the index anew with each.
const evictAtOnce = maxNames / 16

func (t *Table) evict() bool {
	var idle []*node
	for _, n := range t.names {
		if !n.watched && !n.busy() {
			idle = append(idle, n)
		}
	}
	slices.SortFunc(idle, func(a, b *node) int { return cmp.Compare(a.seen, b.seen) })
	idle = idle[:min(len(idle), evictAtOnce)]
	for _, n := range idle {
		t.forget(n)
	}
	t.reindex()
	return len(idle) > 0
}

// busy reports whether something of the name runs.
func (n *node) busy() bool {
	for _, r := range n.sets {
		if r.override != nil || r.guard.on || r.verify.running() {
			return true
		}
	}
	return false
}

// drop forgets a name that nobody watches, of which nothing runs, and whose answers
// nobody holds.
func (t *Table) drop(n *node, m Moment) {
	if n.watched || n.busy() || t.matches(n.wire) {
		return
	}
	for _, r := range n.sets {
		if r.verify != nil && m.Now < r.verify.ends+showVerify || r.ledger.held(m.Now) {
			return
		}
	}
	t.forget(n)
}

// forget drops a name; the index is to be made anew.
func (t *Table) forget(n *node) {
	for _, r := range n.sets {
		t.repin(r, nil)
	}
	if n.probe.on() {
		t.probing--
	}
	delete(t.names, n.wire)
	t.version++
}
