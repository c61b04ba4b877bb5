package top

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"vpcdns/cmd/forwarder/page"
	"vpcdns/forwarder/watch"
)

// stripWidth is how many columns the last 15 minutes take, one each 30 seconds.
const (
	stripWidth = 30
	stripStep  = 30 * time.Second
)

// names is the failover view: a line for each type of each name.
func (s *screen) names() []line {
	t := table{{"NAME", "TYPE", "GIVEN", "PEER", "BY", "SINCE", "HELD UNTIL", "LAST 15 MINUTES"}}
	theirs := peerData(s.doc)
	for i := range s.doc.Names {
		n := &s.doc.Names[i]
		if !s.shows(n.Name) {
			continue
		}
		sets := setsOf(n)
		for j := range sets {
			set := &sets[j]
			by := set.Pinned
			if by == "" {
				by = "upstream"
			}
			t = append(t, []string{n.Name, set.Type, orNone(set.Given), theirs[n.Name+" "+set.Type], by, clock(givenSince(n, set)), heldUntil(n, set.Type, s.doc.Now), strip(n, set.Type, s.doc.Now)})
		}
		if len(sets) == 0 {
			t = append(t, []string{n.Name, "", "nobody has asked for it yet"})
		}
	}
	s.leave(t, 7)
	list := s.tabled(t, "no name is watched or has changed, or none passes the filter")
	if s.doc.NamesMore > 0 {
		list = append(list, line{fmt.Sprintf("and %d more names: forwarder rndc watch list", s.doc.NamesMore), faint})
	}
	return list
}

// setsOf are a name's types; of one that is forgotten, its changes are left, the newest
// first.
func setsOf(n *page.Name) (sets []watch.SetStatus) {
	if len(n.Sets) > 0 {
		return n.Sets
	}
	for _, c := range n.History {
		if !slices.ContainsFunc(sets, func(s watch.SetStatus) bool { return s.Type == c.Type }) {
			sets = append(sets, watch.SetStatus{Type: c.Type, Given: c.New, Since: c.At})
		}
	}
	return sets
}

// leave leaves so many columns of a table where there is no room for all.
func (s *screen) leave(t table, columns int) {
	if s.width >= 100 {
		return
	}
	for i := range t {
		t[i] = t[i][:min(len(t[i]), columns)]
	}
}

// peerData is what the first peer gives, by name and type.
func peerData(d *page.Document) map[string]string {
	all := make(map[string]string)
	if len(d.Peers) == 0 {
		return all
	}
	for _, n := range d.Peers[0].Given {
		switch key := n.Name + " " + n.Type; n.State {
		case "agrees":
			all[key] = "the same"
		case "unknown":
			all[key] = "?"
		default:
			all[key] = orNone(n.Theirs)
		}
	}
	return all
}

// givenSince is since when clients get what they get: since the strip changed to it, or
// else since upstream says so.
func givenSince(n *page.Name, set *watch.SetStatus) time.Time {
	since, changed := time.Time{}, false
	for _, seg := range slices.Backward(n.Strip) {
		if seg.Type != set.Type {
			continue
		}
		if changed = !slices.Equal(seg.Data, set.Given[:min(len(set.Given), len(seg.Data))]); changed {
			break
		}
		since = seg.From
	}
	if changed && !since.IsZero() {
		return since
	}
	return set.Since
}

// heldUntil is when nobody may hold earlier data any more.
func heldUntil(n *page.Name, rtype string, now time.Time) string {
	var latest time.Time
	for _, l := range n.Ledger {
		if l.Type == rtype && !l.Given && l.Until.After(latest) {
			latest = l.Until
		}
	}
	if !latest.After(now) {
		return "-"
	}
	return clock(latest)
}

// strip is the last 15 minutes of a type, a letter for each data.
func strip(n *page.Name, rtype string, now time.Time) string {
	letters := make(map[string]byte)
	out := []byte(strings.Repeat(" ", stripWidth))
	for _, seg := range n.Strip {
		if seg.Type != rtype {
			continue
		}
		letter, data := byte('.'), strings.Join(seg.Data, " ")
		if data != "" {
			if letters[data] == 0 {
				letters[data] = 'A' + byte(len(letters)%26)
			}
			letter = letters[data]
		}
		for i := range out {
			at := now.Add(-time.Duration(stripWidth-1-i) * stripStep)
			if begun := at.Add(-stripStep); seg.From.Before(at) && seg.Until.After(begun) {
				out[i] = letter
			}
		}
	}
	return string(out)
}

// upstreams are the servers that are asked, and what may be sent to them.
func (s *screen) upstreams() []line {
	t := table{{"SERVER", "STATE", "SINCE", "RTT", "P99", "ANSWERED", "FAILED", "ZONES", "P50", "SENT", "TIMEOUTS"}}
	for i := range s.doc.Upstreams {
		u := &s.doc.Upstreams[i]
		t = append(t, []string{u.Server, u.State, clock(u.Since), lasted(u.RTT), lasted(u.Latency.P99), fmt.Sprint(u.Answered), fmt.Sprint(u.Failures),
			cut(strings.Join(u.Zones, " "), 20), lasted(u.Latency.P50), fmt.Sprint(u.Sent), fmt.Sprint(u.Timeouts)})
	}
	s.leave(t, 8)
	list := append(s.tabled(t, "no server is asked"), line{})
	b := table{{"INTERFACE", "LIMIT", "SENT/S", "WAITING", "REFUSED/S"}}
	for _, n := range s.doc.Budgets {
		b = append(b, []string{cmp.Or(n.Interface, "any"), fmt.Sprint(n.Limit), fmt.Sprint(n.Sent), fmt.Sprint(n.Waiting), fmt.Sprint(n.Refused)})
	}
	return append(list, s.tabled(b, "nothing was sent yet")...)
}

// hot is what is asked for most, and by whom.
func (s *screen) hot() []line {
	t := table{{"NAME", "TYPE", "QUERIES/S", "SHARE"}}
	for _, h := range s.doc.Hot {
		if s.shows(h.Name) {
			t = append(t, []string{h.Name, h.Type, fmt.Sprintf("%.1f", h.PerSecond), fmt.Sprintf("%.1f %%", 100*h.Share)})
		}
	}
	list := append(s.tabled(t, "nothing is asked for often, or nothing passes the filter"), line{})
	c := table{{"CLIENT", "QUERIES", "LAST"}}
	for _, one := range s.doc.Clients.Busiest {
		name := one.Client
		if name == "" {
			name = "(--status-clients shows it)"
		}
		c = append(c, []string{name, fmt.Sprint(one.Count), clock(one.Last)})
	}
	return append(list, s.tabled(c, fmt.Sprintf("about %d clients in the last minute", s.doc.Clients.Distinct))...)
}
