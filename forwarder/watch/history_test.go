package watch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

func TestHistory(t *testing.T) {
	l := play(t, `
		t=0 upstream 10.0.0.1
		t=5 override 10.0.0.2 by=ops
		t=6 upstream 10.0.0.2
		t=7 delete
		t=8 upstream none
		t=60 upstream 10.0.0.3
		t=61 upstream 10.0.0.4`)
	var got []string
	list, _ := l.History(l.name)
	for _, c := range list {
		got = append(got, fmt.Sprintf("t=%v %s %v>%v %s %s", c.At.Sub(day).Seconds(), c.Type, c.Old, c.New, c.Source, c.By))
	}
	want := []string{
		"t=5 A [10.0.0.1]>[10.0.0.2] override ops",
		"t=6 A [10.0.0.1]>[10.0.0.2] upstream ",
		"t=60 A [10.0.0.2]>[10.0.0.3] upstream ",
		"t=61 A [10.0.0.3]>[10.0.0.4] upstream ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("history:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestHistoryBounds(t *testing.T) {
	table, m := newTable(), Moment{time.Hour, day}
	name := wire.PackName("www.corp.example")
	if err := table.Watch("www.corp.example", m); err != nil {
		t.Fatal(err)
	}
	pass := func() { m.Now, m.Wall = m.Now+5*time.Minute, m.Wall.Add(5*time.Minute) }
	for i := range 30 {
		table.Observe(Observation{Name: name, Type: dns.TypeA, RRs: records("www.corp.example", 1, fmt.Sprint("10.0.0.", i)), Asked: m.Now}, m)
		pass()
		table.Tick(m)
	}
	for i := range 200 {
		table.Seen(wire.PackName(fmt.Sprint("n", i, ".example")), dns.TypeA, []string{"10.0.0.1"}, []string{"10.0.0.2"}, m)
	}
	all, _ := table.History("")
	mine, _ := table.History("WWW.corp.example.")
	if len(mine) != 29 || len(all) != 29+maxSeen {
		t.Errorf("%d changes, %d of the watched name; want %d, 29", len(all), len(mine), 29+maxSeen)
	}
	if c := all[len(all)-1]; c.Name != "n199.example" || c.Watched {
		t.Errorf("the latest is %+v", c)
	}
	for i := 30; i < 200; i++ {
		table.Observe(Observation{Name: name, Type: dns.TypeA, RRs: records("www.corp.example", 1, fmt.Sprint("10.0.0.", i)), Asked: m.Now}, m)
		pass()
		table.Tick(m)
	}
	if all, _ := table.History(""); len(all) != maxHistory || all[99].New[0] != "10.0.0.199" {
		t.Errorf("%d changes, the latest %+v", len(all), all[len(all)-1])
	}
	if _, err := table.History("a..b"); err == nil {
		t.Error("History of what is no name")
	}
}

// Names that change all the time are left out, and remembered by the thousand.
func TestHistorySeen(t *testing.T) {
	table, m := newTable(), Moment{time.Hour, day}
	for range 10 {
		table.Seen(wire.PackName("cdn.example"), dns.TypeA, []string{"10.0.0.1"}, []string{"10.0.0.2"}, m)
	}
	if all, _ := table.History(""); len(all) != maxOften {
		t.Errorf("%d changes, want %d", len(all), maxOften)
	}
	for i := range 2 * maxFickles {
		table.Seen(wire.PackName(fmt.Sprint("n", i, ".example")), dns.TypeA, nil, []string{"10.0.0.2"}, m)
	}
	if n := len(table.history.fickles); n > maxFickles {
		t.Errorf("%d names are remembered", n)
	}
	m.Now += oftenIn + time.Second
	before := table.Version()
	table.Seen(wire.PackName("cdn.example"), dns.TypeA, []string{"10.0.0.1"}, []string{"10.0.0.2"}, m)
	if all, _ := table.History("cdn.example"); len(all) == 0 || table.Version() == before {
		t.Error("a change an hour later is left out")
	}
}

// A varying name does not push all else out.
func TestHistoryVaries(t *testing.T) {
	l := play(t, "t=0 upstream 10.0.0.1")
	for i := range 100 {
		l.play(fmt.Sprintf("t=%d upstream 10.0.0.%d", i+1, 1+i%7))
	}
	if list, _ := l.History(""); len(list) > 10 {
		t.Errorf("%d changes", len(list))
	}
}

func TestEventsBounded(t *testing.T) {
	table, m := newTable(), Moment{time.Hour, day}
	for i := range 2 * maxEvents {
		_ = table.AddOverride(Override{Name: fmt.Sprint("n", i, ".corp.example"), Type: dns.TypeA, Data: []string{"10.0.0.1"}}, m)
	}
	list := table.Events()
	if len(list) != maxEvents+1 || !strings.HasPrefix(list[maxEvents].Text, "200 more events") {
		t.Errorf("%d events, the last %q", len(list), list[len(list)-1].Text)
	}
	if list := table.Events(); len(list) > 0 {
		t.Errorf("%d events again", len(list))
	}
}
