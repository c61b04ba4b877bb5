package demo

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// holdRules holds a whole run to what each act is to show. How long anything took is not
// asked: the machine may be busy.
func (tr *transcript) holdRules(t *testing.T) {
	t.Helper()
	titles := []string{"ACT 1  ", "ACT 1, once more", "ACT 2  ", "ACT 3  "}
	events := []int{1, 1, 2, 3}
	if len(tr.acts) != len(titles) {
		t.Fatalf("%d acts, want %d:\n%s", len(tr.acts), len(titles), strings.Join(tr.lines, "\n"))
	}
	for i := range tr.acts {
		act := &tr.acts[i]
		if !strings.HasPrefix(act.title, titles[i]) || len(act.events) != events[i] {
			t.Fatalf("act %q has the events %q, want %d, and the title %q", act.title, act.events, events[i], titles[i])
		}
		if act.run == "" || act.ref == "" {
			t.Errorf("%s has no line of this run, or none of named: %q, %q", act.title, act.run, act.ref)
		}
	}
	tr.acts[0].holdFailover(t, plainOld, plainNew)
	tr.acts[1].holdFailover(t, watchedOld, watchedNew)
	tr.acts[2].holdLostZone(t)
	tr.acts[3].holdLostUpstream(t)
	tr.holdNamed(t)
	tr.holdOrder(t)
	if tr.sum[3] != 0 || tr.sum[4] != 0 {
		t.Errorf("at the end %d were cut off, and %d had the old address after the new one; want none", tr.sum[3], tr.sum[4])
	}
}

// The run that is shown to readers is one.
func TestRecordedRun(t *testing.T) {
	text, err := os.ReadFile("testdata/demo.txt")
	if err != nil {
		t.Fatal(err)
	}
	readTranscript(t, string(text)).holdRules(t)
}

// holdFailover: the old address everywhere before, and the new one in the end.
func (p *part) holdFailover(t *testing.T, old, new string) {
	t.Helper()
	if !p.some(0, func(r shownRow) bool { return r.gets == old+" old" && r.a == "old" && r.b == "old" }) {
		t.Errorf("%s: nobody gets the old address before: %+v", p.title, p.rows[0])
	}
	if !p.some(1, func(r shownRow) bool { return r.gets == new+" new" && r.a == "new" && r.b == "new" }) {
		t.Errorf("%s: not everybody gets the new address after: %+v", p.title, p.rows[1])
	}
	if !regexp.MustCompile(`new at a [\d.]+ m?s, b [\d.]+ m?s, client [\d.]+ m?s; 0 old after new$`).MatchString(p.run) {
		t.Errorf("%s: %q", p.title, p.run)
	}
}

// holdLostZone: one of the two falls silent, and the client goes on.
func (p *part) holdLostZone(t *testing.T) {
	t.Helper()
	isSilent := func(r shownRow) bool { return r.a == "silent" && r.b == "ok" || r.b == "silent" && r.a == "ok" }
	if !p.some(1, isSilent) || !p.some(1, func(r shownRow) bool { return r.gets == watchedNew+" ok" }) {
		t.Errorf("%s: none is silent, or the client does not go on: %+v", p.title, p.rows[1])
	}
	if !p.some(2, func(r shownRow) bool { return r.a == "ok" && r.b == "ok" }) {
		t.Errorf("%s: it does not come back: %+v", p.title, p.rows[2])
	}
	if !regexp.MustCompile(`\d+ of \d+ failed, slowest [\d.]+ m?s; back in [\d.]+ m?s$`).MatchString(p.run) {
		t.Errorf("%s: %q", p.title, p.run)
	}
}

// holdLostUpstream: from the cache, SERVFAIL with a reason, stale, fresh.
func (p *part) holdLostUpstream(t *testing.T) {
	t.Helper()
	ok := func(r shownRow) bool { return r.gets == plainNew+" ok" }
	servfail := func(r shownRow) bool { return strings.HasPrefix(r.gets, "SERVFAIL (EDE ") }
	if !p.some(1, ok) || !p.some(1, servfail) {
		t.Errorf("%s: no answer from the cache, or no SERVFAIL: %+v", p.title, p.rows[1])
	}
	if !p.some(2, func(r shownRow) bool { return r.a == "stale" || r.b == "stale" }) || !p.some(2, ok) {
		t.Errorf("%s: no stale answer: %+v", p.title, p.rows[2])
	}
	if !p.some(3, func(r shownRow) bool { return ok(r) && r.a == "ok" && r.b == "ok" }) {
		t.Errorf("%s: it does not come back: %+v", p.title, p.rows[3])
	}
}

// holdOrder: what upstream says is told before it is silent.
func (tr *transcript) holdOrder(t *testing.T) {
	t.Helper()
	at := func(part string) int {
		return slices.IndexFunc(tr.lines, func(line string) bool { return strings.Contains(line, part) })
	}
	if gives, silent := at("Upstream gives"), at("the VPC resolver is silent"); gives < 0 || gives > silent {
		t.Errorf("upstream gives the new address in line %d, and is silent from line %d on", gives, silent)
	}
}

// holdNamed: each act has named's figures, in one line.
func (tr *transcript) holdNamed(t *testing.T) {
	t.Helper()
	for i, list := range [][]figure{{ttlAtPair, ttlBehind}, {switchAtPair, switchBehind}, {zoneNamed, zoneUnbound}, {outageCold, outageReturn}} {
		for _, f := range list {
			if ref := tr.acts[i].ref; !strings.Contains(ref, f.seconds()) {
				t.Errorf("%q lacks named's %s of %q", ref, f.seconds(), f.row)
			}
		}
	}
	version := fmt.Sprintf("(named %s)", table().Version)
	if !slices.ContainsFunc(tr.lines, func(line string) bool { return strings.Contains(line, version) }) {
		t.Errorf("nothing says %q", version)
	}
}
