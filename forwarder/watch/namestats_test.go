package watch

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// only are the NameStats of the line's name.
func (l *line) only() NameStats {
	l.Helper()
	list, more := l.NameStats(l.moment())
	if len(list) != 1 || more != 0 {
		l.Fatalf("NameStats() = %v and %d more, want one", list, more)
	}
	return list[0]
}

func TestNameStats(t *testing.T) {
	l := play(t, `
		t=0 upstream 10.0.0.1
		t=1 pin none`)
	if got, want := l.only(), (NameStats{Name: "www.corp.example", Type: "A", Given: "upstream"}); got != want {
		t.Errorf("NameStats() = %+v, want %+v", got, want)
	}
	l.Given([]byte(wire.PackName(l.name)), dns.TypeA, netip.MustParseAddr("10.20.0.99"), 10, l.moment().Now)
	l.play(`
		t=2 upstream 10.0.0.2
		t=3 upstream 10.0.0.1
		t=3 upstream 10.0.0.1`)
	got := l.only()
	if got.Given != "guard" || got.CameBack != 2 || got.Refused != 2 || got.Changes != 1 || !got.Changed.Equal(day.Add(2*time.Second)) {
		t.Errorf("NameStats() = %+v where a guard has refused two answers, want them", got)
	}
	if want := day.Add(12 * time.Second); !got.EarlierUntil.Equal(want) {
		t.Errorf("earlier data is held until %v, want %v: given at 1 s with TTL 10, and a second for rounding", got.EarlierUntil, want)
	}
	l.play(`
		t=4 override 10.0.0.9 for=60s
		t=5 verify 10.0.0.9 for=60s`)
	got = l.only()
	if got.Given != "override" || !got.OverrideSet.Equal(day.Add(4*time.Second)) || !got.OverrideEnds.Equal(day.Add(64*time.Second)) || !got.VerifyBegan.Equal(day.Add(5*time.Second)) {
		t.Errorf("NameStats() = %+v with an override and a verification, want them", got)
	}
	if got.Agrees || got.Verify != "open" {
		t.Error("upstream agrees with an override of which it says nothing, or that is verified")
	}
	l.play(`
		t=6 upstream 10.0.0.9`)
	if !l.only().Agrees {
		t.Error("upstream does not agree with an override whose data it gave last")
	}
	l.play(`
		t=7..16 upstream 10.0.0.9`)
	if got := l.only().Verify; got != "done" {
		t.Errorf("what upstream gave for its TTL is %q, want it to be done", got)
	}
	l.play(`
		t=17 delete
		t=700 upstream 10.0.0.9`)
	got = l.only()
	if got.Given != "upstream" || !got.OverrideEnds.IsZero() || got.Verify != "" || !got.VerifyBegan.IsZero() || !got.EarlierUntil.IsZero() || got.CameBack != 0 || got.Refused != 2 {
		t.Errorf("NameStats() = %+v when all is over, want nothing but the counts", got)
	}
}

// Of many names those are shown that a human has to see.
func TestNameStatsAreBounded(t *testing.T) {
	table, m := newTable(), Moment{time.Hour, day}
	const all = 300
	for i := range all {
		name := fmt.Sprintf("n%d.corp.example", i)
		if err := table.Watch(name, m); err != nil {
			t.Fatal(err)
		}
		table.Observe(Observation{Name: wire.PackName(name), Type: dns.TypeA, TTL: 10, Asked: m.Now, RRs: records(name, 10, "10.0.0.1")}, m)
	}
	if err := table.AddOverride(Override{Name: "n299.corp.example", Type: dns.TypeA, Data: []string{"10.0.0.9"}}, m); err != nil {
		t.Fatal(err)
	}
	if err := table.Verify("n298.corp.example", dns.TypeA, []string{"10.0.0.9"}, 0, m); err != nil {
		t.Fatal(err)
	}
	list, more := table.NameStats(m)
	if len(list) != maxNameStats || more != all-maxNameStats {
		t.Fatalf("NameStats() = %d and %d more, want %d and %d", len(list), more, maxNameStats, all-maxNameStats)
	}
	if list[0].Name != "n299.corp.example" || list[1].Name != "n298.corp.example" {
		t.Errorf("NameStats() begins with %s and %s, want the override and the verification", list[0].Name, list[1].Name)
	}
}
