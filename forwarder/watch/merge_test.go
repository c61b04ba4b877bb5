package watch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// fleet is two members and a newcomer, each with a clock of its own.
type fleet struct {
	t    *testing.T
	now  time.Duration
	skew map[*Table]time.Duration
	a, b *Table // members
	new  *Table
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{t: t, now: time.Hour, a: newTable(), b: newTable(), new: newTable()}
	f.skew = map[*Table]time.Duration{f.b: 4 * time.Minute, f.new: -time.Minute}
	return f
}

// moment is now at a table; each process has counted for another time.
func (f *fleet) moment(at *Table) Moment {
	return Moment{f.now + time.Duration(len(at.id))*time.Second + 10*f.skew[at], day.Add(f.now + f.skew[at])}
}

func (f *fleet) pass(d time.Duration) {
	for ; d > 0; d -= time.Second {
		f.now += time.Second
		for _, t := range []*Table{f.a, f.b, f.new} {
			t.Due(f.moment(t))
		}
	}
}

// add commands an override, by a clock that is ahead by so much.
func (f *fleet) add(at *Table, addr string, ahead time.Duration, token string) error {
	return at.AddOverride(Override{Name: "app.corp.example", Type: dns.TypeA, Data: []string{addr}, Set: day.Add(f.now + ahead), Lease: token, By: "ops"}, f.moment(at))
}

func (f *fleet) hear(at *Table, data ...string) {
	at.Observe(Observation{Name: "\x03app\x04corp\x07example\x00", Type: dns.TypeA, TTL: 10, Asked: f.moment(at).Now, RRs: records("app.corp.example", 10, data...)}, f.moment(at))
}

// fetch lets one table take over what another has, once and again: the second time there
// is nothing more.
func (f *fleet) fetch(to, from *Table) (all Merged) {
	f.t.Helper()
	for round := range 2 {
		for next := ""; ; {
			page, err := from.Export(ExportFrom{Next: next}, MinExport, f.moment(from))
			must(f.t, err)
			got, err := to.Merge(page, "member", f.moment(to))
			must(f.t, err)
			check(f.t, to, f.moment(to))
			if round == 1 && got.Any() {
				f.t.Errorf("merged again: %+v\n%s", got, page)
			}
			if round == 0 {
				all = got
			}
			if next = got.Next; next == "" {
				break
			}
		}
	}
	return all
}

// given is what clients of a table get, and whether by a lease.
func (f *fleet) given(at *Table) string {
	list := at.Overrides(f.moment(at))
	if len(list) == 0 {
		return ""
	}
	text := strings.Join(list[0].Data, " ")
	if list[0].Lease != nil {
		text += " leased"
	}
	return text
}

// What happens at members between two fetches, and what the newcomer has after the second.
func TestMergeBetweenFetches(t *testing.T) {
	const app = "app.corp.example"
	for name, tt := range map[string]struct {
		first, second func(f *fleet) error
		want          string
	}{
		"set":              {nil, func(f *fleet) error { return f.add(f.a, "10.0.0.1", 0, "") }, "10.0.0.1"},
		"set ahead":        {nil, func(f *fleet) error { return f.add(f.a, "10.0.0.1", 4*time.Minute, "") }, "10.0.0.1"},
		"set far ahead":    {nil, func(f *fleet) error { return f.add(f.b, "10.0.0.1", 8*time.Minute, "") }, "10.0.0.1"},
		"leased":           {nil, func(f *fleet) error { return f.add(f.a, "10.0.0.1", 0, "x") }, "10.0.0.1 leased"},
		"confirmed":        {lease, func(f *fleet) error { return f.a.ConfirmOverride(app, "x", f.moment(f.a)) }, "10.0.0.1"},
		"renewed":          {lease, func(f *fleet) error { f.pass(8 * time.Second); return lease(f) }, "10.0.0.1 leased"},
		"lapsed":           {lease, func(f *fleet) error { f.pass(11 * time.Second); return nil }, ""},
		"withdrawn":        {firmLease, func(f *fleet) error { return f.a.WithdrawOverride(app, "x", f.moment(f.a)) }, ""},
		"deleted":          {firm, func(f *fleet) error { return f.a.DeleteOverride(app, 0, f.moment(f.a)) }, ""},
		"a lease deleted":  {lease, func(f *fleet) error { return f.a.DeleteOverride(app, dns.TypeA, f.moment(f.a)) }, ""},
		"replaced":         {firm, func(f *fleet) error { f.pass(time.Second); return f.add(f.a, "10.0.0.2", 0, "") }, "10.0.0.2"},
		"replaced in part": {firm, func(f *fleet) error { f.pass(time.Second); return f.add(f.b, "10.0.0.2", 0, "") }, "10.0.0.2"},
		"withdrawn, as before": {firm, func(f *fleet) error {
			f.pass(time.Second)
			return errors.Join(f.add(f.a, "10.0.0.2", 0, "y"), f.a.ConfirmOverride(app, "z", f.moment(f.a)), f.a.WithdrawOverride(app, "y", f.moment(f.a)))
		}, "10.0.0.1"},
		"withdrawn after a fetch, as before": {func(f *fleet) error {
			if err := firm(f); err != nil {
				return err
			}
			f.pass(time.Second)
			return f.add(f.a, "10.0.0.2", 0, "y")
		}, func(f *fleet) error { return f.a.WithdrawOverride(app, "y", f.moment(f.a)) }, "10.0.0.1"},
		"deleted and set by a clock behind": {firm, func(f *fleet) error {
			f.pass(time.Second)
			return errors.Join(f.a.DeleteOverride(app, 0, f.moment(f.a)), f.add(f.a, "10.0.0.2", -4*time.Minute, ""))
		}, "10.0.0.2"},
		"deleted, and set there earlier": {func(f *fleet) error { return f.add(f.a, "10.0.0.1", 0, "") }, func(f *fleet) error {
			return errors.Join(f.a.DeleteOverride(app, 0, f.moment(f.a)), f.add(f.b, "10.0.0.2", -time.Second, ""))
		}, ""},
		"deleted, and set there later": {firm, func(f *fleet) error {
			f.pass(time.Second)
			return errors.Join(f.a.DeleteOverride(app, 0, f.moment(f.a)), f.add(f.b, "10.0.0.2", 0, ""))
		}, "10.0.0.2"},
		"deleted at one, a restart": {firm, func(f *fleet) error {
			if err := f.a.DeleteOverride(app, 0, f.moment(f.a)); err != nil {
				return err
			}
			state, err := f.a.AppendState(nil, f.moment(f.a))
			f.a = newTable()
			return errors.Join(err, f.a.Load(state, f.moment(f.a)))
		}, ""},
		"told here too, later":   {firm, func(f *fleet) error { f.pass(time.Second); return f.add(f.new, "10.0.0.3", 0, "") }, "10.0.0.3"},
		"told here too, earlier": {nil, func(f *fleet) error { return errors.Join(f.add(f.new, "10.0.0.3", -time.Second, ""), firm(f)) }, "10.0.0.1"},
		"told everywhere":        {nil, func(f *fleet) error { return errors.Join(firm(f), f.add(f.new, "10.0.0.1", 0, "")) }, "10.0.0.1"},
		"confirmed here":         {lease, func(f *fleet) error { return f.new.ConfirmOverride(app, "x", f.moment(f.new)) }, "10.0.0.1"},
		"withdrawn here":         {firmLease, func(f *fleet) error { return f.new.WithdrawOverride(app, "x", f.moment(f.new)) }, ""},
		"deleted here":           {firm, func(f *fleet) error { return f.new.DeleteOverride(app, 0, f.moment(f.new)) }, ""},
		"ended here": {short, func(f *fleet) error {
			m := f.moment(f.new)
			f.new.Tick(Moment{m.Now + 20*time.Second, m.Wall.Add(20 * time.Second)})
			return nil
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t)
			for _, step := range []func(*fleet) error{tt.first, tt.second} {
				if step != nil {
					if err := step(f); err != nil && !strings.Contains(err.Error(), "no override with that token") {
						t.Fatal(err)
					}
				}
				for _, member := range []*Table{f.b, f.a, f.b} { // in either order
					f.fetch(f.new, member)
				}
			}
			if got := f.given(f.new); got != tt.want {
				t.Errorf("the newcomer has %q, want %q; members have %q and %q", got, tt.want, f.given(f.a), f.given(f.b))
			}
			f.pass(5 * time.Second)
			end(t, f.new, f.moment(f.new))
		})
	}
}

// The first steps: both members are told.
func firm(f *fleet) error {
	return errors.Join(f.add(f.a, "10.0.0.1", 0, ""), f.add(f.b, "10.0.0.1", 0, ""))
}

func lease(f *fleet) error { return f.add(f.a, "10.0.0.1", 0, "x") }

func firmLease(f *fleet) error {
	return errors.Join(f.add(f.a, "10.0.0.1", 0, "x"), f.a.ConfirmOverride("app.corp.example", "x", f.moment(f.a)))
}

func short(f *fleet) error {
	return f.b.AddOverride(Override{Name: "app.corp.example", Type: dns.TypeA, Data: []string{"10.0.0.1"}, Set: day.Add(f.now), For: 20 * time.Second}, f.moment(f.b))
}

// A lease that was taken over is confirmed and withdrawn with its token, and ends as there.
func TestMergeLease(t *testing.T) {
	f := newFleet(t)
	must(t, lease(f))
	f.pass(4 * time.Second)
	f.fetch(f.new, f.a)
	if err := f.new.ConfirmOverride("app.corp.example", "y", f.moment(f.new)); err == nil {
		t.Error("another token confirms it")
	}
	f.pass(5 * time.Second)
	if got := f.given(f.new); got != "10.0.0.1 leased" {
		t.Errorf("after 9 s the newcomer has %q", got)
	}
	f.pass(time.Second)
	if got := f.given(f.new); got != "" {
		t.Errorf("after 10 s the newcomer has %q", got)
	}
}

// Watches are taken, are no longer when they are ended there, and not again when they are
// ended here.
func TestMergeWatches(t *testing.T) {
	f := newFleet(t)
	must(t, f.a.Watch("app.corp.example", f.moment(f.a)))
	must(t, f.a.Watch("*.pool.example", f.moment(f.a)))
	must(t, f.b.Watch("b.corp.example", f.moment(f.b)))
	must(t, f.b.WatchFixed("fixed.corp.example", f.moment(f.b)))
	must(t, f.new.WatchFixed("own.corp.example", f.moment(f.new)))
	got := f.fetch(f.new, f.a)
	if !got.Wanted || got.Watches != 2 {
		t.Errorf("merged %+v", got)
	}
	f.fetch(f.new, f.b)
	holds := func(want ...string) {
		t.Helper()
		if got := f.new.Watching(); !slices.Equal(got, want) {
			t.Errorf("watching %v, want %v", got, want)
		}
	}
	holds("*.pool.example", "app.corp.example", "b.corp.example", "own.corp.example")
	f.pass(10 * time.Minute) // more than the clocks differ
	must(t, f.a.Unwatch("app.corp.example", f.moment(f.a)))
	must(t, f.new.Unwatch("b.corp.example", f.moment(f.new)))
	f.fetch(f.new, f.a)
	f.fetch(f.new, f.b)
	holds("*.pool.example", "own.corp.example")
	f.pass(10 * time.Minute)
	must(t, f.a.Watch("app.corp.example", f.moment(f.a)))
	must(t, f.a.Unwatch("*.pool.example", f.moment(f.a)))
	f.fetch(f.new, f.a)
	holds("app.corp.example", "own.corp.example")
	end(t, f.new, f.moment(f.new))
}

// The newcomer refuses what members refuse, whatever its own upstream says first.
func TestMergeGuard(t *testing.T) {
	for name, heard := range map[string]string{"nothing": "", "the new": "10.0.0.2", "the old": "10.0.0.1"} {
		f := newFleet(t)
		for _, at := range []*Table{f.a, f.new} {
			must(t, at.Watch("app.corp.example", f.moment(at)))
		}
		f.hear(f.a, "10.0.0.1")
		f.pass(5 * time.Second)
		f.hear(f.a, "10.0.0.2")
		f.pass(5 * time.Second)
		if heard != "" {
			f.hear(f.new, heard)
		}
		if got := f.fetch(f.new, f.a); got.Guards != 1 {
			t.Errorf("%s heard: merged %+v", name, got)
		}
		f.hear(f.new, "10.0.0.1")
		given := func() string {
			st, err := f.new.Status("app.corp.example", false, f.moment(f.new))
			must(t, err)
			return fmt.Sprint(st.Sets[0].Given, st.Sets[0].Pinned)
		}
		if got := given(); got != "[10.0.0.2]guard" {
			t.Errorf("%s heard: clients are given %s", name, got)
		}
		must(t, f.new.ClearGuard("app.corp.example", f.moment(f.new)))
		f.hear(f.new, "10.0.0.1")
		f.fetch(f.new, f.a)
		f.hear(f.new, "10.0.0.1")
		if got := given(); got != "[10.0.0.1]guard" { // against the new
			t.Errorf("%s heard, and the guard cleared: clients are given %s", name, got)
		}
		f.pass(121 * time.Second)
		end(t, f.new, f.moment(f.new))
	}
}

// A guard ends when the member's does, not later.
func TestMergeGuardEnds(t *testing.T) {
	f := newFleet(t)
	must(t, f.a.Watch("app.corp.example", f.moment(f.a)))
	f.hear(f.a, "10.0.0.1")
	f.hear(f.a, "10.0.0.2")
	f.pass(100 * time.Second)
	f.fetch(f.new, f.a)
	f.pass(19 * time.Second)
	if n := f.new.Stats().Guards; n != 1 {
		t.Errorf("after 119 s %d guards run", n)
	}
	f.pass(2 * time.Second)
	if n := f.new.Stats().Guards; n != 0 {
		t.Errorf("after 121 s %d guards run", n)
	}
}
