package watch

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// maxState is the size of a state that is read, in octets.
	maxState = 32 << 20

	// longAgo is the furthest that a saved time is in the past: no rule looks back
	// further.
	longAgo = 30 * 24 * time.Hour

	// maxSavedRRs are the records of one piece of data: more do not fit a message.
	maxSavedRRs = 4096
)

// LeftOut is what a state has that cannot be had, at most ten reasons: all else of it is.
type LeftOut []string

func (l LeftOut) Error() string { return "left out: " + strings.Join(l, "; ") }

// Load puts a saved state in place of the table's. What is watched already stays
// so. The error says what is wrong with a state; the table is as before then, unless
// it is a LeftOut.
func (t *Table) Load(state []byte, m Moment) error {
	var s savedTable
	if len(state) > maxState {
		return fmt.Errorf("loading watched names: %d octets are more than the %d that are read", len(state), maxState)
	}
	if err := json.Unmarshal(state, &s); err != nil {
		return fmt.Errorf("loading watched names: %w", err)
	}
	if s.Version != stateVersion {
		return fmt.Errorf("loading watched names: the state is of version %d, this program knows %d", s.Version, stateVersion)
	}
	l := newLoader(m, t.ttl)
	if err := l.load(&s); err != nil {
		return fmt.Errorf("loading watched names: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.take(l, s.History, m)
	if len(l.leftOut) > 0 {
		return fmt.Errorf("loading watched names: %w", l.leftOut)
	}
	return nil
}

// take makes what was loaded the table's.
func (t *Table) take(l *loader, changes []Change, m Moment) {
	for zone, fixed := range t.patterns {
		l.zones[zone] = fixed || l.zones[zone]
	}
	for w, old := range t.names {
		n := l.names[w]
		if n == nil && old.watched && len(l.names) < maxNames {
			n = &node{name: old.name, wire: w, since: old.since, seen: m.Now, sets: make(map[uint16]*record)}
			l.names[w] = n
		}
		if n != nil {
			n.watched, n.fixed = n.watched || old.watched, n.fixed || old.fixed
		}
	}
	t.patterns, t.names = l.zones, l.names
	maps.Copy(l.told, t.told)
	t.told, t.gone = l.told, l.gone
	t.history.list = changes
	if len(changes) > 0 {
		t.loaded = changes[len(changes)-1].At
	}
	t.again = nil
	t.pins.Store(nil)
	for _, n := range t.names {
		for _, r := range n.sets {
			t.settle(r, m)
		}
	}
	t.reindex()
	t.version++
}

// loader turns a saved state into nodes, at a moment.
type loader struct {
	Moment
	latest time.Time // no override was set later
	ttl    uint32
	zones  map[string]bool
	names  map[string]*node
	told   map[string]time.Time
	gone   tombstones

	leftOut LeftOut
}

func newLoader(m Moment, ttl uint32) *loader {
	return &loader{Moment: m, latest: m.Wall, ttl: ttl, zones: make(map[string]bool), names: make(map[string]*node), told: make(map[string]time.Time), gone: make(tombstones)}
}

// past is a time of the wall clock on the server's, not later than now.
func (l *loader) past(at time.Time) time.Duration { return l.future(at, 0) }

// future is a time that is at most so far ahead: the wall clock may have been set.
func (l *loader) future(at time.Time, most time.Duration) time.Duration {
	return l.Now + max(-longAgo, min(at.Sub(l.Wall), most))
}

func (l *loader) moment(at time.Time) Moment { return Moment{l.past(at), at} }

func (l *loader) run(s *savedRun) run {
	if s == nil || s.N <= 0 {
		return run{}
	}
	last := l.past(s.Last)
	return run{min(last, l.past(s.First)), last, s.N}
}

// leaveOut notes why something is not taken: one thing that cannot be read costs no other.
func (l *loader) leaveOut(err error, format string, args ...any) {
	if len(l.leftOut) < maxLeftOut {
		l.leftOut = append(l.leftOut, fmt.Sprintf(format, args...)+": "+err.Error())
	}
}

func (l *loader) load(s *savedTable) error {
	if len(s.Zones) > maxNames {
		return fmt.Errorf("%d patterns are more than this program saves", len(s.Zones))
	}
	for _, zone := range s.Zones {
		w, err := parseName(zone)
		if err != nil {
			l.leaveOut(err, "pattern %.80q", zone)
			continue
		}
		l.zones[w] = false
	}
	for i := range s.Names {
		if err := l.name(&s.Names[i]); err != nil {
			l.leaveOut(err, "%.80q", s.Names[i].Name)
		}
	}
	return l.ended(s)
}

// ended reads what is gone, and when was told what is watched.
func (l *loader) ended(s *savedTable) error {
	if len(s.Told) > 2*maxNames {
		return fmt.Errorf("%d times are more than this program saves", len(s.Told))
	}
	for i := range s.Gone {
		g := &s.Gone[i]
		w, err := parseName(g.Name)
		rtype := dns.StringToType[g.Type]
		if err == nil && g.Type != "" && !keeps(rtype) {
			err = errors.New("unknown type")
		}
		if err != nil {
			l.leaveOut(err, "%.80q %.20q, which is gone", g.Name, g.Type)
			continue
		}
		l.gone.add(Key{w, rtype}, earlier(g.At, l.latest), true, l.Now)
		if g.Cleared != nil {
			l.gone.clearGuard(Key{w, rtype}, l.past(*g.Cleared), l.Now)
		}
	}
	for name, at := range s.Told {
		w, err := parseName(name)
		if err != nil {
			l.leaveOut(err, "%.80q, when it was watched", name)
			continue
		}
		l.told[w] = earlier(at, l.latest)
	}
	return nil
}

func (l *loader) name(s *savedName) error {
	w, err := parseName(s.Name)
	if err != nil {
		return err
	}
	if l.names[w] != nil {
		return fmt.Errorf("it is there twice")
	}
	n := &node{name: text(w), wire: w, watched: s.Watched, since: l.moment(s.Since), seen: l.Now, sets: make(map[uint16]*record)}
	l.names[w] = n
	for i := range s.Sets {
		if err := l.addSet(n, &s.Sets[i]); err != nil {
			l.leaveOut(err, "%.80q %.20q", s.Name, s.Sets[i].Type)
		}
	}
	return nil
}

// addSet adds a type of a name, or leaves the name as it is.
func (l *loader) addSet(n *node, s *savedSet) error {
	rtype := dns.StringToType[s.Type]
	if n.sets[rtype] != nil || !keeps(rtype) {
		return errors.New("it is there twice, or unknown")
	}
	r := n.record(rtype, true)
	if r == nil {
		return errors.New("the name has too many types")
	}
	if err := l.set(r, s); err != nil {
		delete(n.sets, rtype)
		return err
	}
	return nil
}

func (l *loader) set(r *record, s *savedSet) (err error) {
	r.known, r.heard, r.since = s.Known, s.Heard, l.moment(s.Since)
	r.asked, r.until = l.past(s.Asked), l.future(s.Until, longAgo)
	if s.Taught != nil {
		r.taught = &lesson{l.past(*s.Taught)}
	}
	for _, at := range s.Changes[max(0, len(s.Changes)-maxChanges-1):] {
		r.changes.at = append(r.changes.at, l.past(at))
	}
	if s.Varies != nil {
		r.changes.varies, r.changes.stands = true, l.past(*s.Varies)
	}
	for _, load := range []func() error{
		func() error { return l.data(r, &r.current, s.Current) },
		func() error { return l.data(r, &r.said, s.Said) },
		func() error { r.left, err = l.all(r, s.Left); return err },
		func() error { return l.guard(r, &r.guard, s.Guard) },
		func() error { return l.guard(r, &r.ended, s.Ended) },
		func() error { return l.overrides(r, s.Overrides) },
		func() error { return l.verify(r, s.Verify) },
		func() error { return l.ledger(r, s.Ledger) },
	} {
		if err := load(); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) data(r *record, d *data, s savedData) error {
	if len(s.RRs) > maxSavedRRs {
		return fmt.Errorf("%d records are too many", len(s.RRs))
	}
	o := Observation{Type: r.rtype, TTL: s.TTL}
	for _, line := range s.RRs {
		rr, err := dns.NewRR(line)
		if err != nil || rr == nil {
			return fmt.Errorf("%.80q is no record", line)
		}
		o.RRs = append(o.RRs, rr)
	}
	*d = dataOf(&o)
	if d.empty() != (len(s.RRs) == 0) {
		return fmt.Errorf("records of no type that fits")
	}
	return nil
}

func (l *loader) all(r *record, saved []savedData) ([]data, error) {
	list := make([]data, len(saved))
	for i := range saved {
		if err := l.data(r, &list[i], saved[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (l *loader) guard(r *record, g *guard, s *savedGuard) error {
	if s == nil {
		return nil
	}
	refused, err := l.all(r, s.Refused)
	if err != nil {
		return err
	}
	g.begin(&r.current, refused, l.past(s.Began))
	if g.on {
		g.quiet, g.lastOld, g.lastNew = l.run(s.Quiet), l.past(s.LastOld), l.past(s.LastNew)
		g.cameBack, g.again = max(0, s.CameBack), s.Again
	}
	return nil
}

// maxUnder is how many overrides of a record there can be: one, and what a lease
// replaced.
const maxUnder = 2

func (l *loader) overrides(r *record, saved []savedOverride) error {
	for i := range slices.Backward(saved) {
		v, err := l.override(r, &saved[i])
		if err != nil {
			return fmt.Errorf("override: %w", err)
		}
		v.under, r.override = r.override, v
	}
	if r.override != nil {
		r.admit(&r.override.data)
	}
	return nil
}

func (l *loader) override(r *record, s *savedOverride) (*override, error) {
	o := Override{Name: r.node.name, Type: r.rtype, Data: s.Data, By: s.By, Set: earlier(s.Set, l.latest), For: time.Duration(s.For), Lease: savedDigest(s.Token), LeaseFor: time.Duration(s.LeaseOf), after: earlier(s.After, l.latest)}
	_, d, err := o.prepare(l.Moment, l.ttl)
	if err != nil {
		return nil, err
	}
	v := &override{
		Override: o, data: d, began: l.moment(s.Began), expires: l.future(s.Expires, o.For), warned: s.Warned,
		lasts: max(0, min(time.Duration(s.Lasts), longAgo)), judged: s.Judged, late: s.Late, already: s.Already, agree: l.run(s.Agree), thirds: l.run(s.Thirds),
	}
	v.Data = d.list()
	v.before = slices.Clone(s.Before[max(0, len(s.Before)-2*maxRefused):])
	if s.Lease != nil {
		v.lease = max(1, l.future(*s.Lease, o.LeaseFor))
	}
	return v, l.data(r, &v.third, s.Third)
}

// earlier is the earlier of two times: the wall clock may have been set back.
func earlier(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}

func (l *loader) verify(r *record, s *savedVerify) error {
	if s == nil {
		return nil
	}
	v := &verify{
		began: l.moment(s.Began), ends: l.future(s.Ends, maxVerify), need: max(time.Second, min(time.Duration(s.Need), longAgo)),
		asked: s.Asked, new: s.New, old: s.Old, third: s.Third, cameBack: s.CameBack, firstNew: s.FirstNew, lastOld: s.LastOld,
		steady: l.run(s.Steady), known: s.Known, before: s.Before, over: s.Over,
	}
	r.verify = v
	if err := l.data(r, &v.want, s.Want); err != nil {
		return err
	}
	return l.data(r, &v.lastData, s.Last)
}

func (l *loader) ledger(r *record, saved []savedHolding) error {
	for i := range saved {
		s := &saved[i]
		h := &holding{since: l.moment(s.Since), latest: l.future(s.Until, longAgo), more: true}
		if err := l.data(r, &h.data, s.Data); err != nil {
			return err
		}
		r.ledger.begun = true
		if !s.Given || r.ledger.now != nil {
			r.ledger.past = append(r.ledger.past, h)
			continue
		}
		h.clients = make(map[netip.Addr]time.Duration)
		h.latest = max(h.latest, l.Now+heldFor(l.ttl)) // until this process began, at most
		r.ledger.now = h
	}
	return nil
}
