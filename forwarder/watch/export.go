package watch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What a newcomer is told by a member: the state without who holds which answer and
// without verifications, which are of one forwarder. A reply of the control channel is
// limited, so it comes in pages, each of which can be merged alone.

// page is an export, or as much of it as fits.
type page struct {
	Version int                  `json:"version"`
	ID      string               `json:"id"`  // of the table, which is another one in each process
	Tag     string               `json:"tag"` // another one after each change
	At      time.Time            `json:"at"`
	Same    bool                 `json:"same,omitempty"` // nothing has changed since the tag that was named
	Next    string               `json:"next,omitempty"` // from where on there is more
	Zones   []string             `json:"zones,omitempty"`
	Names   []pageName           `json:"names,omitempty"`
	Gone    []savedGone          `json:"gone,omitempty"`
	Told    map[string]time.Time `json:"told,omitempty"`
	History []Change             `json:"history,omitempty"`
}

type pageName struct {
	savedName
	Sets []json.RawMessage `json:"sets,omitempty"`
}

// ExportFrom is where an export begins: at nothing, unless the state has still this tag,
// or where the page before it said that there is more.
type ExportFrom struct {
	Unless string
	Next   string
}

// Export returns a page of the state of at most so many octets, as JSON.
func (t *Table) Export(from ExportFrom, most int, m Moment) ([]byte, error) {
	if now := t.tag(t.Version()); from.Unless == now { // nothing is copied for who asks every two seconds
		return json.Marshal(page{Version: stateVersion, ID: t.id, Tag: now, At: m.Wall, Same: true})
	}
	s, version := t.save(m)
	p := page{Version: s.Version, ID: t.id, Tag: t.tag(version), At: s.At, Told: make(map[string]time.Time)}
	room := most - pageHead
	if from.Next == "" {
		room -= p.addHistory(s.History, &s, most/8)
	}
	for _, piece := range s.pieces() {
		if piece.key < from.Next {
			continue
		}
		if room -= piece.addTo(&p, &s, room); room < 0 {
			p.Next = piece.key
			break
		}
	}
	b, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("exporting watched names: %w", err)
	}
	return b, nil
}

// tag is that of a version of the table.
func (t *Table) tag(version uint64) string { return fmt.Sprint(t.id, "-", version) }

// pageHead is more than what stands around the pieces takes, in octets.
const pageHead = 1000

// piece is the least that a page has or has not: a pattern, a name, a type of one, or
// what became of either. Pieces are in the order of their keys.
type piece struct {
	key  string
	name *savedName
	set  *savedSet
	gone *savedGone
}

// pieces cuts the state.
func (s *savedTable) pieces() (list []piece) {
	for _, zone := range s.Zones {
		list = append(list, piece{key: "*." + zone})
	}
	for i := range s.Names {
		n := &s.Names[i]
		list = append(list, piece{key: n.Name, name: n})
		for j := range n.Sets {
			set := &n.Sets[j]
			set.Ledger, set.Verify = nil, nil
			list = append(list, piece{key: n.Name + " " + set.Type, name: n, set: set})
		}
	}
	for i := range s.Gone {
		g := &s.Gone[i]
		list = append(list, piece{key: strings.TrimSpace(g.Name + " " + g.Type), gone: g})
	}
	slices.SortStableFunc(list, func(a, b piece) int { return strings.Compare(a.key, b.key) })
	return list
}

// addTo adds the piece where there is room, and returns how much it takes.
func (c *piece) addTo(p *page, s *savedTable, room int) (size int) {
	switch {
	case c.gone != nil:
		if size = sizeOf(c.gone); size <= room {
			p.Gone = append(p.Gone, *c.gone)
		}
	case c.set != nil:
		return c.addSet(p, room)
	case c.name != nil:
		head := savedName{Name: c.name.Name, Watched: c.name.Watched, Since: c.name.Since}
		if size = 2 * sizeOf(head); size <= room {
			p.Names = append(p.Names, pageName{savedName: head})
			p.tell(s, c.key)
		}
	default:
		if size = 2*len(c.key) + 100; size <= room {
			p.Zones = append(p.Zones, strings.TrimPrefix(c.key, "*."))
			p.tell(s, c.key)
		}
	}
	return size
}

func (p *page) tell(s *savedTable, what string) {
	if at, ok := s.Told[what]; ok {
		p.Told[what] = at
	}
}

// addSet adds a type of a name; of one that fits no page only what operators said.
func (c *piece) addSet(p *page, room int) int {
	raw, err := json.Marshal(c.set)
	if err == nil && len(raw) > largestSet {
		raw, err = json.Marshal(c.set.overridesOnly())
	}
	head := savedName{Name: c.name.Name, Watched: c.name.Watched, Since: c.name.Since}
	size := len(raw) + 2*sizeOf(head)
	if err != nil || size > room {
		return size
	}
	if n := len(p.Names); n == 0 || p.Names[n-1].Name != head.Name {
		p.Names = append(p.Names, pageName{savedName: head})
	}
	last := &p.Names[len(p.Names)-1]
	last.Sets = append(last.Sets, raw)
	return size
}

// largestSet is the size of what a page always has room for beside its head, in octets:
// two overrides as large as they may be.
const largestSet = 600_000

// MinExport is the least room for a page.
const MinExport = largestSet*8/7 + 12_000

// addHistory adds the latest changes of the names that the export has, and returns how
// much they take.
func (p *page) addHistory(list []Change, s *savedTable, room int) (size int) {
	known := make(map[string]bool)
	for i := range s.Names {
		known[s.Names[i].Name] = true
	}
	for _, c := range slices.Backward(list) {
		if !c.Watched || !known[c.Name] {
			continue
		}
		n := sizeOf(c)
		if size+n > room {
			break
		}
		size += n
		p.History = append(p.History, c)
	}
	slices.Reverse(p.History)
	return size
}

// sizeOf is how long v is as JSON, with what separates it from the next.
func sizeOf(v any) int {
	b, err := json.Marshal(v)
	if err != nil {
		return 0 // of what is marshalled again, with the error
	}
	return len(b) + 1
}
