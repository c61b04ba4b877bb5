package faults

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
)

// seen is what was seen of a turn at a place.
type seen struct {
	*place
	turn
	sight
}

// sights are of several turns, at several places.
type sights []seen

// settling is how long after the second forwarder a client may still get what the
// first gave before: it asks both, and a busy machine is slow.
const settling = 2 * time.Second

// sightsOf finds all turns in all answers. A turn is settled a while after both
// forwarders have it.
func sightsOf(turns []turn, answers map[*place]lab.Answers) (all sights) {
	for p, answers := range answers {
		for i, u := range turns {
			if p.kind == atForwarder {
				turns[i].settled = later(turns[i].settled, u.see(answers).newAt.Add(settling))
			}
		}
	}
	for p, answers := range answers {
		for _, u := range turns {
			all = append(all, seen{p, u, u.see(answers)})
		}
	}
	return all
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// at returns those at one kind of places.
func (all sights) at(k kind) sights {
	return all.where(func(s seen) bool { return s.kind == k })
}

// of returns those at the place with that name.
func (all sights) of(name string) sights {
	return all.where(func(s seen) bool { return s.place.name == name })
}

func (all sights) where(keep func(seen) bool) (some sights) {
	for _, s := range all {
		if keep(s) {
			some = append(some, s)
		}
	}
	return some
}

// slowest is the longest time, in seconds, to the first new answer.
func (all sights) slowest() (worst float64) {
	for _, s := range all {
		worst = max(worst, s.first)
	}
	return worst
}

// others counts the answers that had another address after the first new one.
func (all sights) others() (n float64) {
	for _, s := range all {
		n += float64(s.other)
	}
	return n
}

// late counts those of turns that were settled.
func (all sights) late() (n float64) {
	for _, s := range all {
		n += float64(s.sight.late)
	}
	return n
}

// mixed is the longest time, in seconds, from the first new answer to the last
// with another address.
func (all sights) mixed() (worst float64) {
	for _, s := range all {
		worst = max(worst, s.lastOther)
	}
	return worst
}

// failed counts the answers without an address.
func (all sights) failed() (n float64) {
	for _, s := range all {
		n += float64(s.sight.failed)
	}
	return n
}

// log shows what was seen at each place.
func (all sights) log(t *testing.T) {
	t.Helper()
	slices.SortFunc(all, func(a, b seen) int {
		return cmp.Or(cmp.Compare(a.place.name, b.place.name), cmp.Compare(a.first, b.first))
	})
	for len(all) > 0 {
		n := len(all.where(func(s seen) bool { return s.place == all[0].place }))
		here := all[:n]
		t.Logf("%-30s new after %.3f s, at worst %.3f; then other answers: %.0f, until %.3f s; %.0f failed",
			here[0].place.name, here[n/2].first, here.slowest(), here.others(), here.mixed(), here.failed())
		all = all[n:]
	}
}
