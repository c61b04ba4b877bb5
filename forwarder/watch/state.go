package watch

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// stateVersion is that of the JSON below.
const stateVersion = 1

// savedTable is a table's state. Times are by the wall clock, so that they hold
// over a restart; clients of the ledger are not saved, only until when they hold
// what they were given.
type savedTable struct {
	Version int          `json:"version"`
	At      time.Time    `json:"at"`
	Zones   []string     `json:"zones,omitempty"` // of patterns that a command watches
	Names   savedNames   `json:"names,omitempty"`
	History savedHistory `json:"history,omitempty"`

	Gone savedEnds            `json:"gone,omitempty"`
	Told map[string]time.Time `json:"told,omitempty"` // when a command began to watch each name and pattern
}

// savedGone is what a command ended.
type savedGone struct {
	Name string    `json:"name"`
	Type string    `json:"type,omitempty"` // "": a watch
	At   time.Time `json:"at"`             // the control time of what ended, of that and all before it

	Cleared *time.Time `json:"cleared,omitempty"` // the guards that began until then
}

type savedName struct {
	Name    string    `json:"name"`
	Watched bool      `json:"watched,omitempty"` // by a command
	Since   time.Time `json:"since"`
	Sets    savedSets `json:"sets,omitempty"`
}

type savedSet struct {
	Type      string         `json:"type"`
	Known     bool           `json:"known,omitempty"`
	Heard     bool           `json:"heard,omitempty"`
	Current   savedData      `json:"current"`
	Said      savedData      `json:"said"`
	Since     time.Time      `json:"since"`
	Asked     time.Time      `json:"asked"`
	Until     time.Time      `json:"until"`
	Left      savedList      `json:"left,omitempty"`
	Guard     *savedGuard    `json:"guard,omitempty"`
	Ended     *savedGuard    `json:"ended,omitempty"` // the guard that may be taken up again
	Changes   []time.Time    `json:"changes,omitempty"`
	Varies    *time.Time     `json:"varies,omitempty"` // since when it stands
	Taught    *time.Time     `json:"taught,omitempty"`
	Overrides savedOverrides `json:"overrides,omitempty"` // and what a lease replaced
	Verify    *savedVerify   `json:"verify,omitempty"`
	Ledger    savedHoldings  `json:"ledger,omitempty"`
}

// savedData is records as in a zone file, and the greatest TTL seen with them.
type savedData struct {
	RRs []string `json:"rrs,omitempty"`
	TTL uint32   `json:"ttl,omitempty"`

	records []RR // of which RRs are made, without the table's lock
}

// MarshalJSON writes the records.
func (s savedData) MarshalJSON() ([]byte, error) {
	type plain savedData
	p := plain{TTL: s.TTL}
	for _, rr := range s.records {
		p.RRs = append(p.RRs, recordText(rr))
	}
	return json.Marshal(p)
}

type savedRun struct {
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	N     int       `json:"n"`
}

type savedGuard struct {
	Began    time.Time `json:"began"`
	Refused  savedList `json:"refused"`
	Quiet    *savedRun `json:"quiet,omitempty"`
	LastOld  time.Time `json:"last_old"`
	LastNew  time.Time `json:"last_new"`
	CameBack int       `json:"came_back,omitempty"`
	Again    bool      `json:"again,omitempty"`
}

type savedOverride struct {
	Data    []string   `json:"data"`
	By      string     `json:"by"`
	Set     time.Time  `json:"set"`
	For     Seconds    `json:"for"`
	Began   time.Time  `json:"began"`
	Expires time.Time  `json:"expires"`
	Token   string     `json:"token,omitempty"`
	Lease   *time.Time `json:"lease,omitempty"`
	LeaseOf Seconds    `json:"lease_for,omitempty"`
	Warned  bool       `json:"warned,omitempty"`
	Lasts   Seconds    `json:"lasts"`
	Before  []string   `json:"before,omitempty"`
	Judged  bool       `json:"judged,omitempty"`
	After   time.Time  `json:"after,omitzero"`
	Late    bool       `json:"late,omitempty"`
	Already bool       `json:"already,omitempty"`
	Agree   *savedRun  `json:"agree,omitempty"`
	Third   savedData  `json:"third"`
	Thirds  *savedRun  `json:"thirds,omitempty"`
}

type savedVerify struct {
	Want     savedData `json:"want"`
	Began    time.Time `json:"began"`
	Ends     time.Time `json:"ends"`
	Need     Seconds   `json:"need"`
	Asked    int       `json:"asked"`
	New      int       `json:"new"`
	Old      int       `json:"old"`
	Third    int       `json:"third"`
	CameBack int       `json:"came_back"`
	FirstNew time.Time `json:"first_new,omitzero"`
	LastOld  time.Time `json:"last_old,omitzero"`
	Last     savedData `json:"last"`
	Steady   *savedRun `json:"steady,omitempty"`
	Known    bool      `json:"known,omitempty"`
	Before   string    `json:"before,omitempty"`
	Over     bool      `json:"over,omitempty"`
}

type savedHolding struct {
	Data  savedData `json:"data"`
	Given bool      `json:"given,omitempty"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

// AppendState appends the state to dst, as JSON. One that is larger than Load takes goes
// without what upstream said.
func (t *Table) AppendState(dst []byte, m Moment) ([]byte, error) {
	s, _ := t.save(m)
	b, err := json.Marshal(s) // without the lock
	if err == nil && len(b) > maxState {
		s.shrink()
		b, err = json.Marshal(s)
	}
	if err == nil && len(b) > maxState {
		err = fmt.Errorf("%d octets are more than the %d that are read", len(b), maxState)
	}
	if err != nil {
		return dst, fmt.Errorf("saving watched names: %w", err)
	}
	return append(dst, b...), nil
}

// shrink leaves what operators said: what is watched, and overrides.
func (s *savedTable) shrink() {
	s.History = nil
	for i := range s.Names {
		n := &s.Names[i]
		n.Sets = slices.DeleteFunc(n.Sets, func(set savedSet) bool { return len(set.Overrides) == 0 })
		for j := range n.Sets {
			n.Sets[j] = n.Sets[j].overridesOnly()
		}
	}
	s.Names = slices.DeleteFunc(s.Names, func(n savedName) bool { return !n.Watched && len(n.Sets) == 0 })
}

// save copies the state, and says of which version of the table.
func (t *Table) save(m Moment) (savedTable, uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := savedTable{Version: stateVersion, At: m.Wall, History: slices.Clone(t.history.list), Gone: t.gone.save(m)}
	for zone, fixed := range t.patterns {
		if !fixed {
			s.Zones = append(s.Zones, text(zone))
		}
	}
	slices.Sort(s.Zones)
	for _, n := range t.sorted() {
		saved := savedName{Name: n.name, Watched: n.watched && !n.fixed, Since: n.since.Wall}
		for _, r := range n.sorted() {
			saved.Sets = append(saved.Sets, r.save(m))
		}
		if saved.Watched || len(saved.Sets) > 0 {
			s.Names = append(s.Names, saved)
		}
	}
	s.Told = t.savedTold()
	return s, t.version
}

// savedTold is when what a command watches was told.
func (t *Table) savedTold() map[string]time.Time {
	told := make(map[string]time.Time)
	for zone, fixed := range t.patterns {
		if at, ok := t.told[patternKey(zone)]; ok && !fixed {
			told["*."+text(zone)] = at
		}
	}
	for w, n := range t.names {
		if at, ok := t.told[w]; ok && n.watched && !n.fixed {
			told[n.name] = at
		}
	}
	return told
}

// overridesOnly is the set without what upstream said.
func (s *savedSet) overridesOnly() savedSet {
	list := slices.Clone(s.Overrides)
	for i := range list {
		list[i].Before, list[i].Third, list[i].Thirds, list[i].Judged = nil, savedData{}, nil, false
	}
	return savedSet{Type: s.Type, Overrides: list}
}

func (r *record) save(m Moment) savedSet {
	s := savedSet{
		Type: typeText(r.rtype), Known: r.known, Heard: r.heard, Current: r.current.save(), Said: r.said.save(),
		Since: r.since.Wall, Asked: m.wall(r.asked), Until: m.wall(r.until), Left: saveAll(r.left), Guard: r.guard.save(m), Ended: r.ended.save(m), Verify: r.verify.save(m),
	}
	for _, at := range r.changes.at {
		s.Changes = append(s.Changes, m.wall(at))
	}
	if r.changes.varies {
		s.Varies = m.pointer(r.changes.stands)
	}
	if r.taught != nil {
		s.Taught = m.pointer(r.taught.at)
	}
	for v := r.override; v != nil; v = v.under {
		s.Overrides = append(s.Overrides, v.save(m))
	}
	for _, h := range r.ledger.all() {
		s.Ledger = append(s.Ledger, savedHolding{h.data.save(), h == r.ledger.now, h.since.Wall, m.wall(h.latest)})
	}
	return s
}

func (m Moment) pointer(at time.Duration) *time.Time {
	wall := m.wall(at)
	return &wall
}

func (d *data) save() savedData {
	return savedData{TTL: d.ttl, records: d.rrs}
}

// recordText is a record as dns.NewRR reads it: what has no plain text is written
// as octets (RFC 3597, 5).
func recordText(rr RR) string {
	switch rr.Header().Rrtype {
	case dns.TypeA, dns.TypeAAAA, dns.TypeCNAME, dns.TypeMX, dns.TypeSRV, dns.TypePTR:
		return rr.String()
	}
	var octets dns.RFC3597
	if octets.ToRFC3597(rr) != nil {
		return rr.String()
	}
	return octets.String()
}

func saveAll(list []data) (saved []savedData) {
	for i := range list {
		saved = append(saved, list[i].save())
	}
	return saved
}

func (r *run) save(m Moment) *savedRun {
	if r.n == 0 {
		return nil
	}
	return &savedRun{m.wall(r.first), m.wall(r.last), r.n}
}

func (g *guard) save(m Moment) *savedGuard {
	if !g.on {
		return nil
	}
	return &savedGuard{m.wall(g.began), saveAll(g.refused), g.quiet.save(m), m.wall(g.lastOld), m.wall(g.lastNew), g.cameBack, g.again}
}

func (v *override) save(m Moment) savedOverride {
	s := savedOverride{
		Data: v.Data, By: v.By, Set: v.setAt(m), After: v.after, For: Seconds(v.For), Began: v.began.Wall, Expires: m.wall(v.expires), Token: v.Lease, LeaseOf: Seconds(v.LeaseFor), Warned: v.warned,
		Lasts: Seconds(v.lasts), Before: slices.Clone(v.before), Judged: v.judged, Late: v.late, Already: v.already, Agree: v.agree.save(m), Third: v.third.save(), Thirds: v.thirds.save(m),
	}
	if v.lease > 0 {
		s.Lease = m.pointer(v.lease)
	}
	return s
}

func (v *verify) save(m Moment) *savedVerify {
	if v == nil {
		return nil
	}
	return &savedVerify{
		v.want.save(), v.began.Wall, m.wall(v.ends), Seconds(v.need), v.asked, v.new, v.old, v.third, v.cameBack,
		v.firstNew, v.lastOld, v.lastData.save(), v.steady.save(m), v.known, v.before, v.over,
	}
}
