package logging

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// gate is a terminal that shows nothing until it is opened.
type gate struct {
	closed chan struct{}

	mu  sync.Mutex
	got bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.closed
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.got.Write(p)
}

func openGate(t *testing.T, c Config) (*gate, *Logs) {
	t.Helper()
	g := &gate{closed: make(chan struct{})}
	l, err := open(c, env{now: time.Now, stderr: g, tag: "forwarder"})
	if err != nil {
		t.Fatal(err)
	}
	return g, l
}

// shape finds the number of a line of TestHangingSink, or how many were lost.
var shape = regexp.MustCompile(`(?: line (\d{9}) x+| (\d+) lines were lost: .*)\n`)

// Who logs never waits. Memory is bounded; when the sink works again the lines
// come in order, and those that were lost are counted.
func TestHangingSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, l := openGate(t, Config{Stderr: true})
		logger := l.Logger("general")
		const lines = 50_000
		for i := range lines {
			logger.Info(fmt.Sprintf("line %09d %s", i, strings.Repeat("x", 100)))
		}
		synctest.Wait()
		close(g.closed)
		flush(l)
		logger.Info("the last one")
		if err := l.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		written, lost, size := 0, 0, g.got.Len()
		for _, m := range shape.FindAllStringSubmatch(g.got.String(), -1) {
			n, _ := strconv.Atoi(m[1] + m[2])
			switch {
			case m[2] != "":
				lost += n
			case n != written:
				t.Fatalf("line %d came in the place of line %d", n, written)
			default:
				written++
			}
		}
		if written+lost != lines || lost == 0 {
			t.Errorf("%d lines written, %d told as lost, want %d together, some lost", written, lost, lines)
		}
		if size > 2*maxQueued+1<<10 {
			t.Errorf("%d octets waited, want %d at most", size, 2*maxQueued)
		}
		if !strings.HasSuffix(g.got.String(), "the last one\n") {
			t.Error("the last line is missing")
		}
	})
}

// Opening, reopening and closing wait for a sink that hangs, but not for long.
func TestHangingSinkHoldsUpNobody(t *testing.T) {
	tests := []struct {
		name string
		call func(l *Logs) error
	}{
		{"Reopen", (*Logs).Reopen},
		{"Swap", func(l *Logs) error { return l.Swap(Config{}) }},
		{"Close", (*Logs).Close},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, l := openGate(t, Config{Stderr: true})
				l.Logger("general").Info("hangs")
				synctest.Wait()
				began := time.Now()
				err := test.call(l)
				if err == nil || !strings.Contains(err.Error(), "default_stderr") {
					t.Errorf("%s = %v, want an error that names the channel", test.name, err)
				}
				if took := time.Since(began); took != sinkTimeout {
					t.Errorf("%s took %v, want %v", test.name, took, sinkTimeout)
				}
				close(g.closed)
				l.Close()
				synctest.Wait()
				if got := g.got.String(); !strings.HasSuffix(got, "hangs\n") {
					t.Errorf("written = %q, want the line", got)
				}
			})
		})
	}
}

// One sink that hangs does not stop the others.
func TestHangingSinkAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	g, l := openGate(t, Config{
		Channels:   []Channel{{Name: "f", Kind: File, Path: path}, {Name: "e", Kind: Stderr}},
		Categories: map[string][]string{"default": {"e", "f"}},
	})
	l.Logger("general").Info("one")
	l.Logger("general").Info("two")
	for _, ch := range l.channels {
		if ch.Name == "f" {
			<-ask(ch.queue, func() bool { ch.sink.flush(); return true })
		}
	}
	if got := read(t, path); got != "one\ntwo\n" {
		t.Errorf("log = %q, want both lines", got)
	}
	close(g.closed)
	if err := l.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
}

// A log directory that is removed comes back with the next lines.
func TestRemovedDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "named")
	path := filepath.Join(dir, "log")
	w := newWorld(t)
	l := w.open(Config{
		Channels:   []Channel{{Name: "f", Kind: File, Path: path}},
		Categories: map[string][]string{"default": {"f"}},
	})
	l.Logger("general").Info("before")
	flush(l)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	w.pass(2 * retryAfter)
	l.Logger("general").Info("after")
	flush(l)
	if got := read(t, path); got != "after\n" {
		t.Errorf("log = %q, want the line", got)
	}
}
