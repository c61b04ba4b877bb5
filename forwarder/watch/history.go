package watch

import (
	"slices"
	"time"
)

// Source is who said that data changed.
type Source string

// The sources of changes.
const (
	Upstream Source = "upstream"
	Probe    Source = "probe"
	Operator Source = "override"
)

// Change is one of a name's data. Empty data is a denial, or unknown.
type Change struct {
	Name    string    `json:"name"`
	Type    string    `json:"type"`
	Old     []string  `json:"old"`    // data before
	New     []string  `json:"new"`    // data since
	Source  Source    `json:"source"` // who said so: upstream, probe, override
	At      time.Time `json:"at"`
	By      string    `json:"by,omitempty"` // who set an override, or why it ended
	Watched bool      `json:"watched"`      // whether the name was
}

const (
	maxHistory = 100
	maxSeen    = maxHistory / 2 // of names that are not watched

	// A name that is not watched and changed maxOften times in oftenIn is left out.
	maxOften   = 3
	oftenIn    = time.Hour
	maxFickles = 1024
)

// history is the latest changes, oldest first.
type history struct {
	list    []Change
	fickles map[string]*fickle // names that are not watched, by name and type
}

// fickle is how often a name changed lately.
type fickle struct {
	first time.Duration
	n     int
}

func (h *history) add(c Change) {
	c.At = ms(c.At)
	h.list = append(h.list, c)
	h.list = slices.Delete(h.list, 0, max(0, len(h.list)-maxHistory))
}

// seen adds a change of a name that is not watched, and reports whether it did.
func (h *history) seen(c Change, now time.Duration) bool {
	if h.often(c.Name+" "+c.Type, now) {
		return false
	}
	n := 0
	for i := range h.list {
		if !h.list[i].Watched {
			n++
		}
	}
	if n >= maxSeen {
		i := slices.IndexFunc(h.list, func(c Change) bool { return !c.Watched })
		h.list = slices.Delete(h.list, i, i+1)
	}
	h.add(c)
	return true
}

func (h *history) often(key string, now time.Duration) bool {
	f := h.fickles[key]
	if f == nil || now-f.first > oftenIn {
		if !h.room(now) {
			return true
		}
		f = &fickle{first: now}
		h.fickles[key] = f
	}
	f.n++
	return f.n > maxOften
}

func (h *history) room(now time.Duration) bool {
	if h.fickles == nil {
		h.fickles = make(map[string]*fickle)
	}
	if len(h.fickles) >= maxFickles {
		for key, f := range h.fickles {
			if now-f.first > oftenIn {
				delete(h.fickles, key)
			}
		}
	}
	return len(h.fickles) < maxFickles
}

// note adds a change of a watched or overridden name.
func (t *Table) note(r *record, old, new *data, from Source, by string, m Moment) {
	t.changed++
	r.changed++
	t.history.add(Change{r.node.name, typeText(r.rtype), old.list(), new.list(), from, m.Wall, by, true})
}

func (d *data) list() []string { return append([]string{}, d.texts...) }

// History returns the latest changes, oldest first, of one name or, for "", of all.
func (t *Table) History(name string) ([]Change, error) {
	if name != "" {
		w, err := parseName(name)
		if err != nil {
			return nil, err
		}
		name = text(w)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	list := []Change{}
	for i := range t.history.list {
		if c := &t.history.list[i]; name == "" || c.Name == name {
			list = append(list, c.clone())
		}
	}
	return list, nil
}

// clone is a copy that shares no data.
func (c *Change) clone() Change {
	copied := *c
	copied.Old, copied.New = slices.Clone(c.Old), slices.Clone(c.New)
	return copied
}
