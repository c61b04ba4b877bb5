package logging

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// counted is a sink that counts lines, and how often they are written out.
type counted struct {
	nowhere
	lines, flushes atomic.Int64
}

func (c *counted) write(slog.Level, []byte) { c.lines.Add(1) }
func (c *counted) flush()                   { c.flushes.Add(1) }

// The first line is written at once. Those behind it gather, and are written together:
// after a moment, or when one comes that matters, or there are many, or at the end.
func TestGather(t *testing.T) {
	line := func(dst []byte) []byte { return append(dst, "a line\n"...) }
	large := func(dst []byte) []byte { return append(dst, make([]byte, hurryAt)...) }
	tests := []struct {
		name  string
		ended func(q *queue)
		lines int64 // that are written by then
	}{
		{"a moment", func(*queue) { time.Sleep(gather) }, 101},
		{"a warning", func(q *queue) { q.put(Warning, 0, line) }, 102},
		{"many octets", func(q *queue) { q.put(Info, hurryAt, large) }, 102},
		{"a question", func(q *queue) { <-ask(q, func() bool { return true }) }, 101},
		{"the end", func(q *queue) { q.close() }, 101},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink := new(counted)
				q := newQueue(sink, nil, new(loss))
				go q.run()
				synctest.Wait()
				began := time.Now()
				q.put(Info, 0, line)
				synctest.Wait()
				if lines, writes := sink.lines.Load(), sink.flushes.Load(); lines != 1 || writes != 1 {
					t.Errorf("%d lines in %d writes, want the first at once", lines, writes)
				}
				for range 100 {
					q.put(Info, 0, line)
				}
				synctest.Wait()
				if lines := sink.lines.Load(); lines != 1 {
					t.Errorf("%d lines written, want the others to gather", lines)
				}
				test.ended(q)
				synctest.Wait()
				took, lines, writes := time.Since(began), sink.lines.Load(), sink.flushes.Load()
				if lines != test.lines || writes != 2 || took > gather {
					t.Errorf("%d lines in %d writes after %v, want %d in 2", lines, writes, took, test.lines)
				}
				if test.name != "the end" {
					q.close()
				}
				<-q.ended
			})
		})
	}
}

// A second's text is kept only as long as it is that second, in that zone.
func TestTimestamp(t *testing.T) {
	var s timestamp
	east, west := time.FixedZone("E", 3600), time.FixedZone("W", -3600)
	at := time.Date(2026, 11, 2, 5, 4, 8, 999999999, east)
	for _, test := range []struct {
		at   time.Time
		want string
	}{
		{at, "02-Nov-2026 05:04:08.999 "},
		{at.Add(-99 * time.Millisecond), "02-Nov-2026 05:04:08.900 "},
		{at.Add(2 * time.Millisecond), "02-Nov-2026 05:04:09.001 "},
		{at.In(west), "02-Nov-2026 03:04:08.999 "},
		{at, "02-Nov-2026 05:04:08.999 "},
		{time.Time{}, ""},
	} {
		if got := string(s.append(nil, Local, test.at)); got != test.want {
			t.Errorf("append(%v) = %q, want %q", test.at, got, test.want)
		}
	}
}

// A line that was made as octets is one line all the same, with what its logger says.
func TestHandleLine(t *testing.T) {
	w := newWorld(t)
	l := w.open(Config{Channels: []Channel{{Name: "e", Kind: Stderr}}, Categories: map[string][]string{"default": {"e"}}})
	h := l.Logger("queries").With("n", 1).Handler().(LineHandler)
	body := []byte("a\nb\x1b")
	h.HandleLine(w.now(), Info, body)
	l.Logger("queries").Handler().(LineHandler).HandleLine(w.now(), Info, body)
	if got, want := w.printed(), "a\\010b\\027 n=1\na\\010b\\027\n"; got != want {
		t.Errorf("written = %q, want %q", got, want)
	}
}
