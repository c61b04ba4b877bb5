package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"vpcdns/forwarder/manual"
	"vpcdns/forwarder/namedconf"
)

// concern is something about a machine that changes when it is migrated, or that
// goes on as it is.
type concern struct {
	severity namedconf.Severity
	pos      namedconf.Pos // of no file: it is about the machine
	what     string
	do       string // "" is nothing
}

// Words with which a remedy begins.
var remedies = strings.Fields("add chgrp chmod chown leave let make mend Mend move name run say set sign use write")

// concernOf is a finding, cut where its remedy begins.
func concernOf(f namedconf.Finding) concern {
	c := concern{severity: f.Severity, pos: f.Pos, what: f.Message}
	for _, between := range []string{"; ", ". ", ": "} {
		i := strings.LastIndex(c.what, between)
		if i < 0 {
			continue
		}
		tail := c.what[i+len(between):]
		if first, _, _ := strings.Cut(tail, " "); slices.Contains(remedies, first) {
			c.what, c.do = c.what[:i], tail
			break
		}
	}
	switch {
	case c.do != "":
	case c.severity == namedconf.Error:
		c.do = "mend the file"
	case c.severity == namedconf.Change:
		c.do = "nothing, if nobody relies on it"
	}
	return c
}

// headings of the three kinds.
var headings = map[namedconf.Severity]string{
	namedconf.Error:    "To be mended first",
	namedconf.Change:   "Clients or operators will notice",
	namedconf.Harmless: "Goes on as it is",
}

// write prints all concerns by kind, and what to type.
func (m *migration) write(w io.Writer) {
	fmt.Fprintf(w, "forwarder in the place of named, with %s\n", m.path)
	if m.in.config != nil {
		writeWrapped(w, "  ", wouldServe(m.in.config, m.in.service.flags))
	}
	for _, s := range []namedconf.Severity{namedconf.Error, namedconf.Change, namedconf.Harmless} {
		m.writeKind(w, s)
	}
	m.writeCommands(w)
}

func (m *migration) writeKind(w io.Writer, s namedconf.Severity) {
	var list []concern
	for _, c := range m.concerns {
		if c.severity == s {
			list = append(list, c)
		}
	}
	folded := len(ofSeverity(m.in.findings, namedconf.Harmless))
	if s != namedconf.Harmless || m.verbose {
		folded = 0
	}
	if len(list)+folded == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s (%d)\n", headings[s], len(list)+folded)
	for _, c := range list {
		c.write(w)
	}
	if folded > 0 {
		fmt.Fprintf(w, "\n  %s\n    %s; -v lists them\n", m.path, withoutEffect(folded))
	}
}

func (c concern) write(w io.Writer) {
	where := c.pos.String()
	if where == "" {
		where = "this machine"
	}
	fmt.Fprintf(w, "\n  %s\n", printable(where))
	writeWrapped(w, "    ", c.what)
	if c.do != "" {
		writeWrapped(w, "    Do: ", c.do)
	}
}

// writeWrapped prints a text behind a prefix; further lines are indented as far.
func writeWrapped(w io.Writer, prefix, text string) {
	line := prefix
	width := utf8.RuneCountInString(prefix)
	indent := strings.Repeat(" ", width)
	n, empty := width, true
	for _, word := range strings.Fields(text) {
		word = printable(word) // files and command lines are others'
		length := utf8.RuneCountInString(word)
		if !empty && n+1+length > manual.Columns {
			fmt.Fprintln(w, line)
			line, n, empty = indent, width, true
		}
		if !empty {
			line, n = line+" ", n+1
		}
		line, n, empty = line+word, n+length, false
	}
	fmt.Fprintln(w, line)
}
