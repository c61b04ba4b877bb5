package shadow

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestRate(t *testing.T) {
	const perSecond = 100
	r, begun := NewRate(perSecond), time.Now()
	taken := 0
	for range 10_000 {
		if r.Try() {
			taken++
		}
	}
	most := int((time.Since(begun)+burst).Seconds()*perSecond) + 1
	if least := int(burst.Seconds() * perSecond); taken < least || taken > most {
		t.Errorf("%d turns at once, want %d to %d", taken, least, most)
	}
	for range 5 { // turns that are waited for are 10 ms apart
		if err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if took, least := time.Since(begun), 40*time.Millisecond; took < least {
		t.Errorf("five more turns take %v, want %v at least", took, least)
	}
}

// counted counts the questions for each name that a server is asked.
func counted(names *sync.Map) answers {
	return func(_ int, m *dns.Msg) bool {
		n, _ := names.LoadOrStore(m.Question[0].Name, new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
		return put(m, m.Question[0].Name+" 60 A 10.0.0.1")
	}
}

// Of a live log each question is asked once within its TTL, and neither what we ask
// ourselves nor what cannot be compared.
func TestLive(t *testing.T) {
	var asked sync.Map
	named := counted(&asked).serve(t)
	totals := &Totals{Out: new(bytes.Buffer)}
	l := NewLive(NewRun(&Pair{Named: named}, totals, NewRate(1000)))
	l.Pair.Ours = InProcess(func(_ context.Context, m *dns.Msg) (*dns.Msg, error) {
		reply := new(dns.Msg).SetReply(m)
		reply.RecursionAvailable = true
		put(reply, m.Question[0].Name+" 60 A 10.0.0.1")
		return reply, nil
	})
	line := func(client, name, rest string) {
		l.line(t.Context(), fmt.Sprintf("client @0x1 %s (%s): query: %s IN %s (10.1.0.1)", client, name, name, rest))
		l.asking.Wait()
	}
	line("10.0.0.9#1", "a.test", "A +E(0)")
	line("10.0.0.8#2", "A.test", "A +E(0)K")
	line("10.0.0.8#2", "b.test", "A +E(0)")
	line("10.0.0.8#2", "c.test", "AXFR -T")
	named.own.list[0], named.own.next = mustAddr(t, "10.0.0.7#7"), 1
	line("10.0.0.7#7", "own.test", "A +E(0)")
	l.line(t.Context(), "29-Nov-2026 07:47:40.200 general: notice: all zones loaded")
	var got []string
	asked.Range(func(name, n any) bool {
		got = append(got, fmt.Sprint(name, n.(*atomic.Int64).Load()))
		return true
	})
	if text := strings.Join(got, " "); len(got) != 2 || !strings.Contains(text, "a.test.1") || !strings.Contains(text, "b.test.1") {
		t.Errorf("named was asked %q, want a.test and b.test once", got)
	}
	if differ, err := totals.Differ(); differ || err != nil || !strings.HasPrefix(totals.String(), "2 answers compared, none differs") {
		t.Errorf("%v, %v: %v", differ, err, totals)
	}
	l.Rate = NewRate(1)
	for i := range 10 {
		line("10.0.0.8#2", fmt.Sprintf("more%d.test", i), "A +E(0)")
	}
	if l.Unasked < 8 {
		t.Errorf("%d of 10 questions at once are not asked, want most at one a second", l.Unasked)
	}
}

// Differences are shown some times for each kind, then counted.
func TestTotals(t *testing.T) {
	var out bytes.Buffer
	totals := &Totals{Out: &out}
	q, _ := newQuestion("a.test", dns.TypeA)
	answer := Answer{Msg: new(dns.Msg), Took: time.Millisecond}
	for i := range 3 * examples {
		totals.Add(Result{Named: answer, Ours: answer, Differences: []Difference{{Question: q, Kind: "records", Named: fmt.Sprint(i), Ours: "x"}}})
		totals.Add(Result{Named: answer, Ours: answer, Differences: []Difference{{Question: q, Kind: "flags", Known: "AD"}}})
	}
	if n := strings.Count(out.String(), "\n"); n != examples+2 {
		t.Errorf("%d lines, want %d and one more, and one of what is known:\n%s", n, examples, &out)
	}
	want := "120 answers compared, 60 differ: 60 records; known: 60 AD"
	if got := totals.String(); got != want {
		t.Errorf("totals are %q, want %q", got, want)
	}
	if got := totals.Latencies(); got != "median, p99, worst: named 1, 1, 1 ms; forwarder 1, 1, 1 ms" {
		t.Errorf("latencies are %q", got)
	}
}

// What named does not let itself be asked is no comparison.
func TestNotCompared(t *testing.T) {
	refused := Answer{Msg: &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: dns.RcodeRefused}}}
	for name, results := range map[string][]Result{
		"no question": nil,
		"silence":     {{Ours: refused}, {Ours: refused}},
		"refusals":    {{Named: refused, Ours: Answer{Msg: new(dns.Msg)}}},
	} {
		totals := &Totals{Out: new(bytes.Buffer)}
		for _, r := range results {
			totals.Add(r)
		}
		if _, err := totals.Differ(); err == nil {
			t.Errorf("%s: Differ = nil, want an error", name)
		}
	}
}

func mustAddr(t *testing.T, text string) netip.AddrPort {
	t.Helper()
	a, err := ParseAddr(text, 53)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
