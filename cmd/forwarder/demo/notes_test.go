package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

var began = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// at makes lookups that were asked and answered at these times, in milliseconds.
func at(from place, asked, came int, address string) lookup {
	ms := func(n int) time.Time { return began.Add(time.Duration(n) * time.Millisecond) }
	return lookup{from: from, name: plainName, asked: ms(asked), came: ms(came), address: address, heard: address != ""}
}

func TestChange(t *testing.T) {
	c := &change{name: plainName, old: plainOld, new: plainNew}
	before := at(atClient, -20, -10, plainOld)
	before.ttl = 7
	c.note(before)
	c.at = began
	for _, l := range []lookup{
		at(atClient, 10, 20, plainOld), // none of these came after a new one
		at(atA, 30, 40, plainOld),
		at(atClient, 100, 120, plainNew),
		at(atClient, 110, 130, plainOld), // asked before the new one came
		at(atA, 140, 150, plainNew),
		at(atB, 160, 1170, plainNew),
		at(atB, 170, 1180, ""), // no answer is no old one
	} {
		c.note(l)
	}
	if c.left != 7 || c.oldAfter != 0 || !c.isEverywhere() {
		t.Errorf("left %d s, %d old after new, everywhere %v; want 7, 0, true", c.left, c.oldAfter, c.isEverywhere())
	}
	if got := c.first[atClient].String() + " " + c.first[atA].String() + " " + c.first[atB].String(); got != "120 ms 150 ms 1.2 s" {
		t.Errorf("new after %s, want 120 ms 150 ms 1.2 s", got)
	}
	c.note(at(atClient, 200, 210, plainOld))
	c.note(at(atB, 1300, 1310, "192.0.2.1"))
	if c.oldAfter != 2 {
		t.Errorf("%d old after new, want 2", c.oldAfter)
	}
}

func TestChangeThatNeverComes(t *testing.T) {
	c := &change{name: plainName, old: plainOld, new: plainNew, at: began}
	c.note(at(atClient, 10, 20, plainOld))
	if got := c.first[atClient].String(); got != "not in 20 s" || c.isEverywhere() {
		t.Errorf("new after %q, everywhere %v; want not in 20 s, false", got, c.isEverywhere())
	}
}

func TestLoss(t *testing.T) {
	l := &loss{member: &member{place: atB}}
	l.note(at(atClient, -50, 10, "")) // asked before
	l.at = began
	l.note(at(atClient, 10, 60, watchedNew))
	l.note(at(atClient, 20, 30, ""))
	l.note(at(atB, 30, 5030, ""))
	l.started = began.Add(time.Second)
	l.note(at(atClient, 990, 1100, watchedNew)) // asked meanwhile
	l.note(at(atA, 1010, 1020, watchedNew))
	if l.back.known {
		t.Error("back before it answers")
	}
	l.note(at(atB, 1100, 1130, watchedNew))
	if l.answered != 2 || l.failed != 1 || l.slowest != 110*time.Millisecond || l.back.Duration != 130*time.Millisecond {
		t.Errorf("%+v, back after %v; want 2 answered, 1 failed, the slowest 110 ms, 130 ms", l.count, l.back)
	}
}

func TestOutage(t *testing.T) {
	o := new(outage)
	fresh := func(from place, asked, came int) lookup {
		l := at(from, asked, came, plainNew)
		l.ttl = ttl
		return l
	}
	o.note(fresh(atClient, -10, -5))
	o.at = began
	o.note(fresh(atClient, 10, 20))
	o.note(fresh(atClient, 4000, 4010))
	o.note(at(atClient, 5000, 9500, ""))
	o.note(at(atClient, 9400, 9500, ""))
	o.stale = began.Add(10 * time.Second)
	o.note(at(atClient, 9900, 11800, plainNew))
	o.back = began.Add(12 * time.Second)
	stale := fresh(atA, 12_000, 12_010)
	stale.ede = &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeStaleAnswer}
	o.note(stale)
	o.note(at(atClient, 12_020, 12_030, plainNew)) // what corporate DNS had kept
	o.note(fresh(atA, 12_030, 12_040))
	o.note(fresh(atB, 12_030, 12_050))
	if o.isOver() {
		t.Error("over while the client has a stale answer")
	}
	o.note(fresh(atClient, 12_900, 13_000))
	if o.answered != 3 || o.failed != 2 || o.failure.took() != 4500*time.Millisecond || !o.isOver() {
		t.Errorf("%+v, slowest failure %v, over %v; want 3 answered, 2 failed, 4.5 s, true", o.count, o.failure.took(), o.isOver())
	}
	times := []lapse{o.cached, o.given, o.fresh[atClient], o.fresh[atA], o.fresh[atB]}
	for i, want := range []string{"4.0 s", "1.8 s", "1.0 s", "40 ms", "50 ms"} {
		if times[i].String() != want {
			t.Errorf("time %d = %v, want %s", i, times[i], want)
		}
	}
}

// Of two lookups the one asked last is shown, whichever ends last.
func TestRowShowsTheLatest(t *testing.T) {
	var s second
	s.see(at(atA, 100, 110, plainNew))
	s.see(at(atA, 0, 5000, ""))
	text := strings.TrimSpace(s.text(3*time.Second, 12, answers))
	if !rowLine.MatchString(text) || !strings.Contains(text, "nothing yet, 12 wait") || !strings.HasSuffix(text, "ok        silent") {
		t.Errorf("row = %q, want a to be ok, b silent, and 12 to wait", text)
	}
}

func TestText(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out}
	s.text("  lead: ", "%s", strings.Repeat("word ", 32))
	want := "  lead: " + strings.TrimSpace(strings.Repeat("word ", 14)) + "\n" +
		"        " + strings.TrimSpace(strings.Repeat("word ", 14)) + "\n" +
		"        word word word word\n"
	if out.String() != want {
		t.Errorf("text:\n%swant:\n%s", &out, want)
	}
}

// A figure and its unit are not torn apart.
func TestTextKeepsUnits(t *testing.T) {
	for _, unit := range []string{"s", "ms,", "s;"} {
		var out bytes.Buffer
		s := &screen{out: &out}
		s.text("", "%s 1.0 %s", strings.Repeat("x", columns-len(" 1.0")), unit)
		if want := "1.0 " + unit; !strings.HasSuffix(out.String(), "\n"+want+"\n") {
			t.Errorf("text:\n%swant %q in a line", &out, want)
		}
	}
}
