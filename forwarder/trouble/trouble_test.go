package trouble

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var key = Key{Outage, "10.79.0.2#53"}

func start(since time.Duration) Start {
	return Start{Key: key, Text: "upstream 10.79.0.2#53 does not answer", Since: since, Zones: []string{"a.test", "."}}
}

func harm(queries, failed uint64, clients ...uint64) *Harm {
	h := &Harm{Queries: queries, Failed: failed}
	for _, c := range clients {
		h.Clients.Note(c)
	}
	return h
}

func texts(t *Table) (list []string) {
	for _, l := range t.Lines() {
		list = append(list, l.Text)
	}
	return list
}

func check(t *testing.T, table *Table, when string, want ...string) {
	t.Helper()
	if got := texts(table); !slices.Equal(got, want) {
		t.Errorf("%s: lines = %q, want %q", when, got, want)
	}
}

func TestFirstAndLast(t *testing.T) {
	var table Table
	table.Begin(start(3*time.Second), 5*time.Second)
	table.Begin(start(4*time.Second), 6*time.Second)
	check(t, &table, "begun", "upstream 10.79.0.2#53 does not answer (for 2s now); zones: a.test, .")
	table.Add("a.test", harm(10, 4, 1, 2))
	table.Add("b.test", harm(10, 4, 3))
	table.Add(".", harm(2, 1, 2))
	table.End(key, "upstream 10.79.0.2#53 answers again", 18200*time.Millisecond)
	table.End(key, "upstream 10.79.0.2#53 answers again", 19*time.Second)
	check(t, &table, "over", "upstream 10.79.0.2#53 answers again (after 15.2s); 5 of 12 queries of 2 clients failed; zones: a.test, .")
	if open := table.Open(); len(open) != 0 {
		t.Errorf("Open() = %v, want none", open)
	}
}

func TestHarmOfAllZones(t *testing.T) {
	var table Table
	table.Sign(Start{Key: Key{Kind: Budget}, Text: "short"}, 5*time.Second, "enough again", 0)
	table.Add("a.test", harm(10, 4))
	table.Add("b.test", harm(10, 0))
	table.Sign(Start{Key: Key{Kind: Budget}, Text: "short"}, 5*time.Second, "enough again", 4*time.Second)
	table.Tick(8 * time.Second)
	check(t, &table, "signs", "short")
	table.Tick(9 * time.Second)
	check(t, &table, "no more signs", "enough again (after 4s); 4 of 20 queries failed; zones: a.test")
}

// What shows itself each second is one trouble that is so now, not one that comes and goes.
func TestSigns(t *testing.T) {
	var table Table
	second := 0
	sign := func() {
		now := time.Duration(second) * time.Second
		table.Sign(Start{Key: Key{Kind: Budget}, Text: "short"}, time.Minute, "enough again", now)
		table.Tick(now)
		second++
	}
	for range 5 {
		sign()
	}
	if open := table.Open(); len(open) != 1 || open[0].Good || open[0].Times != 1 {
		t.Errorf("while it shows itself: Open() = %+v, want it once, and bad", open)
	}
	second += 10
	table.Tick(time.Duration(second) * time.Second)
	if open := table.Open(); len(open) != 1 || !open[0].Good {
		t.Errorf("after 10 s without a sign: Open() = %+v, want it good", open)
	}
	sign()
	if open := table.Open(); len(open) != 1 || open[0].Good || open[0].Times != 2 {
		t.Errorf("back: Open() = %+v, want it twice, and bad", open)
	}
	texts(&table)
	table.Close(time.Duration(second) * time.Second)
	check(t, &table, "closed", "at the end still: short (after 16s, 2 times); no query failed")
}

// A server that comes and goes is told of ever more rarely, and the last line comes.
func TestFlapping(t *testing.T) {
	var table Table
	lines, now := 0, time.Duration(0)
	for ; now < time.Hour; now += 2 * time.Second {
		table.Begin(start(now), now)
		table.End(key, "answers again", now+time.Second)
		table.Tick(now + time.Second)
		lines += len(texts(&table))
	}
	if lines > 4 || len(table.Open()) != 1 {
		t.Errorf("%d lines in an hour of flapping, %d open, want a few, and one", lines, len(table.Open()))
	}
	table.Tick(now + maxSettle)
	if got := texts(&table); len(got) != 1 || !strings.Contains(got[0], "times); no query failed") {
		t.Errorf("in the end: %q, want one line", got)
	}
	// A long calm later it is as new.
	now += 3 * time.Hour
	table.Tick(now)
	table.Begin(start(now), now)
	table.End(key, "answers again", now+time.Second)
	if got := len(texts(&table)); got != 2 {
		t.Errorf("%d lines after a calm, want 2", got)
	}
}

// Very many at once are neither all kept nor all told.
func TestBounds(t *testing.T) {
	var table Table
	for i := range 10_000 {
		table.Begin(Start{Key: Key{Failing, fmt.Sprint(i)}, Text: "fails"}, time.Second)
	}
	if n := len(texts(&table)); n != lineBurst {
		t.Errorf("%d lines at once, want %d", n, lineBurst)
	}
	if n := len(table.Open()); n != maxKept {
		t.Errorf("%d open, want %d", n, maxKept)
	}
	table.Tick(time.Second + lineEvery)
	check(t, &table, "later", "9960 lines about further troubles left out: forwarder status lists what is open")
	for i := range 10_000 {
		table.End(Key{Failing, fmt.Sprint(i)}, "works", time.Hour)
	}
	table.Begin(start(time.Hour), time.Hour)
	if len(table.Open()) != 1 {
		t.Errorf("Open() = %v, want the new one: what is past makes room", table.Open())
	}
}

func TestDropAndClose(t *testing.T) {
	var table Table
	table.Begin(start(0), 0)
	table.Begin(Start{Key: Key{Failing, "a.test"}, Text: "upstream fails for a.test"}, 0)
	texts(&table)
	table.Drop(time.Second, "it is no longer asked", func(k Key) bool { return k == key })
	check(t, &table, "dropped", "upstream 10.79.0.2#53 does not answer: it is no longer asked (after 1s); no query failed; zones: a.test, .")
	table.Close(time.Minute)
	check(t, &table, "closed", "at the end still: upstream fails for a.test (after 1m0s); no query failed")
	table.Close(time.Minute)
	check(t, &table, "closed twice")
}

// What another line has told has a last line only.
func TestTold(t *testing.T) {
	var table Table
	table.Begin(Start{Key: Key{Address, "10.0.0.1#53"}, Text: "taken", Zones: []string{}, Told: true}, 0)
	check(t, &table, "begun")
	table.End(Key{Address, "10.0.0.1#53"}, "10.0.0.1#53 is served", time.Second)
	check(t, &table, "over", "10.0.0.1#53 is served (after 1s)")
}

func TestSketch(t *testing.T) {
	for _, n := range []int{0, 1, 3, 50, 1000, 5000} {
		var s Sketch
		for i := range n {
			for range 3 {
				s.Note(uint64(i)*0x9e3779b97f4a7c15 + 7)
			}
		}
		if got := s.Len(); got < n-n/20-1 || got > n+n/20+1 {
			t.Errorf("%d clients: Len() = %d", n, got)
		}
	}
}
