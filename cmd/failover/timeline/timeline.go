// Package timeline records what happened when while a name is switched: what each
// server answered, and what was done. It is printed as it grows, and written as JSON
// and as a drawing at the end.
package timeline

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Spec is what is switched.
type Spec struct {
	Name string        // as people write it
	Type string        // A or AAAA
	Old  []string      // data before; none is that there was no such record
	New  []string      // data after
	TTL  time.Duration // of the old data: for so long only new answers are to come
}

// Kind says what an event is.
type Kind string

// Kinds of events.
const (
	Begun          Kind = "begun"
	Recorded       Kind = "record" // what the zone has
	Accepted       Kind = "accepted"
	Refused        Kind = "refused"
	Failed         Kind = "failed" // what was asked of a server, or of Route 53
	InSync         Kind = "insync"
	Override       Kind = "override"
	OverrideFirm   Kind = "override_confirmed"
	OverrideBack   Kind = "override_withdrawn"
	OverrideEnded  Kind = "override_ended"
	OverrideStays  Kind = "override_stays" // at our end
	Flushed        Kind = "flushed"
	FirstNew       Kind = "first_new"
	NewAgain       Kind = "new_again"
	CameBack       Kind = "came_back"
	NoAnswer       Kind = "no_answer"
	AnswersAgain   Kind = "answers_again"
	Unreachable    Kind = "unreachable"
	Reachable      Kind = "reachable"
	UpstreamNew    Kind = "upstream_new"
	UpstreamSteady Kind = "upstream_steady"
	Held           Kind = "held" // how long clients may hold the old data
	Warned         Kind = "warning"
	Ended          Kind = "ended"
)

// Event is one thing that happened.
type Event struct {
	At     time.Time
	Kind   Kind
	Server string // "" is ourselves
	Text   string
}

// maxEvents bounds what is kept; what comes past it is printed only.
const maxEvents = 1000

// Timeline is what happened so far. Its methods may be called by several goroutines.
type Timeline struct {
	Spec  Spec
	Start time.Time

	print *Printer // nil prints nothing

	mu       sync.Mutex // of all below and Spec, and of what is printed
	unknown  bool       // Spec.Old is not read yet: what is not new counts as old
	lanes    []*Lane
	events   []Event
	warnings []string
	synced   bool
}

// New begins a timeline. The old data and their TTL may come later: see Know.
func New(s Spec, start time.Time, p *Printer) *Timeline {
	t := &Timeline{Spec: s, Start: start, print: p, unknown: len(s.Old) == 0}
	p.begin(start)
	t.Note(Event{start, Begun, "", fmt.Sprintf("%s %s: to %s", s.Name, s.Type, words(s.New))})
	return t
}

// Know sets the old data and their TTL.
func (t *Timeline) Know(old []string, ttl time.Duration, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Spec.Old, t.Spec.TTL, t.unknown = old, ttl, false
	t.note(Event{at, Recorded, "Route 53", fmt.Sprintf("the record has %s, TTL %.0f s", words(old), ttl.Seconds())})
}

// TTL is that of the old data.
func (t *Timeline) TTL() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Spec.TTL
}

// Note adds an event, and prints it.
func (t *Timeline) Note(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.note(e)
}

// note is Note. t.mu is held.
func (t *Timeline) note(e Event) {
	if len(t.events) < maxEvents {
		t.events = append(t.events, e)
	}
	switch e.Kind {
	case Warned:
		t.warnings = append(t.warnings, e.Text)
	case InSync:
		t.synced = true
	}
	t.print.event(e)
}

// AddLane adds a server that is observed.
func (t *Timeline) AddLane(server string, r Role) *Lane {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := &Lane{Server: server, Role: r}
	t.lanes = append(t.lanes, l)
	t.print.widen(server)
	return l
}

// Take notes an answer of a lane's server.
func (t *Timeline) Take(l *Lane, a Answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.Spec.class(a)
	if c == IsOther && t.unknown {
		c = IsOld
	}
	for _, e := range l.take(c, a, t.Spec) {
		t.note(e)
	}
	t.print.progress(t, a.At)
}

// Settled reports whether all servers that answer gave only new data for the old TTL.
func (t *Timeline) Settled(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !slices.ContainsFunc(t.lanes, func(l *Lane) bool { return !l.silent && !l.settled(now, t.Spec.TTL) })
}

// Steady is for how long all servers that answer have given only new data.
func (t *Timeline) Steady(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	since := t.Start
	for _, l := range t.lanes {
		if !l.silent && l.steady.After(since) {
			since = l.steady
		}
	}
	return now.Sub(since)
}

// GivesNew reports whether a lane's server gave the new data last.
func (t *Timeline) GivesNew(l *Lane) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return l.shown == IsNew
}

// Silent reports whether it was told that a lane's server gives no answer.
func (t *Timeline) Silent(l *Lane) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return l.silent
}

// settled is Settled for one lane.
func (t *Timeline) settled(l *Lane, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return l.settled(now, t.Spec.TTL)
}

// Standing is how the servers stand.
type Standing struct {
	Old      []string // servers that gave old or other data last, or never anything new
	CameBack []string // servers that gave other data after the new
	Silent   []string // servers that do not answer
}

// Standing returns it.
func (t *Timeline) Standing() (s Standing) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.lanes {
		switch last := l.last; {
		case last == IsNone || last == "":
			s.Silent = append(s.Silent, l.Server)
		case last != IsNew:
			s.Old = append(s.Old, l.Server)
		}
		if l.CameBack > 0 {
			s.CameBack = append(s.CameBack, l.Server)
		}
	}
	return s
}

func words(data []string) string {
	switch len(data) {
	case 0:
		return "none"
	case 1:
		return data[0]
	}
	return fmt.Sprint(data)
}
