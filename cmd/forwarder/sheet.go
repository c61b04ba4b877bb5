package main

import (
	"fmt"
	"strings"
	"time"

	"vpcdns/forwarder/manual"
	"vpcdns/forwarder/watch"
)

// sheet is what commands show of watched names: titles, and below them lines with a
// label, in 80 columns.
type sheet struct{ strings.Builder }

// labelled is where the text behind a label begins.
const labelled = 12

func (s *sheet) title(format string, args ...any) {
	for _, line := range manual.Wrap(fmt.Sprintf(format, args...), width) {
		s.WriteString(line + "\n")
	}
}

func (s *sheet) line(label, format string, args ...any) {
	for _, line := range manual.Wrap(fmt.Sprintf(format, args...), width-labelled) {
		fmt.Fprintf(s, "  %-*s%s\n", labelled-2, label, line)
		label = ""
	}
}

// full reports whether a reply has room for little more.
func (s *sheet) full() bool { return s.Len() > maxShownText }

func (s *sheet) more(n int) { s.title("and %d more", n) }

func (s *sheet) text() string { return strings.TrimSuffix(s.String(), "\n") }

// status is all of a name.
func (s *sheet) status(st *watch.Status) {
	word := "not watched, known"
	if st.Watched {
		word = "watched"
	}
	s.title("%s: %s since %s", st.Name, word, moment(st.Since, st.Now))
	s.sets(st)
	for i := range st.Overrides {
		s.line("override", "%s %s", st.Overrides[i].Type, dataText(st.Overrides[i].Data))
		s.override(&st.Overrides[i], st.Now)
	}
	for _, set := range st.Sets {
		if set.Verify != nil {
			s.verify(set.Type, set.Verify, st.Now)
		}
	}
	s.probe(&st.Probe, st)
	for i := range st.Ledger {
		s.ledger(&st.Ledger[i], st.Now)
	}
	for i := range st.History {
		s.line("history", "%s", changeText(&st.History[i], false))
	}
}

// sets are a name's types: what clients get, and what upstream says.
func (s *sheet) sets(st *watch.Status) {
	for i := range st.Sets {
		set := &st.Sets[i]
		text := dataText(set.Given)
		if set.Pinned != "" {
			text += " (" + set.Pinned + ")"
		}
		if !sameTexts(set.Given, set.Said) {
			text += "; upstream says " + dataText(set.Said)
		}
		if !set.Since.IsZero() { // upstream has said something
			text += fmt.Sprintf(", since %s, TTL %d", moment(set.Since, st.Now), set.TTL)
		}
		s.line(set.Type, "%s", text)
		if set.Varies {
			s.line("", "it varies: weighted, multivalue or round robin; not guarded")
		}
		if set.Guard != nil {
			s.guard(set.Guard, st.Now)
		}
	}
}

func (s *sheet) guard(g *watch.GuardStatus, now time.Time) {
	var refused []string
	for _, data := range g.Refused {
		refused = append(refused, dataText(data))
	}
	s.line("", "guard: %s refused since %s; came back %s; not seen for %s of %s; it ends at %s at the latest",
		cutList(refused, "; "), moment(g.Since, now), times(g.CameBack), seconds(g.Quiet), seconds(g.Need), clock(g.Latest))
}

func (s *sheet) override(o *watch.OverrideStatus, now time.Time) {
	s.line("", "set %s by %s", moment(o.Set, now), printable(o.By))
	if o.Lease != nil {
		s.line("", "a lease: it ends at %s unless it is confirmed", moment(*o.Lease, now))
	}
	s.line("", "upstream says %s; it ends when that agrees for %s (%s so far), at %s at the latest",
		dataText(o.Upstream), seconds(o.Need), seconds(o.Agreed), moment(o.Expires, now))
}

func (s *sheet) verify(rtype string, v *watch.VerifyStatus, now time.Time) {
	state := "runs until " + moment(v.Until, now)
	switch {
	case v.Done:
		state = "done: nothing else came any more"
	case v.Failed != "":
		state = "failed: " + printable(v.Failed)
	}
	s.line("verify", "%s %s: %s", rtype, dataText(v.Want), state)
	s.line("", "asked %s: new %d, old %d, third data %d; came back %s; only new for %s of %s",
		times(v.Asked), v.New, v.Old, v.Third, times(v.CameBack), seconds(v.Steady), seconds(v.Need))
	if !v.FirstNew.IsZero() {
		s.line("", "first new answer at %s", moment(v.FirstNew, now))
	}
	if !v.LastOld.IsZero() {
		s.line("", "last other answer at %s: %s", moment(v.LastOld, now), dataText(v.Last))
	}
}

func (s *sheet) probe(p *watch.ProbeStatus, st *watch.Status) {
	if p.State == "none" || p.State == "" {
		return
	}
	text := fmt.Sprintf("*.%s.%s is %s", p.Label, st.Name, printable(p.State))
	if len(p.Data) > 0 {
		text += "; it says " + dataText(p.Data)
	}
	if !p.At.IsZero() {
		text += " since " + moment(p.At, st.Now)
	}
	s.line("probe", "%s", text)
}

func (s *sheet) ledger(l *watch.LedgerStatus, now time.Time) {
	data, more := dataText(l.Data), ""
	if len(l.Data) == 0 {
		data = "earlier data"
	}
	if l.More {
		more = " and more"
	}
	switch {
	case l.Given:
		s.line("holders", "%s %s is given now; %s%s may hold it until %s", l.Type, data, counted(l.Clients, "client"), more, moment(l.Until, now))
	case l.Until.After(now):
		s.line("holders", "%s %s: %s%s may hold it until %s", l.Type, data, counted(l.Clients, "client"), more, moment(l.Until, now))
	default:
		s.line("holders", "%s %s: no client holds it since %s", l.Type, data, moment(l.Until, now))
	}
	for i, h := range l.Names {
		if s.full() {
			s.more(len(l.Names) - i)
			break
		}
		s.line("", "%s until %s", h.Client, clock(h.Until))
	}
}

// change is one of the history.
func (s *sheet) change(c *watch.Change) { s.title("%s", changeText(c, true)) }
