package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/watch"
)

// lately is how far back the strips and the charts go.
const lately = 15 * time.Minute

// rank is how much a name matters in a failover.
type rank struct {
	name    string
	urgency int
	changed time.Time
	own     bool // watched by itself: clients cannot bring as many of these as they like
}

// names are those of the failover view, and how many are left out: those in trouble or
// changing first, then those that changed lately, then those that are watched by
// themselves.
func (p *Page) names() ([]Name, int) { return p.named(p.ranks()) }

func (p *Page) named(ranks []rank) (list []Name, more int) {
	list = []Name{}
	for i := range ranks {
		if len(list) == maxNames {
			return list, len(ranks) - i
		}
		if n, ok := p.name(&ranks[i]); ok { // else others have taken its place: a pattern may have thousands of names
			list = append(list, n)
		}
	}
	return list, 0
}

// ranks are the names of which something is known, and those that changed lately.
func (p *Page) ranks() []rank {
	now, byName := time.Now(), make(map[string]*rank)
	of := func(name string) *rank {
		r := byName[name]
		if r == nil {
			r = &rank{name: name}
			byName[name] = r
		}
		return r
	}
	given := p.server.AppendGiven(nil)
	for i := range given {
		of(given[i].Name).note(&given[i])
	}
	for _, name := range p.server.Watching() {
		if name[:1] != "*" {
			of(name).own = true
		}
	}
	changes, _ := p.server.History("") // it fails for a bad name only
	for _, c := range changes {
		if now.Sub(c.At) < lately {
			r := of(c.Name)
			r.urgency, r.changed = max(r.urgency, 1), c.At
		}
	}
	list := make([]rank, 0, len(byName))
	for _, r := range byName {
		list = append(list, *r)
	}
	slices.SortFunc(list, rank.compare)
	return list
}

func (r rank) compare(other rank) int {
	switch order := cmp.Or(other.urgency-r.urgency, other.changed.Compare(r.changed)); {
	case order != 0:
		return order
	case r.own && !other.own:
		return -1
	case !r.own && other.own:
		return 1
	}
	return cmp.Compare(r.name, other.name)
}

func (r *rank) note(g *watch.Given) {
	switch {
	case g.Disputed:
		r.urgency = max(r.urgency, 4)
	case g.Urgent:
		r.urgency = max(r.urgency, 3)
	case g.Held:
		r.urgency = max(r.urgency, 2)
	}
}

// name is one of them; it is not there if it is forgotten meanwhile.
func (p *Page) name(r *rank) (Name, bool) {
	st, err := p.server.WatchStatus(r.name, p.showClients)
	if err != nil {
		history, err := p.server.History(r.name)
		if err != nil || len(history) == 0 {
			return Name{}, false
		}
		st = watch.Status{
			Name: r.name, Now: ms(time.Now()), History: history,
			Sets: []watch.SetStatus{}, Overrides: []watch.OverrideStatus{}, Ledger: []watch.LedgerStatus{}, Probe: watch.ProbeStatus{State: "none"},
		}
	}
	bound(&st)
	return Name{st, p.cached(&st), p.sampler.strip(r.name)}, true
}

// cached tells when the cache's answers of a name's types end.
func (p *Page) cached(st *watch.Status) []Cached {
	list := []Cached{}
	for i := range st.Sets {
		left := p.server.CachedFor(st.Name, dns.StringToType[st.Sets[i].Type]) // 0, which none has, for TYPE65400
		if left > 0 {
			list = append(list, Cached{st.Sets[i].Type, ms(time.Now().Add(left))})
		}
	}
	return list
}

// Most of what is told of one name.
const (
	maxChangesOf = 10
	maxLedgerOf  = 10
	maxHolders   = 20
	maxSetsOf    = 6   // types
	maxDataText  = 8   // records of a type
	maxDatum     = 200 // octets of a record
)

// bound leaves the oldest of what is much out.
func bound(st *watch.Status) {
	slices.Reverse(st.History) // the newest first
	st.History, _ = firstOf(st.History, maxChangesOf)
	boundChanges(st.History)
	slices.SortStableFunc(st.Ledger, func(a, b watch.LedgerStatus) int { return b.Until.Compare(a.Until) })
	st.Ledger = st.Ledger[:min(len(st.Ledger), maxLedgerOf)]
	for i := range st.Ledger {
		l := &st.Ledger[i]
		l.Names, l.Data = l.Names[:min(len(l.Names), maxHolders)], shorten(l.Data)
	}
	st.Sets = st.Sets[:min(len(st.Sets), maxSetsOf)]
	for i := range st.Sets {
		boundSet(&st.Sets[i])
	}
	st.Overrides = st.Overrides[:min(len(st.Overrides), maxSetsOf)]
	boundOverrides(st.Overrides)
	st.Probe.Data = shorten(st.Probe.Data)
}

func boundSet(s *watch.SetStatus) {
	s.Given, s.Upstream, s.Said = shorten(s.Given), shorten(s.Upstream), shorten(s.Said)
	if s.Guard != nil {
		s.Guard.Refused = s.Guard.Refused[:min(len(s.Guard.Refused), maxDataText)]
		for i, data := range s.Guard.Refused {
			s.Guard.Refused[i] = shorten(data)
		}
	}
	if s.Verify != nil {
		s.Verify.Want, s.Verify.Last = shorten(s.Verify.Want), shorten(s.Verify.Last)
	}
}

func boundOverrides(list []watch.OverrideStatus) {
	for i := range list {
		list[i].Data, list[i].Upstream, list[i].By = shorten(list[i].Data), shorten(list[i].Upstream), cut(list[i].By)
	}
}

func boundChanges(list []watch.Change) {
	for i := range list {
		c := &list[i]
		c.Old, c.New = shorten(c.Old), shorten(c.New)
		c.At, c.By = ms(c.At), cut(c.By)
	}
}

// shorten is a bounded copy of data; what is left out is counted in its last line.
func shorten(data []string) []string {
	short := slices.Clone(data[:min(len(data), maxDataText)])
	for i := range short {
		if len(short[i]) > maxDatum {
			short[i] = strings.ToValidUTF8(short[i][:maxDatum], "") + "…"
		}
	}
	if more := len(data) - maxDataText; more > 0 {
		short = append(short, fmt.Sprintf("and %d more", more))
	}
	return short
}
