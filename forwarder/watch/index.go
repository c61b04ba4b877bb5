package watch

// index is which names are wanted. It never changes.
type index struct {
	names map[string]struct{}
	zones map[string]struct{} // of patterns
	label string
}

// Wants reports whether a lower-case wire name is watched, by itself or by a
// pattern, or has an override, a guard or a verification.
func (t *Table) Wants(owner []byte) bool {
	x := t.index.Load()
	if x == nil {
		return false
	}
	if _, ok := x.names[string(owner)]; ok {
		return true
	}
	return inZone(owner, x.zones, x.label)
}

// inZone reports whether a name is below one of the zones of patterns. Names
// directly below the label are probes.
func inZone[V any](owner []byte, zones map[string]V, label string) bool {
	if len(zones) == 0 || len(owner) <= 1 {
		return false
	}
	up := parent(owner)
	if isLabel(up, label) {
		return false
	}
	for ; len(up) > 1; up = parent(up) {
		if _, ok := zones[string(up)]; ok {
			return true
		}
	}
	return false
}

// isLabel reports whether label is the first of a wire name's.
func isLabel(name []byte, label string) bool {
	return int(name[0]) == len(label) && string(name[1:1+name[0]]) == label
}

// reindex makes the index anew. Names that only a pattern watches are found by it.
func (t *Table) reindex() {
	x := &index{names: make(map[string]struct{}, len(t.names)), zones: make(map[string]struct{}, len(t.patterns)), label: t.label}
	for w, n := range t.names {
		if n.watched || !t.matches(w) {
			x.names[w] = struct{}{}
		}
	}
	for zone := range t.patterns {
		x.zones[zone] = struct{}{}
	}
	if len(x.names)+len(x.zones) == 0 {
		x = nil
	}
	t.index.Store(x)
}

// matches reports whether a pattern watches the name.
func (t *Table) matches(name string) bool { return inZone([]byte(name), t.patterns, t.label) }
