package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"vpcdns/cmd/failover/pair"
	"vpcdns/forwarder/manual"
	"vpcdns/forwarder/watch"
)

// shownChanges are the latest of a forwarder's history that are printed.
const shownChanges = 5

// stampFormat is how people read a moment.
const stampFormat = "2006-01-02 15:04:05 MST"

// writeLine writes a line that far from the margin, folded to a terminal.
func writeLine(w io.Writer, margin int, format string, args ...any) {
	blanks := strings.Repeat(" ", margin)
	lines := manual.Wrap(fmt.Sprintf(format, args...), manual.Columns-margin-2)
	fmt.Fprintf(w, "%s%s\n", blanks, strings.Join(lines, "\n  "+blanks))
}

func (s nameStatus) write(w io.Writer) {
	fmt.Fprintf(w, "%s %s\n", s.Name, s.Type)
	switch {
	case s.Record == nil:
	case s.Record.err != nil:
		fmt.Fprintf(w, "  Route 53: not known\n")
	case len(s.Record.Data) == 0:
		fmt.Fprintf(w, "  Route 53: no record\n")
	default:
		fmt.Fprintf(w, "  Route 53: %s, TTL %d s\n", strings.Join(s.Record.Data, ", "), s.Record.TTL)
	}
	for _, f := range s.Forwarders {
		f.write(w, s.Type)
	}
	if !s.Agree {
		fmt.Fprintf(w, "  THEY DISAGREE\n")
	} else if len(s.Forwarders) > 0 {
		fmt.Fprintf(w, "  %s\n", s.agreement())
	}
}

// agreement is of those that answered.
func (s nameStatus) agreement() string {
	silent := s.Record != nil && s.Record.err != nil || slices.ContainsFunc(s.Forwarders, func(f forwarderStatus) bool { return f.DNSError != "" })
	if silent {
		return "those that answered agree"
	}
	return "they agree"
}

func (f forwarderStatus) write(w io.Writer, rtype string) {
	answer := "no such record"
	switch {
	case f.DNSError != "":
		answer = "no answer: " + f.DNSError
	case len(f.Answer) > 0:
		answer = fmt.Sprintf("%s, TTL %d s", strings.Join(f.Answer, ", "), f.TTL)
	}
	writeLine(w, 2, "%s: %s", f.Forwarder, answer)
	switch {
	case f.Error != "":
		writeLine(w, 4, "control channel: %s", f.Error)
	case f.Plain:
		fmt.Fprintf(w, "    it knows no overrides: a BIND, or an older forwarder\n")
	case f.Watch == nil:
		fmt.Fprintf(w, "    not watched\n")
	default:
		f.writeWatch(w, rtype)
	}
}

func (f forwarderStatus) writeWatch(w io.Writer, rtype string) {
	st := f.Watch
	if st.Watched {
		writeLine(w, 4, "watched since %s", st.Since.Local().Format(stampFormat))
	} else {
		fmt.Fprintf(w, "    not watched\n")
	}
	if set := pair.Set(st, rtype); set != nil {
		writeSet(w, set)
	}
	for _, v := range st.Overrides {
		if v.Type == rtype {
			writeLine(w, 4, "override: %s", overrideWords(v))
		}
	}
	if h, ok := f.held(rtype); ok {
		writeLine(w, 4, "%s", h)
	}
	changes := slices.DeleteFunc(slices.Clone(st.History), func(c watch.Change) bool { return c.Type != rtype })
	for _, c := range changes[max(0, len(changes)-shownChanges):] {
		by := ""
		if c.By != "" {
			by = ", " + c.By
		}
		writeLine(w, 4, "%s: %s -> %s (%s%s)", c.At.Local().Format(stampFormat), listed(c.Old), listed(c.New), c.Source, by)
	}
}

// held is who may hold other data than what is given.
func (f forwarderStatus) held(rtype string) (pair.Held, bool) {
	var given []string
	if set := pair.Set(f.Watch, rtype); set != nil {
		given = set.Given
	}
	return pair.HeldUntil(f.Watch, rtype, given, f.skew)
}

func writeSet(w io.Writer, s *watch.SetStatus) {
	writeLine(w, 4, "upstream: %s, TTL %d s", listed(s.Upstream), s.TTL)
	if g := s.Guard; g != nil {
		var refused []string
		for _, data := range g.Refused {
			refused = append(refused, listed(data))
		}
		writeLine(w, 4, "guard: refuses %s, which came back %d times; it ends when upstream has not given that for %.0f s (%.0f s so far)",
			strings.Join(refused, "; "), g.CameBack, time.Duration(g.Need).Seconds(), time.Duration(g.Quiet).Seconds())
	}
	if s.Varies {
		fmt.Fprintf(w, "    it varies, and is not guarded\n")
	}
}

func listed(data []string) string {
	if len(data) == 0 {
		return "none"
	}
	return strings.Join(data, ", ")
}
