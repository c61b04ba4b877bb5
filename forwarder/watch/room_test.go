package watch

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Overrides have room in the state together, or are refused.
func TestOverridesHaveRoom(t *testing.T) {
	table, m := newTable(), Moment{time.Hour, day}
	long := strings.Repeat(`"`+strings.Repeat("x", 250)+`" `, 180)
	added, err := 0, error(nil)
	for ; err == nil && added < maxNames; added++ {
		err = table.AddOverride(Override{Name: fmt.Sprintf("n%d.corp.example", added), Type: dns.TypeTXT, Data: []string{long}}, m)
	}
	if !errors.Is(err, ErrTooLarge) || added < 10 {
		t.Fatalf("override %d: %v, want %v", added, err, ErrTooLarge)
	}
	state, err := table.AppendState(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	other := newTable()
	if err := other.Load(state, m); err != nil || len(other.Overrides(m)) != added-1 {
		t.Errorf("Load = %v, with %d overrides, want %d", err, len(other.Overrides(m)), added-1)
	}
	if err := table.DeleteOverride("n1.corp.example", 0, m); err != nil {
		t.Fatal(err)
	}
	if err := table.AddOverride(Override{Name: "more.corp.example", Type: dns.TypeTXT, Data: []string{long}}, m); err != nil {
		t.Errorf("AddOverride after one was deleted: %v", err)
	}
}

// What operators said is kept when upstream says more than there is room for.
func TestStateWithoutRoom(t *testing.T) {
	table, m := newTable(), Moment{time.Hour, day}
	rr := &dns.TXT{Hdr: dns.RR_Header{Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 10}}
	for range 230 {
		rr.Txt = append(rr.Txt, strings.Repeat("x", 255))
	}
	for i := range 150 {
		name := fmt.Sprintf("n%d.corp.example", 100+i)
		if err := table.Watch(name, m); err != nil {
			t.Fatal(err)
		}
		rr.Hdr.Name = name + "."
		table.Observe(Observation{Name: fmt.Sprintf("\x04n%d\x04corp\x07example\x00", 100+i), Type: dns.TypeTXT, TTL: 10, Asked: m.Now, RRs: []RR{rr}}, m)
	}
	if err := table.AddOverride(Override{Name: "n100.corp.example", Type: dns.TypeA, Data: []string{"10.0.0.9"}, By: "ops"}, m); err != nil {
		t.Fatal(err)
	}
	state, err := table.AppendState(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	other := newTable()
	if err := other.Load(state, m); err != nil || len(other.Watching()) != 150 || len(other.Overrides(m)) != 1 || other.Overrides(m)[0].By != "ops" {
		t.Errorf("Load = %v, with %d names watched, and %+v", err, len(other.Watching()), other.Overrides(m))
	}
}

// A clock that was ahead and is put right does not keep the next override away.
func TestOverrideAfterClockWasAhead(t *testing.T) {
	add := func(table *Table, addr string, set time.Time, m Moment) error {
		return table.AddOverride(Override{Name: "app.corp.example", Type: dns.TypeA, Data: []string{addr}, Set: set}, m)
	}
	ahead, right := Moment{time.Hour, day.Add(24 * time.Hour)}, Moment{time.Hour + time.Minute, day}
	table := newTable()
	if err := add(table, "10.0.0.1", time.Time{}, ahead); err != nil {
		t.Fatal(err)
	}
	state, err := table.AppendState(nil, ahead)
	if err != nil {
		t.Fatal(err)
	}
	restarted := newTable()
	if err := restarted.Load(state, right); err != nil {
		t.Fatal(err)
	}
	for name, table := range map[string]*Table{"it goes on": table, "it is restarted": restarted} {
		if err := add(table, "10.0.0.2", right.Wall.Add(-time.Hour), right); !errors.Is(err, ErrEarlier) {
			t.Errorf("%s: one of an hour ago: %v, want %v", name, err, ErrEarlier)
		}
		later := Moment{right.Now + time.Second, right.Wall.Add(time.Second)}
		if err := add(table, "10.0.0.2", time.Time{}, later); err != nil {
			t.Errorf("%s: the next override: %v", name, err)
		}
	}
}
