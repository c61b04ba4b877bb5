package watch

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Status is what is known of one name, as JSON (watch show NAME json). Times are
// by the forwarder's wall clock; durations are in seconds.
type Status struct {
	Name      string           `json:"name"`
	Watched   bool             `json:"watched"`   // by itself or by a pattern
	Since     time.Time        `json:"since"`     // since when it is watched, overridden or verified
	Sets      []SetStatus      `json:"sets"`      // by type
	Overrides []OverrideStatus `json:"overrides"` // in force
	Probe     ProbeStatus      `json:"probe"`     // of its zone, past all caches
	History   []Change         `json:"history"`   // its latest changes
	Ledger    []LedgerStatus   `json:"ledger"`    // who may hold which data
	Now       time.Time        `json:"now"`
}

// SetStatus is one type of a name.
type SetStatus struct {
	Type     string        `json:"type"`
	Given    []string      `json:"given"`            // what clients get
	Upstream []string      `json:"upstream"`         // what upstream says and is believed
	Said     []string      `json:"said"`             // what upstream said last, believed or not
	TTL      uint32        `json:"ttl"`              // the greatest that upstream gave it, s
	Since    time.Time     `json:"since"`            // when upstream began to say it
	Pinned   string        `json:"pinned"`           // "override", "guard", "verify" or ""
	Varies   bool          `json:"varies"`           // changes all the time (weighted, round robin), and is not guarded
	Guard    *GuardStatus  `json:"guard,omitempty"`  // that runs
	Verify   *VerifyStatus `json:"verify,omitempty"` // that runs, or its outcome
}

// GuardStatus is a guard that runs.
type GuardStatus struct {
	Refused  [][]string `json:"refused"` // earlier data
	Since    time.Time  `json:"since"`
	CameBack int        `json:"came_back"` // answers with it
	Quiet    Seconds    `json:"quiet"`     // without any of the refused
	Need     Seconds    `json:"need"`      // quiet that ends it
	Latest   time.Time  `json:"latest"`    // when it ends at the latest
}

// OverrideStatus is an override in force.
type OverrideStatus struct {
	Name     string     `json:"name"`
	Type     string     `json:"type"`
	Data     []string   `json:"data"`
	By       string     `json:"by"`                    // who set it
	Set      time.Time  `json:"set"`                   // when
	Expires  time.Time  `json:"expires"`               // when it ends at the latest
	Lease    *time.Time `json:"lease_until,omitempty"` // ends then unless it is confirmed
	Upstream []string   `json:"upstream"`              // what upstream says and is believed
	Agreed   Seconds    `json:"agreed"`                // for which upstream has agreed
	Need     Seconds    `json:"need"`                  // after which it ends
}

// VerifyStatus is a verification that runs, or its outcome.
type VerifyStatus struct {
	Want     []string  `json:"want"` // data that upstream should give
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
	Asked    int       `json:"asked"`     // answers and failures
	New      int       `json:"new"`       // of these, with it
	Old      int       `json:"old"`       // with what there was before
	Third    int       `json:"third"`     // with other data
	CameBack int       `json:"came_back"` // other data after the wanted
	FirstNew time.Time `json:"first_new,omitzero"`
	LastOld  time.Time `json:"last_old,omitzero"` // or third
	Last     []string  `json:"last,omitempty"`    // data then
	Steady   Seconds   `json:"steady"`            // new answers without a break
	Need     Seconds   `json:"need"`              // the old TTL
	Done     bool      `json:"done"`              // it succeeded
	Running  bool      `json:"running"`
	Failed   string    `json:"failed,omitempty"` // how it ended when it did not succeed
}

// ProbeStatus is that of a name's probe.
type ProbeStatus struct {
	State string    `json:"state"`          // "none", "on", or why it is left aside
	Label string    `json:"label"`          // what stands between the random label and the name
	Data  []string  `json:"data,omitempty"` // what the latest showed
	At    time.Time `json:"at,omitzero"`    // when
}

// LedgerStatus is who may hold data that the name had, or has.
type LedgerStatus struct {
	Type    string    `json:"type"`
	Data    []string  `json:"data"`            // none: not known what was given
	Given   bool      `json:"given"`           // it is what clients get now
	Since   time.Time `json:"since"`           // since when it was given
	Clients int       `json:"clients"`         // that may hold it now
	More    bool      `json:"more"`            // and others that are not counted
	Until   time.Time `json:"until"`           // nobody behind this forwarder holds it after
	Names   []Holder  `json:"names,omitempty"` // they, by address, where asked for
}

// Holder is a client that may hold data.
type Holder struct {
	Client netip.Addr `json:"client"`
	Until  time.Time  `json:"until"` // holds it no longer than
}

// Seconds is a duration that JSON has in seconds.
type Seconds time.Duration

// MarshalJSON writes seconds.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%.3f", time.Duration(s).Seconds()), nil
}

// UnmarshalJSON reads seconds.
func (s *Seconds) UnmarshalJSON(b []byte) error {
	var f float64
	if _, err := fmt.Sscan(string(b), &f); err != nil {
		return fmt.Errorf("reading seconds: %w", err)
	}
	*s = Seconds(f * float64(time.Second))
	return nil
}

// Status returns what is known of a name; clients are listed one by one only when
// asked for.
func (t *Table) Status(name string, clients bool, m Moment) (Status, error) {
	changes, err := t.History(name)
	if err != nil {
		return Status{}, err
	}
	n, unlock, err := t.find(name)
	if err != nil {
		return Status{}, err
	}
	defer unlock()
	s := Status{
		Name: n.name, Watched: n.watched || t.matches(n.wire), Since: ms(n.since.Wall), Now: ms(m.Wall),
		Sets: []SetStatus{}, Overrides: []OverrideStatus{}, Ledger: []LedgerStatus{},
		History: changes, Probe: n.probe.status(t.label),
	}
	for _, r := range n.sorted() {
		s.Sets = append(s.Sets, r.status(m))
		if r.override != nil {
			s.Overrides = append(s.Overrides, r.overrideStatus(m))
		}
		for _, h := range r.ledger.all() {
			s.Ledger = append(s.Ledger, h.status(r, clients, m))
		}
	}
	return s, nil
}

func ms(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Round(time.Millisecond).UTC()
}

func (r *record) status(m Moment) SetStatus {
	return SetStatus{
		Type: typeText(r.rtype), Given: r.given().list(), Upstream: r.current.list(), Said: r.said.list(), TTL: r.current.ttl,
		Since: ms(r.since.Wall), Pinned: r.pinnedBy(m), Varies: r.changes.varies, Guard: r.guard.status(m), Verify: r.verify.status(m),
	}
}

func (r *record) pinnedBy(m Moment) string {
	switch pin := r.pin(0, m); {
	case pin == nil:
		return ""
	case pin.Override:
		return "override"
	case r.guard.on:
		return "guard"
	}
	return "verify"
}

func (g *guard) status(m Moment) *GuardStatus {
	if !g.on {
		return nil
	}
	s := &GuardStatus{Since: ms(m.wall(g.began)), CameBack: g.cameBack, Quiet: Seconds(g.quiet.length()), Need: Seconds(2 * g.lasts), Latest: ms(m.wall(g.began + maxGuard))}
	for i := range g.refused {
		s.Refused = append(s.Refused, g.refused[i].list())
	}
	return s
}

func (r *record) overrideStatus(m Moment) OverrideStatus {
	v := r.override
	s := OverrideStatus{
		Name: r.node.name, Type: typeText(r.rtype), Data: v.data.list(), By: v.By, Set: ms(v.Set), Expires: ms(m.wall(v.expires)),
		Upstream: r.current.list(), Agreed: Seconds(v.agree.length()), Need: Seconds(v.agreesFor()),
	}
	if v.lease > 0 {
		until := ms(m.wall(v.lease))
		s.Lease = &until
	}
	return s
}

func (v *verify) status(m Moment) *VerifyStatus {
	if v == nil || v.forgotten(m.Now) {
		return nil
	}
	s := &VerifyStatus{
		Want: v.want.list(), Since: ms(v.began.Wall), Until: ms(m.wall(v.ends)), Asked: v.asked, New: v.new, Old: v.old, Third: v.third,
		CameBack: v.cameBack, FirstNew: ms(v.firstNew), LastOld: ms(v.lastOld), Last: v.lastData.list(),
		Steady: Seconds(v.steady.length()), Need: Seconds(v.need), Done: v.done(), Running: v.running(),
	}
	if v.over && !s.Done {
		s.Failed = v.failure()
	}
	return s
}

func (h *holding) status(r *record, clients bool, m Moment) LedgerStatus {
	s := LedgerStatus{Type: typeText(r.rtype), Data: h.data.list(), Given: h == r.ledger.now, Since: ms(h.since.Wall), More: h.more && h.latest > m.Now, Until: ms(m.wall(h.latest))}
	for client, until := range h.clients {
		if until > m.Now {
			s.Clients++
			if clients {
				s.Names = append(s.Names, Holder{client, ms(m.wall(until))})
			}
		}
	}
	slices.SortFunc(s.Names, func(a, b Holder) int { return a.Client.Compare(b.Client) })
	return s
}

// Overrides returns all that are in force, by name and type.
func (t *Table) Overrides(m Moment) []OverrideStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := []OverrideStatus{}
	for _, n := range t.sorted() {
		for _, r := range n.sorted() {
			if r.override != nil {
				list = append(list, r.overrideStatus(m))
			}
		}
	}
	return list
}

// sorted are all names with state, by name.
func (t *Table) sorted() []*node {
	list := make([]*node, 0, len(t.names))
	for _, n := range t.names {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b *node) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return list
}

// Stats are counts for metrics.
type Stats struct {
	Names, Watched, Overrides, Guards, Verifies, Probes int
	CameBack                                            int // refused data in guards that run

	Changes, Refused uint64 // changes of watched names, and answers that guards refused, since the table was made
}

// Stats counts.
func (t *Table) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Stats{Names: len(t.names), Probes: t.probing, Changes: t.changed, Refused: t.refused}
	for _, n := range t.names {
		if n.watched || t.matches(n.wire) {
			s.Watched++
		}
		for _, r := range n.sets {
			s.Overrides += one(r.override != nil)
			s.Guards += one(r.guard.on)
			s.Verifies += one(r.verify.running())
			s.CameBack += r.guard.cameBack
		}
	}
	return s
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
