package main

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// health is what checks said of one address. Before enough of them agree nobody
// knows how it is.
type health struct {
	known, up bool
	proven    bool  // it was up once
	last      bool  // what the last check said
	streak    int   // how many in a row said so
	failure   error // of the last check that failed
}

// note takes a check, and reports whether it turned the tide: rise successes in a row
// mean up, fall failures down.
func (h *health) note(failure error, rise, fall int) bool {
	ok, need := failure == nil, rise
	if !ok {
		h.failure, need = failure, fall
	}
	if h.last != ok {
		h.streak = 0
	}
	h.last = ok
	h.streak++
	if h.streak < need || h.known && h.up == ok {
		return false
	}
	h.known, h.up, h.proven = true, ok, h.proven || ok
	return true
}

// watching decides when a name is switched. It does nothing itself: what checks and
// readings of the record say is handed in, with the time.
type watching struct {
	name       string
	rise, fall int
	limit      int                        // of switches
	holdDown   time.Duration              // from a change of the record to the next switch, at least
	unchecked  bool                       // standbys are taken for good
	override   func(to netip.Addr) string // the command that helps without the API

	active   netip.Addr // what the record should have; invalid: not known yet
	standbys []netip.Addr
	health   map[netip.Addr]*health

	read     bool       // the record has been read
	former   netip.Addr // what our last switch replaced
	pending  netip.Addr // what a switch that failed would have set
	held     time.Time  // no switch before
	retry    time.Time  // no other try of a failed switch before
	failures int        // of switches in a row
	switches int
}

// retryMost is the longest wait between tries to switch; the first is a second.
const retryMost = 30 * time.Second

// targets are the addresses to be checked now.
func (w *watching) targets() (list []netip.Addr) {
	if w.active.IsValid() {
		list = append(list, w.active)
	}
	if !w.unchecked {
		list = append(list, w.standbys...)
	}
	return list
}

// checked takes what a check said of addr, and returns the line to be told, or "".
func (w *watching) checked(addr netip.Addr, failure error) string {
	h := w.of(addr)
	if !h.note(failure, w.rise, w.fall) {
		return ""
	}
	if h.up {
		return fmt.Sprintf("%s is up", addr)
	}
	return fmt.Sprintf("%s is down: %v (%d times)", addr, h.failure, w.fall)
}

func (w *watching) of(addr netip.Addr) *health {
	if w.health == nil {
		w.health = map[netip.Addr]*health{}
	}
	if w.health[addr] == nil {
		w.health[addr] = new(health)
	}
	return w.health[addr]
}

// recorded takes what the record has, and reports whether the name still is ours to
// switch. Just after a switch of ours a reading may be from before it.
func (w *watching) recorded(value netip.Addr, now time.Time) (ours bool) {
	if !w.active.IsValid() {
		w.active = value
		w.standbys = without(w.standbys, value)
	}
	w.read = true
	switch {
	case value == w.active:
		return true
	case value == w.pending: // it was accepted, though nobody told
		w.switched(value, now)
		return true
	}
	return value == w.former && now.Before(w.held)
}

// choose returns the address to switch to now; or none, with the reason if the one
// that the record has is down.
func (w *watching) choose(now time.Time) (to netip.Addr, why string) {
	active := w.health[w.active]
	if !w.read || active == nil || !active.known || active.up {
		return to, ""
	}
	candidate := w.candidate()
	switch {
	case !candidate.IsValid():
		return to, fmt.Sprintf("%s stays: %s", w.name, w.nobody())
	case now.Before(w.held):
		return to, fmt.Sprintf("%s stays until %s: it changed less than %v ago", w.name, w.held.Format(time.TimeOnly), w.holdDown)
	case now.Before(w.retry):
		return to, ""
	}
	return candidate, ""
}

// unread is what is said of an address that is down while nobody knows what the record
// has: a switch would be one of somebody else's record, perhaps.
func (w *watching) unread() string {
	active, to := w.health[w.active], w.candidate()
	if active == nil || !active.known || active.up || !to.IsValid() {
		return ""
	}
	return fmt.Sprintf("%s stays, as nobody knows what its record has; if that is %s, this gives %s at the forwarders:\n  %s", w.name, w.active, to, w.override(to))
}

// candidate is the first standby that is up, and was at its last check: what stops both
// is heard of one first. One that is not checked counts only if the check has once
// shown that it can succeed.
func (w *watching) candidate() netip.Addr {
	for _, addr := range w.standbys {
		if h := w.health[addr]; w.unchecked && w.proven() || h != nil && h.up && h.last {
			return addr
		}
	}
	return netip.Addr{}
}

// proven reports whether a check can succeed at all.
func (w *watching) proven() bool {
	for _, h := range w.health {
		if h.proven {
			return true
		}
	}
	return false
}

// nobody says why there is no candidate.
func (w *watching) nobody() string {
	if w.unchecked {
		return "the check never succeeded, and may be wrong itself"
	}
	return "no standby is up"
}

// switched notes that the record has to by our doing. What it had is the last choice
// from then on.
func (w *watching) switched(to netip.Addr, now time.Time) {
	w.standbys = append(without(w.standbys, to), w.active)
	w.former, w.active, w.pending = w.active, to, netip.Addr{}
	w.held, w.failures = now.Add(w.holdDown), 0
	w.switches++
}

// failed notes that a switch failed, and returns when it is tried again. It may have
// been accepted all the same.
func (w *watching) failed(to netip.Addr, now time.Time) (wait time.Duration) {
	wait = min(time.Second<<min(w.failures, 10), retryMost)
	w.pending, w.retry = to, now.Add(wait)
	w.failures++
	return wait
}

func without(list []netip.Addr, addr netip.Addr) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(list), func(a netip.Addr) bool { return a == addr })
}
