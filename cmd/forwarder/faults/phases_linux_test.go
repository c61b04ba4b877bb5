package faults

import (
	"fmt"
	"net/netip"
	"time"
)

// phases is in how many parts a second is cut: in each of them a name of its own
// is switched.
const phases = 12

// phasedNames are those names.
func phasedNames() (names []string) {
	for i := range phases {
		names = append(names, fmt.Sprintf("phase%d.awslab.mycompany.corp.", i))
	}
	return names
}

// awaitPhase sleeps until that part of a second of the wall clock begins.
func awaitPhase(i int) {
	next := time.Now().Truncate(time.Second).Add(time.Duration(i) * time.Second / phases)
	for time.Until(next) < 3*time.Second/2 { // the one before has been seen by then
		next = next.Add(time.Second)
	}
	time.Sleep(time.Until(next))
}

// change switches a name to an address, and may return before that has arrived.
type change func(name string, to netip.Addr)

// switchEach changes one name after the other, each in another phase of the
// second.
func (a *audience) switchEach(c change) (turns []turn) {
	for i, name := range a.names {
		awaitPhase(i)
		a.focus.Store(int64(i)) // until the next one's turn
		turns = append(turns, c.turn(name, newAddress))
	}
	return turns
}

// turn makes the change.
func (c change) turn(name string, to netip.Addr) turn {
	u := turn{name: name, at: time.Now(), to: to}
	c(name, to)
	return u
}

// ended gives turns their end, which is the next one of their name, or now.
func ended(turns []turn) []turn {
	for i, u := range turns {
		turns[i].until = time.Now()
		for _, next := range turns[i+1:] {
			if next.name == u.name {
				turns[i].until = next.at
				break
			}
		}
	}
	return turns
}
