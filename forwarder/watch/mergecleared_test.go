package watch

import (
	"fmt"
	"testing"
	"time"
)

const guarded = "app.corp.example"

// changed has both members see the name change, so that they refuse what it had.
func (f *fleet) changed() {
	for _, at := range []*Table{f.a, f.b} {
		must(f.t, at.Watch(guarded, f.moment(at)))
		f.hear(at, "10.0.0.1")
	}
	f.pass(5 * time.Second)
	for _, at := range []*Table{f.a, f.b} {
		f.hear(at, "10.0.0.2")
	}
	f.pass(5 * time.Second)
}

func (f *fleet) clear(at *Table) { must(f.t, at.ClearGuard(guarded, f.moment(at))) }

// A guard that was cleared at one member is over at the newcomer too, whether that had it
// already, began it itself, or is told of it later by a member that was not commanded.
func TestMergeClearedGuard(t *testing.T) {
	both := func(f *fleet) { f.fetch(f.new, f.a); f.fetch(f.new, f.b) }
	for name, tt := range map[string]struct {
		do   func(f *fleet)
		want int // guards of the newcomer
	}{
		"none cleared":                        {both, 1},
		"after the fetch":                     {func(f *fleet) { both(f); f.clear(f.a); f.fetch(f.new, f.a) }, 0},
		"before, and told by the other first": {func(f *fleet) { f.clear(f.a); f.fetch(f.new, f.b); f.fetch(f.new, f.a) }, 0},
		"before, and told by the other then":  {func(f *fleet) { f.clear(f.a); both(f) }, 0},
		"at both, between two fetches": {func(f *fleet) {
			f.fetch(f.new, f.b)
			f.clear(f.a)
			f.clear(f.b)
			both(f)
		}, 0},
		"begun by itself": {func(f *fleet) {
			must(f.t, f.new.Watch(guarded, f.moment(f.new)))
			f.hear(f.new, "10.0.0.1")
			f.hear(f.new, "10.0.0.2")
			f.pass(time.Second)
			f.clear(f.a)
			f.fetch(f.new, f.a)
		}, 0},
		"watched no more": {func(f *fleet) {
			both(f)
			must(f.t, f.a.Unwatch(guarded, f.moment(f.a)))
			f.clear(f.a)
			f.pass(time.Second) // the name is forgotten there
			f.fetch(f.new, f.a)
		}, 0},
		"a restart": {func(f *fleet) {
			both(f)
			f.clear(f.a)
			state, err := f.a.AppendState(nil, f.moment(f.a))
			must(f.t, err)
			f.a = newTable()
			must(f.t, f.a.Load(state, f.moment(f.a)))
			f.fetch(f.new, f.a)
		}, 0},
		"handed on": {func(f *fleet) {
			both(f)
			f.clear(f.a)
			f.fetch(f.new, f.a)
			f.a, f.new = f.new, newTable() // another newcomer, the member is gone
			both(f)
		}, 0},
		"a change after that": {func(f *fleet) {
			both(f)
			f.clear(f.a)
			f.pass(time.Second)
			f.hear(f.b, "10.0.0.3")
			both(f)
		}, 1},
		"long ago": {func(f *fleet) {
			f.clear(f.a)
			f.pass(10 * time.Minute)
			f.hear(f.b, "10.0.0.3")
			both(f)
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t)
			f.changed()
			tt.do(f)
			if got := f.new.Stats().Guards; got != tt.want {
				t.Errorf("the newcomer has %d guards, want %d", got, tt.want)
			}
			end(t, f.new, f.moment(f.new))
		})
	}
}

// What a newcomer was cleared of itself, a member that has the guard still gives it no
// more; earlier data is believed then.
func TestMergeClearedHere(t *testing.T) {
	f := newFleet(t)
	f.changed()
	f.fetch(f.new, f.a)
	f.clear(f.new)
	f.fetch(f.new, f.b)
	f.hear(f.new, "10.0.0.1")
	st, err := f.new.Status(guarded, false, f.moment(f.new))
	must(t, err)
	if got := fmt.Sprint(st.Sets[0].Given); got != "[10.0.0.1]" {
		t.Errorf("clients are given %s", got)
	}
}

// Two that fetch from each other, and are slow, have nothing new to tell of a guard that
// was cleared.
func TestMergeClearedOnTheWay(t *testing.T) {
	f := newFleet(t)
	f.changed()
	f.clear(f.a)
	f.fetch(f.new, f.a)
	f.fetch(f.a, f.new)
	before := [2]uint64{f.a.Version(), f.new.Version()}
	for range 5 {
		for _, way := range [][2]*Table{{f.a, f.new}, {f.new, f.a}} {
			text, err := way[0].Export(ExportFrom{}, 1<<20, f.moment(way[0]))
			must(t, err)
			f.now += 100 * time.Millisecond
			_, err = way[1].Merge(text, "member", f.moment(way[1]))
			must(t, err)
		}
	}
	if after := [2]uint64{f.a.Version(), f.new.Version()}; after != before {
		t.Errorf("the versions went from %d to %d", before, after)
	}
}
