package watch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// everything is a table in which all of the state is in use.
func everything(t testing.TB) (*Table, Moment) {
	table, m := newTable(), Moment{time.Hour, day}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(table.Watch("www.corp.example", m))
	must(table.Watch("*.pool.example", m))
	observe := func(name string, data ...string) {
		m.Now, m.Wall = m.Now+time.Second, m.Wall.Add(time.Second)
		o := Observation{Name: "\x03" + name + "\x04corp\x07example\x00", Type: dns.TypeA, TTL: 10, Asked: m.Now, RRs: records(name+".corp.example", 10, data...)}
		table.Observe(o, m)
	}
	observe("www", "10.0.0.1")
	observe("www", "10.0.0.2", "10.0.0.3")
	observe("www", "10.0.0.1")
	must(table.AddOverride(Override{Name: "www.corp.example", Type: dns.TypeA, Data: []string{"10.0.0.4"}, By: "ops"}, m))
	must(table.AddOverride(Override{Name: "www.corp.example", Type: dns.TypeA, Data: []string{"10.0.0.5"}, Lease: "a", Set: m.Wall.Add(time.Second)}, m))
	must(table.Verify("www.corp.example", dns.TypeA, []string{"10.0.0.5"}, 0, m))
	observe("www", "10.0.0.9")
	observe("www")
	must(table.AddOverride(Override{Name: "mx.corp.example", Type: dns.TypeTXT, Data: []string{`"a b" c`}}, m))
	must(table.Watch("var.corp.example", m))
	for i := range 8 {
		observe("var", fmt.Sprint("10.0.1.", i))
	}
	table.Seen("\x01a\x00", dns.TypeA, []string{"10.0.0.1"}, nil, m)
	return table, m
}

func TestStateRoundTrip(t *testing.T) {
	table, m := everything(t)
	state, err := table.AppendState([]byte("before"), m)
	if err != nil {
		t.Fatal(err)
	}
	state = bytes.TrimPrefix(state, []byte("before"))
	other := newTable()
	if err := other.Load(state, m); err != nil {
		t.Fatalf("Load(%s) = %v", state, err)
	}
	again, _ := other.AppendState(nil, m)
	given := regexp.MustCompile(`("given":true,"since":"[^"]*"),"until":"[^"]*"`) // that is as late as the restart
	if string(given.ReplaceAll(again, []byte("$1"))) != string(given.ReplaceAll(state, []byte("$1"))) {
		t.Errorf("saved, loaded and saved again:\n%s\n%s", state, again)
	}
	if a, b := table.Watching(), other.Watching(); !slices.Equal(a, b) {
		t.Errorf("Watching() = %v, was %v", b, a)
	}
	if keys := other.Pins().Changed(nil); len(keys) != 2 {
		t.Errorf("pinned: %v", keys)
	}
}

// What the command line watches is not saved, and stays when a state is loaded.
func TestStateWatches(t *testing.T) {
	table, m := newTable(), Moment{time.Hour, day}
	_ = table.WatchFixed("flag.corp.example", m)
	_ = table.WatchFixed("*.flag.example", m)
	_ = table.Watch("command.corp.example", m)
	_ = table.Watch("*.command.example", m)
	state, err := table.AppendState(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	other := newTable()
	_ = other.WatchFixed("new.corp.example", m)
	if err := other.Load(state, m); err != nil {
		t.Fatal(err)
	}
	if got, want := other.Watching(), []string{"*.command.example", "command.corp.example", "new.corp.example"}; !slices.Equal(got, want) {
		t.Errorf("Watching() = %v, want %v", got, want)
	}
	if !other.Wants([]byte("\x07command\x04corp\x07example\x00")) || !other.Wants([]byte("\x01a\x07command\x07example\x00")) {
		t.Error("what was watched before is not wanted")
	}
}

func TestLoadRefuses(t *testing.T) {
	table, m := everything(t)
	good, _ := table.AppendState(nil, m)
	edit := func(old, new string) string {
		s := strings.Replace(string(good), old, new, 1)
		if s == string(good) {
			t.Fatalf("no %q in %s", old, good)
		}
		return s
	}
	tests := map[string]string{
		"empty":           "",
		"truncated":       string(good[:len(good)/2]),
		"no JSON":         "state",
		"an array":        "[]",
		"no version":      "{}",
		"a later version": edit(`"version":1`, `"version":2`),
		"no time":         edit(`"since":"2026`, `"since":"soon`),
	}
	for name, state := range tests {
		before, _ := table.AppendState(nil, m)
		if err := table.Load([]byte(state), m); err == nil {
			t.Errorf("%s: Load(%s) works", name, state)
		}
		if after, _ := table.AppendState(nil, m); string(after) != string(before) {
			t.Errorf("%s: the table has changed", name)
		}
	}
}

// What cannot be read of a state is left out, and costs nothing else of it.
func TestLoadLeavesOut(t *testing.T) {
	table, m := everything(t)
	must(t, table.Watch("gone.corp.example", m))
	must(t, table.Unwatch("gone.corp.example", m))
	good, _ := table.AppendState(nil, m)
	edit := func(old, new string) string {
		s := strings.Replace(string(good), old, new, 1)
		if s == string(good) {
			t.Fatalf("no %q in %s", old, good)
		}
		return s
	}
	for name, state := range map[string]string{
		"no name":            edit(`"name":"www.corp.example"`, `"name":"a..b"`),
		"a name twice":       edit(`"name":"www.corp.example"`, `"name":"mx.corp.example"`),
		"no type":            edit(`"type":"A"`, `"type":"B"`),
		"a meta type":        edit(`"type":"A"`, `"type":"ANY"`),
		"records of another": edit(`"type":"A"`, `"type":"AAAA"`),
		"no record":          edit(`10.0.0.9"`, `10.0.0"`),
		"no override":        edit(`["10.0.0.5"]`, `["ten"]`),
		"a long override":    edit(`"for":86400.000`, `"for":864000.000`),
		"a pattern":          edit(`"zones":["pool`, `"zones":["..pool`),
		"an end of no name":  edit(`"gone":[{"name":"`, `"gone":[{"name":"..`),
		"an end of no type":  edit(`"gone":[{`, `"gone":[{"name":"a.example","type":"NEW"},{`),
		"a time of no name":  edit(`"told":{"`, `"told":{"..`),
	} {
		other := newTable()
		var left LeftOut
		if err := other.Load([]byte(state), m); !errors.As(err, &left) || len(left) != 1 {
			t.Errorf("%s: Load(%s) = %v, want one thing left out", name, state, err)
		}
		if list := other.Watching(); !slices.Contains(list, "var.corp.example") {
			t.Errorf("%s: Watching() = %v", name, list)
		}
		if list := other.Overrides(m); len(list) == 0 {
			t.Errorf("%s: no override is left", name)
		}
		saved, err := other.AppendState(nil, m)
		must(t, err)
		must(t, newTable().Load(saved, m))
	}
}

// Whatever the clock says after a restart, nothing runs longer than it may.
func TestLoadAtAnotherTime(t *testing.T) {
	table, m := everything(t)
	state, _ := table.AppendState(nil, m)
	for _, step := range []time.Duration{-10 * 365 * 24 * time.Hour, -time.Hour, time.Hour, 10 * 365 * 24 * time.Hour} {
		other, m := newTable(), Moment{m.Now, m.Wall.Add(step)}
		if err := other.Load(state, m); err != nil {
			t.Errorf("a step of %v: %v", step, err)
			continue
		}
		for range 121 {
			m.Now, m.Wall = m.Now+time.Second, m.Wall.Add(time.Second)
			other.Tick(m)
		}
		for _, o := range other.Overrides(m) {
			if o.Lease != nil || o.Expires.Sub(m.Wall) > maxOverride {
				t.Errorf("a step of %v: %+v", step, o)
			}
		}
		if n := other.Stats().Guards; n > 0 {
			t.Errorf("a step of %v: %d guards run", step, n)
		}
	}
}

func FuzzLoad(f *testing.F) {
	table, m := everything(f)
	state, _ := table.AppendState(nil, m)
	f.Add(state)
	f.Add([]byte(`{"version":1,"names":[{"name":"a.corp.example","sets":[{"type":"A","guard":{"refused":[{}]}}]}]}`))
	f.Fuzz(func(t *testing.T, state []byte) {
		table := newTable()
		_ = table.Watch("www.corp.example", m)
		before, _ := table.AppendState(nil, m)
		if err := table.Load(state, m); err != nil && !errors.As(err, new(LeftOut)) {
			if after, _ := table.AppendState(nil, m); string(after) != string(before) {
				t.Errorf("refused, and the table changed")
			}
			return
		}
		check(t, table, m)
		saved, err := table.AppendState(nil, m)
		if err != nil || !json.Valid(saved) {
			t.Fatalf("saved: %s, %v", saved, err)
		}
		if err := newTable().Load(saved, m); err != nil {
			t.Errorf("Load of what was saved = %v\n%s", err, saved)
		}
		end(t, table, m)
	})
}
