package faults

import (
	"time"

	"vpcdns/cmd/forwarder/lab"
)

// corporateFigures are those of all places that are as the page says together, and
// then those of each place. The AZs were cut between begin and
// end.
func corporateFigures(all sights, answers map[*place]lab.Answers, begin, end time.Time) figures {
	var failed, slowest float64
	got := figures{}
	for p, answers := range answers {
		cut, here := answers.Between(begin, end), all.of(p.name)
		of := []float64{float64(len(cut.Failed())), cut.Quantile(1).Seconds(), here.moving().slowest(), here.watched().slowest(), here.others()}
		for i, r := range perPlace {
			if p.kind != atForwarder {
				got[p.name+": "+r.title] = of[i]
			}
		}
		if p.asThePageSays() {
			failed, slowest = failed+of[0], max(slowest, of[1])
		}
	}
	page := all.where(func(s seen) bool { return s.place.asThePageSays() })
	for i, v := range []float64{failed, slowest, page.moving().slowest(), page.watched().slowest(), page.late()} {
		got[corporateRows[i].title] = v
	}
	return got
}

// moving are those of the name that Route 53 switches.
func (all sights) moving() sights {
	return all.where(func(s seen) bool { return s.turn.name == movingName(0) })
}

// watched are those of the names that the forwarders switch.
func (all sights) watched() sights {
	return all.where(func(s seen) bool { return s.turn.name != movingName(0) })
}
