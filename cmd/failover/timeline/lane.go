package timeline

import (
	"fmt"
	"slices"
	"time"
)

// Role is why a server is observed.
type Role string

// The roles.
const (
	Forwarder Role = "forwarder"
	Verified  Role = "verify"
)

// Answer is what a server said, or that it said nothing.
type Answer struct {
	Asked time.Time
	At    time.Time // when it came, or was given up
	Data  []string  // of the asked type, none for a denial
	TTL   uint32    // the least, s
	Err   string    // why there is no answer: timed out, SERVFAIL
}

// Class is what an answer means.
type Class string

// The classes of answers.
const (
	IsNone  Class = "none" // no answer, or a failure
	IsOld   Class = "old"
	IsNew   Class = "new"
	IsOther Class = "other" // neither, or a denial
)

func (s Spec) class(a Answer) Class {
	switch {
	case a.Err != "":
		return IsNone
	case sameSet(a.Data, s.New):
		return IsNew
	case sameSet(a.Data, s.Old):
		return IsOld
	}
	return IsOther
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// Span is a run of answers of one class.
type Span struct {
	From, To time.Time // of its first and last answer
	Class    Class
	Data     []string // of the first
	Answers  int
}

const (
	maxSpans = 4096 // a flap of ten answers a second for some minutes
	maxTold  = 5    // lines of one kind for a server; more are counted
	silentAt = 3    // answers that lack in a row, until that is told
)

// Lane is what one server answered.
type Lane struct {
	Server   string
	Role     Role
	Asked    int
	Counts   map[Class]int
	FirstNew time.Time
	LastOld  time.Time // old or other
	CameBack int       // times that other data came after new
	Spans    []Span

	last   Class     // "" before the first answer
	shown  Class     // last that was an answer
	steady time.Time // since when only new answers came; zero if not
	lack   int       // answers that lack in a row
	silent bool      // which was told
	told   map[Kind]int
}

// take notes an answer, and returns what is to be told of it.
func (l *Lane) take(c Class, a Answer, s Spec) (events []Event) {
	if l.Counts == nil {
		l.Counts, l.told = make(map[Class]int), make(map[Kind]int)
	}
	l.Asked++
	l.Counts[c]++
	l.extend(c, a)
	if c == IsNone {
		return l.lacks(a)
	}
	if l.silent {
		events = l.tell(events, a.At, AnswersAgain, "answers again")
	}
	l.lack, l.silent = 0, false
	if c == IsNew {
		events = l.isNew(events, a, s)
	} else {
		events = l.isOld(events, c, a)
	}
	l.last, l.shown = c, c
	return events
}

func (l *Lane) lacks(a Answer) (events []Event) {
	l.last = IsNone
	l.lack++
	if l.lack >= silentAt && !l.silent {
		l.silent = true
		events = l.tell(events, a.At, NoAnswer, "gives no answer: "+a.Err)
	}
	return events
}

func (l *Lane) isNew(events []Event, a Answer, s Spec) []Event {
	switch {
	case l.FirstNew.IsZero():
		l.FirstNew = a.At
		events = l.tell(events, a.At, FirstNew, "first new answer: "+words(s.New))
	case l.shown != IsNew:
		events = l.tell(events, a.At, NewAgain, "new address again")
	}
	if l.steady.IsZero() {
		l.steady = a.At
	}
	return events
}

func (l *Lane) isOld(events []Event, c Class, a Answer) []Event {
	if l.shown == IsNew {
		l.CameBack++
		what := "old address"
		if c == IsOther {
			what = "other data, " + words(a.Data) + ","
		}
		events = l.tell(events, a.At, CameBack, fmt.Sprintf("%s after the new one (%d)", what, l.CameBack))
	}
	l.LastOld, l.steady = a.At, time.Time{}
	return events
}

// tell adds an event, unless there were many of the kind.
func (l *Lane) tell(events []Event, at time.Time, k Kind, text string) []Event {
	l.told[k]++
	switch n := l.told[k]; {
	case n > maxTold:
		return events
	case n == maxTold:
		text += "; more of these are only counted"
	}
	return append(events, Event{at, k, l.Server, text})
}

func (l *Lane) extend(c Class, a Answer) {
	if n := len(l.Spans); n > 0 && (l.Spans[n-1].Class == c && sameSet(l.Spans[n-1].Data, a.Data) || n == maxSpans) {
		l.Spans[n-1].To = a.At
		l.Spans[n-1].Answers++
		return
	}
	l.Spans = append(l.Spans, Span{a.At, a.At, c, a.Data, 1})
}

func (l *Lane) settled(now time.Time, ttl time.Duration) bool {
	return l.last == IsNew && !l.steady.IsZero() && now.Sub(l.steady) >= ttl
}
