package demo

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// transcript is what a run has shown.
type transcript struct {
	lines []string
	acts  []part // failover by TTL, failover by switch, lost zone, lost upstream
	sum   []int  // asked, answered, failed, cut off, old
}

// part is an act's lines: its rows stand before and after each of its events.
type part struct {
	title    string
	rows     [][]shownRow // by how many events came before
	events   []string
	run, ref string // the lines of this run and of named
}

// shownRow is a second of it.
type shownRow struct {
	at               int
	gets, a, b       string
	answered, failed int
}

var (
	rowLine = regexp.MustCompile(`^ *(\d+) s  (.{22}) +(?:\d+|-) +(\d+) +(\d+) +(?:[\d.]+ m?s|-)  (\S+) +(\S+)$`)
	sumLine = regexp.MustCompile(`^Sum:  (\d+) asked = (\d+) answered \+ (\d+) failed \+ (\d+) cut off; (\d+) old after new\.$`)
)

// readTranscript also holds what is true of every line, and of every sum.
func readTranscript(t *testing.T, text string) *transcript {
	t.Helper()
	tr := &transcript{lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n")}
	for _, line := range tr.lines {
		if width(line) > columns || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q has %d columns, or what is not to be printed; want %d of plain text", line, width(line), columns)
		}
		tr.take(line)
	}
	tr.addUp(t)
	return tr
}

func (tr *transcript) take(line string) {
	if strings.HasPrefix(line, "ACT ") {
		tr.acts = append(tr.acts, part{title: line, rows: [][]shownRow{nil}})
	}
	if m := sumLine.FindStringSubmatch(line); m != nil {
		tr.sum = numbers(m[1:]...)
	}
	if len(tr.acts) == 0 {
		return
	}
	act := &tr.acts[len(tr.acts)-1]
	last := len(act.rows) - 1
	switch m := rowLine.FindStringSubmatch(line); {
	case m != nil:
		n := numbers(m[1], m[3], m[4])
		act.rows[last] = append(act.rows[last], shownRow{n[0], strings.TrimSpace(m[2]), m[5], m[6], n[1], n[2]})
	case strings.HasPrefix(line, event) && !strings.Contains(line, "Upstream gives"): // whenever that is
		act.events = append(act.events, line)
		act.rows = append(act.rows, nil)
	case strings.HasPrefix(line, seen):
		act.run = line
	case strings.HasPrefix(line, named):
		act.ref = line
	}
}

func numbers(texts ...string) (list []int) {
	for _, text := range texts {
		n, _ := strconv.Atoi(text) // the expressions let digits through only
		list = append(list, n)
	}
	return list
}

// addUp holds the last line to all lines before it.
func (tr *transcript) addUp(t *testing.T) {
	t.Helper()
	if tr.sum == nil || !sumLine.MatchString(tr.lines[len(tr.lines)-1]) {
		t.Fatalf("the last line is no sum:\n%s", strings.Join(tr.lines, "\n"))
	}
	var answered, failed int
	for _, act := range tr.acts {
		for _, r := range act.all() {
			answered += r.answered
			failed += r.failed
		}
	}
	if answered != tr.sum[1] || failed != tr.sum[2] {
		t.Errorf("the rows have %d answered and %d failed, the last line %d and %d", answered, failed, tr.sum[1], tr.sum[2])
	}
	if asked := tr.sum[1] + tr.sum[2] + tr.sum[3]; asked != tr.sum[0] {
		t.Errorf("%d were asked, and %d came to an end", tr.sum[0], asked)
	}
}

func (p *part) all() (list []shownRow) {
	for _, rows := range p.rows {
		list = append(list, rows...)
	}
	return list
}

// some reports whether any of the rows after so many events is so.
func (p *part) some(after int, is func(shownRow) bool) bool {
	for _, r := range p.rows[after] {
		if is(r) {
			return true
		}
	}
	return false
}
