package watch

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// check holds what is true of a table at any time.
func check(t testing.TB, table *Table, m Moment) {
	t.Helper()
	table.mu.Lock()
	defer table.mu.Unlock()
	if len(table.names) > maxNames || len(table.history.list) > maxHistory || len(table.again) > maxProbes || len(table.events.list) > maxEvents {
		t.Fatalf("%d names, %d changes, %d repeats, %d events", len(table.names), len(table.history.list), len(table.again), len(table.events.list))
	}
	for w, n := range table.names {
		if n.wire != w || len(n.sets) > 2*maxSets || n.holders > maxHolders {
			t.Fatalf("%s: %d types, %d holders", n.name, len(n.sets), n.holders)
		}
		for _, r := range n.sets {
			checkRecord(t, table, r, m)
		}
	}
}

func checkRecord(t testing.TB, table *Table, r *record, m Moment) {
	t.Helper()
	g, pin := &r.guard, table.Pins().Find([]byte(r.node.wire), r.rtype, m.Now)
	if len(g.refused) > maxRefused || len(r.left) > maxRefused || len(r.ledger.past) > maxHoldings || g.on != (len(g.refused) > 0) {
		t.Fatalf("%v: %d refused, %d left, %d holdings, guard %v", r, len(g.refused), len(r.left), len(r.ledger.past), g.on)
	}
	want := r.pin(table.ttl, m)
	if (want == nil) != (pin == nil) || pin != nil && !pin.same(want) {
		t.Fatalf("%v: pinned %+v, want %+v", r, pin, want)
	}
	switch {
	case r.override != nil && g.refuses(&r.override.data):
		t.Fatalf("%v: the override's data is refused", r)
	case r.override != nil && pin.key != r.override.data.key:
		t.Fatalf("%v: pinned %+v, override %v", r, pin, &r.override.data)
	case r.override == nil && pin != nil && slices.ContainsFunc(g.refused, func(d data) bool { return d.key == pin.key }):
		t.Fatalf("%v: %q is pinned and refused", r, pin.key)
	case r.override == nil && pin == nil && g.on:
		t.Fatalf("%v: a guard without a pin", r)
	}
	if h := r.ledger.now; (h == nil) != r.given().empty() && r.ledger.begun || h != nil && !h.data.same(r.given()) {
		t.Fatalf("%v: the ledger has %v, given is %v", r, h, r.given())
	}
}

// end lets all that runs end: no pin is left then.
func end(t testing.TB, table *Table, m Moment) {
	t.Helper()
	for range 4 {
		m.Now, m.Wall = m.Now+maxOverride/3, m.Wall.Add(maxOverride/3)
		table.Tick(m)
		check(t, table, m)
	}
	if pins := table.Pins(); pins != nil {
		t.Fatalf("pinned in the end: %v", pins.names)
	}
}

// chaos does what a byte says to a table.
type chaos struct {
	table *Table
	m     Moment
	held  []held
}

// held is an answer that a client has.
type held struct {
	name, key string
	until     time.Time
}

// checkLedger holds the ledger's promise: nobody has data after the moment it tells.
func (c *chaos) checkLedger(t *testing.T) {
	t.Helper()
	c.held = slices.DeleteFunc(c.held, func(h held) bool { return !h.until.After(c.m.Wall) })
	for _, h := range c.held {
		n := c.table.names[h.name]
		if n == nil {
			t.Fatalf("%q is held until %v, and its name forgotten", h.key, h.until)
		}
		if !slices.ContainsFunc(n.sets[dns.TypeA].ledger.all(), func(of *holding) bool {
			return of.data.key == h.key && !c.m.wall(of.latest).Before(h.until)
		}) {
			t.Fatalf("%q is held until %v, longer than the ledger tells", h.key, h.until)
		}
	}
}

// give hands a client what the name has.
func (c *chaos) give(w string, ttl byte) {
	c.table.Given([]byte(w), dns.TypeA, netip.AddrFrom4([4]byte{192, 0, 2, ttl}), uint32(ttl), c.m.Now)
	if n := c.table.names[w]; n != nil && n.sets[dns.TypeA] != nil && !n.sets[dns.TypeA].given().empty() {
		c.held = append(c.held, held{w, n.sets[dns.TypeA].given().key, c.m.Wall.Add(heldFor(uint32(ttl)))})
	}
}

func (c *chaos) do(op, arg byte) {
	name := []string{"www.corp.example", "app.corp.example", "a.pool.example"}[arg%3]
	data := fmt.Sprint("10.0.0.", arg/3%5)
	w := wire.PackName(name)
	switch op % 16 {
	case 0, 1, 2, 3, 4:
		c.observe(w, nil, data, c.m.Now)
	case 5:
		c.observe(w, nil, "", c.m.Now)
	case 6:
		c.observe(w, nil, data, c.m.Now-time.Duration(arg)*100*time.Millisecond)
	case 7:
		c.pass(time.Duration(arg) * 500 * time.Millisecond)
	case 8:
		o := Override{Name: name, Type: dns.TypeA, Data: []string{data}, Set: c.m.Wall.Add(time.Duration(int8(arg)) * time.Second)}
		if arg%2 == 0 {
			o.Lease = "x"
		}
		_ = c.table.AddOverride(o, c.m)
	case 9:
		_ = c.table.ConfirmOverride(name, "x", c.m)
	case 10:
		_ = c.table.WithdrawOverride(name, "x", c.m)
	case 11:
		_ = c.table.DeleteOverride(name, 0, c.m)
	case 12:
		_ = c.table.Verify(name, dns.TypeA, []string{data}, time.Duration(1+arg)*time.Second, c.m)
	case 13:
		if arg%2 == 0 {
			_ = c.table.Watch(name, c.m)
		} else {
			_ = c.table.Unwatch(name, c.m)
		}
	case 14:
		c.probes(w, data)
	case 15:
		c.rare(w, name, arg)
	}
	c.give(w, arg)
}

func (c *chaos) rare(w, name string, arg byte) {
	switch arg % 6 {
	case 0:
		_ = c.table.ClearGuard(name, c.m)
	case 1:
		c.table.Seen(w, dns.TypeA, nil, nil, c.m)
	case 2:
		state, _ := c.table.AppendState(nil, c.m)
		c.table = newTable()
		c.m.Now += time.Hour // another process
		if err := c.table.Load(state, c.m); err != nil {
			panic(err)
		}
	case 3:
		c.table.Events()
	case 4:
		other := &chaos{table: newTable(), m: Moment{time.Minute, c.m.Wall.Add(time.Duration(arg) * time.Second)}}
		for op := range byte(12) { // none is rare
			other.do((op+arg)%15, arg*op)
		}
		page, err := other.table.Export(ExportFrom{}, MinExport, other.m)
		if err != nil {
			panic(err)
		}
		_, _ = c.table.Merge(page, "member", c.m) // the clocks may differ too much
	}
}

func (c *chaos) pass(d time.Duration) {
	for d > 0 {
		step := min(d, time.Second)
		c.m.Now, c.m.Wall, d = c.m.Now+step, c.m.Wall.Add(step), d-step
		c.table.Due(c.m)
	}
}

// probes answers a second's questions of a name with the data.
func (c *chaos) probes(w, data string) {
	due := c.table.Due(c.m)
	for len(due) > 0 {
		for _, q := range due {
			if q.For == w {
				c.observe(q.Name, &q, data, c.m.Now)
			}
		}
		due = c.table.Again()
	}
	c.m.Now, c.m.Wall = c.m.Now+time.Second, c.m.Wall.Add(time.Second)
}

func (c *chaos) observe(w string, q *Question, data string, asked time.Duration) {
	o := Observation{Name: w, Type: dns.TypeA, TTL: 10, Asked: asked, Question: q}
	if data != "" {
		text := wire.NameText([]byte(w))
		o.RRs = records(text[:len(text)-1], 10, data)
	}
	c.table.Observe(o, c.m)
}

func FuzzTable(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		ops := make([]byte, 200)
		for i := range ops {
			ops[i] = byte(rng.Uint32())
		}
		f.Add(ops)
	}
	f.Add([]byte{8, 139, 15, 232})                            // an override gives way to what a member knows of upstream
	f.Add([]byte{6, 245, 4, 47, 7, 46, 5, 98, 5, 83, 2, 245}) // earlier data after none
	f.Fuzz(func(t *testing.T, ops []byte) {
		c := chaos{table: newTable(), m: Moment{time.Hour, day}}
		_ = c.table.Watch("www.corp.example", c.m)
		_ = c.table.Watch("*.pool.example", c.m)
		for ops = ops[:min(len(ops), 400)]; len(ops) >= 2; ops = ops[2:] {
			c.do(ops[0], ops[1])
			c.table.Tick(c.m)
			check(t, c.table, c.m)
			c.checkLedger(t)
		}
		end(t, c.table, c.m)
	})
}
