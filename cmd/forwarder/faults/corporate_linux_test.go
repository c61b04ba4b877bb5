package faults

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
)

// corporate is the other side, as deploy/corporate.md says and as it comes. Either
// AZ is cut, and then names are switched: one as Route 53 does, others by the
// forwarders alone.
var corporate = scenario{name: "corporate", rows: corporateRows, apart: placeRows(), run: runCorporate, steady: true}

var corporateRows = []row{
	{"servers and programs as in deploy/corporate.md, each forwarder's AZ cut in turn, twice, for 10 s: lookups failed", "", atMost(0).give(3)},
	{"the same: slowest lookup (systemd-resolved waits for 5 s)", "s", limit{}},
	{"the same, TTL 10 name switched: new address everywhere after", "s", atMost(11.1).give(5)},
	{"the same, watched names, `override add` at both forwarders: new address everywhere after", "s", atMost(0.5).give((busy-1)*0.5 + 5)},
	{"the same: other addresses, asked two seconds after both forwarders", "", atMost(0)},
}

// perPlace are the columns of the table in deploy/corporate.md.
var perPlace = []row{
	{title: "lookups failed"},
	{title: "slowest lookup", unit: "s"},
	{title: "TTL 10 name: new address after", unit: "s"},
	{title: "watched name: new address after", unit: "s"},
	{title: "old answers after that"},
}

// placeRows are all that perPlace has, for each place.
func placeRows() (rows []row) {
	for _, name := range downstreamNames() {
		for _, way := range []string{"", asItComes} {
			for _, r := range perPlace {
				rows = append(rows, row{title: name + way + ": " + r.title, unit: r.unit})
			}
		}
	}
	return rows
}

const (
	cutFor  = 10 * time.Second
	restFor = 10 * time.Second // until the next: what was noticed of the first is not forgotten
	keptFor = 35 * time.Second // more than a JVM keeps an address
)

func runCorporate(t *testing.T, s *site) figures {
	if !s.ours() {
		return nil
	}
	names := watchedNames()
	s.set(t, oldAddress, append(names, movingName(0))...)
	(&member{site: s.ForwarderA, setup: s.watching(t, lab.ForwarderA, names)}).start(t, s.server)
	(&member{site: s.ForwarderB, setup: s.watching(t, lab.ForwarderB, names)}).start(t, s.server)
	d := s.startDownstreams(t, kindsOfNames)
	time.Sleep(3 * time.Second)

	begun := time.Now()
	for range 2 {
		s.cut(t, "forwarderA", lab.ForwarderA, cutFor)
		time.Sleep(restFor)
		s.cut(t, "forwarderB", lab.ForwarderB, cutFor)
		time.Sleep(restFor)
	}
	ended := time.Now()

	turns := d.switchAll(t, names)
	time.Sleep(keptFor)
	for i := range turns {
		turns[i].until = time.Now()
	}
	answers := d.leave()
	all := sightsOf(turns, answers)
	all.log(t)
	return corporateFigures(all, answers, begun, ended)
}

// watchedNames are switched in different parts of a second. The first is asked for
// from the beginning.
func watchedNames() (names []string) {
	for i := range 5 {
		names = append(names, fmt.Sprintf("watched%d.awslab.mycompany.corp.", i))
	}
	return names
}

// kindsOfNames are one that is kept, one that nobody has asked for, and one that
// nobody may keep.
func kindsOfNames(i int) string {
	switch i % 3 {
	case 0:
		return watchedNames()[0]
	case 1:
		return hotName(i % 10)
	}
	return coldName(i)
}

// switchAll has the names asked for everywhere, and switches each while all that
// keeps an address has just got it.
func (d *downstreams) switchAll(t *testing.T, names []string) (turns []turn) {
	t.Helper()
	const asked = 600 * time.Millisecond
	d.ask(mostly(movingName(0), names[:1]))
	time.Sleep(asked)
	turns = append(turns, change(func(name string, to netip.Addr) { d.set(t, to, name) }).turn(movingName(0), newAddress))
	override := d.overriding(t)
	for i, name := range names {
		d.ask(mostly(name, append([]string{movingName(0)}, names[:i]...)))
		time.Sleep(asked + time.Duration(i)*time.Second/time.Duration(len(names)))
		turns = append(turns, override.turn(name, newAddress))
		time.Sleep(asked)
	}
	return turns
}

// mostly gives one name half of the time, and all the others in turn.
func mostly(focus string, names []string) func(i int) string {
	return func(i int) string {
		if i%2 == 0 {
			return focus
		}
		return names[i/2%len(names)]
	}
}
