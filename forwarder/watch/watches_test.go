package watch

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

func TestWatch(t *testing.T) {
	table, m := newTable(), Moment{time.Hour, day}
	for _, name := range []string{"WWW.corp.example", "www.corp.example.", "*.pool.example", "*.POOL.example."} {
		if err := table.Watch(name, m); err != nil {
			t.Errorf("Watch(%q) = %v", name, err)
		}
	}
	if got, want := table.Watching(), []string{"*.pool.example", "www.corp.example"}; !slices.Equal(got, want) {
		t.Errorf("Watching() = %v, want %v", got, want)
	}
	for _, name := range []string{"", ".", "*", "*.", "*.*.example", "a..b", ".a"} {
		if err := table.Watch(name, m); !errors.Is(err, ErrBadName) {
			t.Errorf("Watch(%q) = %v, want %v", name, err, ErrBadName)
		}
	}
	wants := func(want bool, names ...string) {
		t.Helper()
		for _, name := range names {
			if got := table.Wants([]byte(wire.PackName(name))); got != want {
				t.Errorf("Wants(%s) = %v", name, got)
			}
		}
	}
	wants(true, "www.corp.example", "a.pool.example", "a.b.pool.example")
	wants(false, ".", "corp.example", "a.www.corp.example", "pool.example", "a.spool.example", "random.now.a.pool.example", "random.now.pool.example")
	for _, name := range []string{"*.pool.example", "WWW.corp.example"} {
		if err := table.Unwatch(name, m); err != nil {
			t.Errorf("Unwatch(%q) = %v", name, err)
		}
		if err := table.Unwatch(name, m); !errors.Is(err, ErrNone) {
			t.Errorf("Unwatch(%q) again = %v", name, err)
		}
	}
	wants(false, "www.corp.example", "a.pool.example")
	if table.index.Load() != nil {
		t.Error("an index of nothing is kept")
	}
}

// A pattern gives names that have no data nothing, and of those that have some the
// ones that were asked for lately.
func TestPattern(t *testing.T) {
	table, m := newTable(), Moment{time.Hour, day}
	if err := table.Watch("*.pool.example", m); err != nil {
		t.Fatal(err)
	}
	observe := func(name string, data ...string) {
		o := Observation{Name: wire.PackName(name), Type: dns.TypeA, TTL: 10, Asked: m.Now, RRs: records(name, 10, data...)}
		table.Observe(o, m)
		m.Now += time.Millisecond
	}
	for i := range 5000 {
		observe(fmt.Sprintf("r%d.pool.example", i))
		observe(fmt.Sprintf("r%d.elsewhere.example", i), "10.0.0.1")
	}
	if n := table.Stats().Names; n != 0 {
		t.Errorf("%d names have state", n)
	}
	observe("first.pool.example", "10.0.0.1")
	observe("first.pool.example", "10.0.0.2")
	made, last := 0, table.index.Load()
	for i := range 5000 {
		observe(fmt.Sprintf("r%d.pool.example", i), "10.0.0.1")
		if now := table.index.Load(); now != last {
			made, last = made+1, now
		}
	}
	if n := table.Stats().Names; n > maxNames || n <= maxNames-evictAtOnce {
		t.Errorf("%d names have state, want at most %d", n, maxNames)
	}
	if most := 5000/evictAtOnce + 1; made > most {
		t.Errorf("the index was made %d times for 5000 names, want at most %d", made, most)
	}
	if table.Pins().Find([]byte(wire.PackName("first.pool.example")), dns.TypeA, m.Now) == nil {
		t.Error("the name under guard was forgotten")
	}
	if err := table.AddOverride(Override{Name: "www.corp.example", Type: dns.TypeA, Data: []string{"10.0.0.1"}}, m); err != nil {
		t.Errorf("AddOverride = %v", err)
	}
	if err := table.Unwatch("*.pool.example", m); err != nil {
		t.Error(err)
	}
	m.Now += time.Hour
	table.Tick(m)
	if n := table.Stats().Names; n != 1 {
		t.Errorf("%d names have state, want the one with an override", n)
	}
}

func TestTooMany(t *testing.T) {
	table, m := newTable(), Moment{time.Hour, day}
	for i := range maxNames {
		if err := table.Watch(fmt.Sprintf("n%d.corp.example", i), m); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Watch("www.corp.example", m); !errors.Is(err, ErrTooMany) {
		t.Errorf("Watch = %v", err)
	}
	if err := table.AddOverride(Override{Name: "www.corp.example", Type: dns.TypeA, Data: []string{"10.0.0.1"}}, m); !errors.Is(err, ErrTooMany) {
		t.Errorf("AddOverride = %v", err)
	}
	if err := table.Verify("www.corp.example", dns.TypeA, []string{"10.0.0.1"}, 0, m); !errors.Is(err, ErrTooMany) {
		t.Errorf("Verify = %v", err)
	}
	if err := table.AddOverride(Override{Name: "n1.corp.example", Type: dns.TypeA, Data: []string{"10.0.0.1"}}, m); err != nil {
		t.Errorf("AddOverride of a watched name = %v", err)
	}
}

// The types of a name are as many as are bounded.
func TestTypesBounded(t *testing.T) {
	l := newLine(t)
	for rtype := range uint16(400) {
		rr, err := dns.NewRR(fmt.Sprintf("www.corp.example. 10 IN TYPE%d \\# 4 00010000", rtype))
		if err != nil {
			continue // no data of that type
		}
		l.Observe(Observation{Name: wire.PackName(l.name), Type: rtype, RRs: []RR{rr}, TTL: 10}, l.moment())
	}
	if s, _ := l.Status(l.name, false, l.moment()); len(s.Sets) != maxSets {
		t.Errorf("%d types have state, want %d", len(s.Sets), maxSets)
	}
	l.play("t=1 restart") // the texts of all can be read
	if err := l.AddOverride(Override{Name: l.name, Type: dns.TypeTXT, Data: []string{"x"}}, l.moment()); err != nil {
		t.Errorf("AddOverride = %v", err)
	}
}

// A chain is its addresses, or, where it ends open, its last target.
func TestChains(t *testing.T) {
	l := newLine(t)
	observe := func(lines ...string) {
		var rrs []RR
		for _, line := range lines {
			rr, err := dns.NewRR(line)
			if err != nil {
				t.Fatal(err)
			}
			rrs = append(rrs, rr)
		}
		l.Observe(Observation{Name: wire.PackName(l.name), Type: dns.TypeA, RRs: rrs, TTL: 10, Asked: l.moment().Now}, l.moment())
	}
	observe("www.corp.example. 10 IN CNAME a.corp.example.", "a.corp.example. 10 IN A 10.0.0.1")
	l.play("t=1 current 10.0.0.1")
	observe("www.corp.example. 10 IN CNAME b.corp.example.", "b.corp.example. 10 IN A 10.0.0.1")
	l.play("t=2 guard off")
	observe("www.corp.example. 10 IN CNAME B.corp.example.", "b.corp.example. 10 IN A 10.0.0.2")
	if pin := l.Pins().Find([]byte(wire.PackName(l.name)), dns.TypeA, l.moment().Now); pin == nil || len(pin.RRs) != 2 {
		t.Errorf("pin %+v, want the chain", pin)
	}
	observe("www.corp.example. 10 IN CNAME C.corp.example.")
	if got := l.status().Upstream; !slices.Equal(got, []string{"CNAME c.corp.example."}) {
		t.Errorf("upstream says %q", got)
	}
	l.play("t=3 restart")
	if got := l.pinned(); !slices.Equal(got, []string{"c.corp.example."}) {
		t.Errorf("pinned %v", got)
	}
}

func TestPins(t *testing.T) {
	l := newLine(t)
	name, now := []byte(wire.PackName(l.name)), l.moment().Now
	none := l.Pins()
	if none.Find(name, dns.TypeA, now) != nil || none.Has(name) || none.Changed(nil) != nil {
		t.Error("no pins hold something")
	}
	l.play("t=0 override 10.0.0.1 set=1")
	one := l.Pins()
	if pin := one.Find(name, dns.TypeA, now); pin == nil || !pin.Override || pin.EDE != dns.ExtendedErrorCodeForgedAnswer || pin != one.Find(name, dns.TypeANY, now) {
		t.Errorf("pin %+v", pin)
	}
	if one.Find(name, dns.TypeAAAA, now) != nil || !one.Has(name) {
		t.Error("the override is of another type")
	}
	key := []Key{{string(name), dns.TypeA}}
	if got := one.Changed(none); !slices.Equal(got, key) {
		t.Errorf("Changed = %v", got)
	}
	l.play("t=1 override 10.0.0.1 set=2") // the same
	if got := l.Pins().Changed(one); len(got) > 0 {
		t.Errorf("Changed by the same again = %v", got)
	}
	l.play("t=1 override 10.0.0.2 set=3")
	if got := l.Pins().Changed(one); !slices.Equal(got, key) {
		t.Errorf("Changed = %v", got)
	}
	if pin := one.Find(name, dns.TypeA, now); !slices.Equal(texts(pin.RRs), []string{"10.0.0.1"}) {
		t.Error("pins that were handed out have changed")
	}
	two := l.Pins()
	l.play("t=2 delete")
	if got := l.Pins().Changed(two); !slices.Equal(got, key) {
		t.Errorf("Changed at the end = %v", got)
	}
}

// The query path neither locks nor allocates.
func TestHotAllocations(t *testing.T) {
	l := play(t, "t=0 upstream 10.0.0.1\n t=1 upstream 10.0.0.2")
	if err := l.Watch("*.pool.example", l.moment()); err != nil {
		t.Fatal(err)
	}
	names := [][]byte{[]byte(wire.PackName(l.name)), []byte(wire.PackName("a.b.pool.example")), []byte(wire.PackName("a.b.c.d.example"))}
	l.given("192.0.2.1", 0)
	l.mu.Lock()
	got := testing.AllocsPerRun(100, func() {
		for _, name := range names {
			l.Wants(name)
			l.Pins().Find(name, dns.TypeA, 0)
			l.Pins().Has(name)
		}
	})
	l.mu.Unlock()
	if got > 0 {
		t.Errorf("%v allocations", got)
	}
	client, now := netip.MustParseAddr("192.0.2.1"), l.moment().Now
	if got := testing.AllocsPerRun(100, func() { l.Given(names[0], dns.TypeA, client, 0, now) }); got > 0 {
		t.Errorf("Given of a known client allocates %v times", got)
	}
}

func BenchmarkWants(b *testing.B) {
	table, m := newTable(), Moment{time.Hour, day}
	_ = table.Watch("*.pool.example", m)
	name := []byte(wire.PackName("www.somewhere.corp.example"))
	for b.Loop() {
		table.Wants(name)
	}
}

func BenchmarkGiven(b *testing.B) {
	table, m := newTable(), Moment{time.Hour, day}
	_ = table.Watch("www.corp.example", m)
	name := wire.PackName("www.corp.example")
	table.Observe(Observation{Name: name, Type: dns.TypeA, TTL: 10, RRs: records("www.corp.example", 10, "10.0.0.1")}, m)
	client := netip.MustParseAddr("192.0.2.1")
	for b.Loop() {
		table.Given([]byte(name), dns.TypeA, client, 0, m.Now)
	}
}

// A second of a full table in which everything runs.
func BenchmarkDue(b *testing.B) {
	table, m := newTable(), Moment{time.Hour, day}
	for i := range maxNames {
		name := fmt.Sprintf("n%d.corp.example", i)
		if err := table.AddOverride(Override{Name: name, Type: dns.TypeA, Data: []string{"10.0.0.1"}}, m); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		m.Now, m.Wall = m.Now+time.Millisecond, m.Wall.Add(time.Millisecond)
		table.Due(m)
	}
}

// The part of saving that readers wait for.
func BenchmarkSave(b *testing.B) {
	table, m := newTable(), Moment{time.Hour, day}
	for i := range maxNames {
		name := fmt.Sprintf("n%d.corp.example", i)
		if err := table.AddOverride(Override{Name: name, Type: dns.TypeA, Data: []string{"10.0.0.1"}}, m); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		table.save(m)
	}
}
