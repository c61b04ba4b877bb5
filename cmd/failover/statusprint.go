package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"vpcdns/cmd/failover/pair"
	"vpcdns/forwarder/watch"
)

// shownChanges are the latest of a forwarder's history that are printed.
const shownChanges = 5

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
		fmt.Fprintf(w, "  they agree\n")
	}
}

func (f forwarderStatus) write(w io.Writer, rtype string) {
	answer := "no such record"
	switch {
	case f.DNSError != "":
		answer = "no answer: " + f.DNSError
	case len(f.Answer) > 0:
		answer = fmt.Sprintf("%s, TTL %d s", strings.Join(f.Answer, ", "), f.TTL)
	}
	fmt.Fprintf(w, "  %s: %s\n", f.Forwarder, answer)
	switch {
	case f.Error != "":
		fmt.Fprintf(w, "    control channel: %s\n", f.Error)
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
		fmt.Fprintf(w, "    watched since %s\n", st.Since.Local().Format(time.DateTime))
	} else {
		fmt.Fprintf(w, "    not watched\n")
	}
	if set := pair.Set(st, rtype); set != nil {
		writeSet(w, set)
	}
	for _, v := range st.Overrides {
		if v.Type == rtype {
			fmt.Fprintf(w, "    override: %s; upstream agreed for %.0f of %.0f s\n", overrideWords(v), time.Duration(v.Agreed).Seconds(), time.Duration(v.Need).Seconds())
		}
	}
	if h, ok := f.held(rtype); ok {
		fmt.Fprintf(w, "    %s\n", h)
	}
	changes := slices.DeleteFunc(slices.Clone(st.History), func(c watch.Change) bool { return c.Type != rtype })
	for _, c := range changes[max(0, len(changes)-shownChanges):] {
		by := ""
		if c.By != "" {
			by = ", " + c.By
		}
		fmt.Fprintf(w, "    %s: %s -> %s (%s%s)\n", c.At.Local().Format(time.DateTime), listed(c.Old), listed(c.New), c.Source, by)
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
	fmt.Fprintf(w, "    upstream: %s, TTL %d s\n", listed(s.Upstream), s.TTL)
	if g := s.Guard; g != nil {
		var refused []string
		for _, data := range g.Refused {
			refused = append(refused, listed(data))
		}
		fmt.Fprintf(w, "    guard: refuses %s, which came back %d times; quiet for %.0f of %.0f s\n", strings.Join(refused, "; "), g.CameBack, time.Duration(g.Quiet).Seconds(), time.Duration(g.Need).Seconds())
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
