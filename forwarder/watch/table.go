package watch

import (
	"crypto/rand"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Moment is when something happens: on the server's clock, which counts on while
// the machine sleeps and knows no steps, and as people read it.
type Moment struct {
	Now  time.Duration
	Wall time.Time
}

// wall is what people read at another time of the server's clock.
func (m Moment) wall(at time.Duration) time.Time { return m.Wall.Add(at - m.Now) }

// Options are what a Table is made with.
type Options struct {
	TTL   uint32 // that watched names are handed out with, at most, in seconds
	Label string // of the probes' wildcard; "" is DefaultLabel

	// MayOverride reports whether a name (lower case, final dot) may have an
	// override. It is called under the table's lock and must not call it back. Nil:
	// none may.
	MayOverride func(name string) bool
}

// DefaultLabel stands between a probe's random label and the watched name.
const DefaultLabel = "now"

// maxNames have state at once, whoever watches them.
const maxNames = 1000

// Table is what is known of watched names. All its methods may be called at any
// time by anyone; Wants and Pins neither lock nor allocate.
type Table struct {
	index atomic.Pointer[index] // nil: nothing is watched
	pins  atomic.Pointer[Pins]  // nil: nothing is pinned

	ttl   uint32
	label string
	id    string // no other table has it

	mu          sync.Mutex // guards all below; held for computing only
	mayOverride func(name string) bool
	patterns    map[string]bool      // wire names of the zones of "*.zone"; true: of the command line
	names       map[string]*node     // by wire name
	told        map[string]time.Time // when a command began to watch a name or pattern, by wire name (patternKey)
	gone        tombstones
	loaded      time.Time // the latest change that was loaded
	caughtUp    bool      // others' changes since were merged
	history     history
	events      events
	again       []Question
	probing     int // names whose probes are asked each second
	version     uint64
	pinned      uint64 // version of the latest pin
	changed     uint64 // counts, for Stats
	refused     uint64
}

// New returns a table that watches nothing.
func New(o Options) *Table {
	t := &Table{ttl: o.TTL, label: o.Label, id: rand.Text(), mayOverride: o.MayOverride}
	if t.label == "" {
		t.label = DefaultLabel
	}
	t.patterns = make(map[string]bool)
	t.names = make(map[string]*node)
	t.told = make(map[string]time.Time)
	t.gone = make(tombstones)
	return t
}

// SetRules says anew which names may have an override. Overrides of others end
// with the next Tick.
func (t *Table) SetRules(mayOverride func(name string) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mayOverride = mayOverride
}

// Version grows with each change that is worth saving.
func (t *Table) Version() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.version
}

// Observation is what upstream said of a name.
type Observation struct {
	Name     string // wire, lower case
	Type     uint16
	RRs      []RR          // from the name on: CNAMEs and the asked type, no signatures; none: a denial
	TTL      uint32        // that upstream left the answer, s
	Asked    time.Duration // when it was asked
	Failed   bool          // no answer, or a failure: nothing is known
	Question *Question     // of Due or Again; nil: a client's, or a prefetch
}

// Observe takes what upstream said. Of names that are not wanted, and of those that
// a pattern watches and that have no data, nothing is kept.
func (t *Table) Observe(o Observation, m Moment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if isLarge(o.RRs) {
		o.RRs, o.Failed = nil, true // as if it had not come: nothing of it is kept
	}
	if o.Question != nil && o.Question.Probe {
		t.observeProbe(&o, m)
		return
	}
	d := dataOf(&o)
	r := t.recordOf(&o, &d, m)
	if r == nil {
		return
	}
	r.node.seen = m.Now
	if o.Failed {
		r.verify.failed()
		return
	}
	t.hear(r, d, o.Asked, m)
	t.settle(r, m)
}

// Given notes in the ledger that a client was handed the name's data: what is
// pinned, else what upstream said last, with that TTL (s). Of a type ANY it is all
// of the name's data.
func (t *Table) Given(owner []byte, rtype uint16, client netip.Addr, ttl uint32, now time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.names[string(owner)]
	if n == nil {
		return
	}
	until := now + heldFor(ttl)
	for _, r := range n.sets {
		if r.rtype == rtype || rtype == typeANY {
			n.given(r, client, until, now)
		}
	}
}

// Seen notes a change of a name (wire, lower case) that is not watched, in the
// history only; names that change all the time are left out.
func (t *Table) Seen(name string, rtype uint16, old, new []string, m Moment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.history.seen(Change{Name: text(name), Type: typeText(rtype), Old: old, New: new, Source: Upstream, At: m.Wall}, m.Now) {
		t.version++
	}
}

// Tick ends what is over: leases, overrides, guards, verifications, and what a
// probe taught. Due calls it.
func (t *Table) Tick(m Moment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tick(m)
}

func (t *Table) tick(m Moment) {
	had := len(t.names)
	for _, n := range t.names {
		for _, r := range n.sets {
			t.tickRecord(r, m)
		}
		t.drop(n, m)
	}
	if len(t.names) < had {
		t.reindex()
	}
}

func (t *Table) tickRecord(r *record, m Moment) {
	if r.taught != nil && m.Now-r.taught.at >= teachFor {
		t.lapse(r, m)
	}
	if r.override != nil {
		t.tickOverride(r, m)
	}
	if r.guard.on && m.Now-r.guard.began >= maxGuard {
		t.endLongGuard(r, m)
	}
	if r.verify.running() && m.Now >= r.verify.ends {
		t.endVerify(r, m)
	}
	r.node.prune(r, m.Now)
	t.settle(r, m)
}
