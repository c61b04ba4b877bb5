package logging

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// closedPipe is a terminal that is gone.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, errors.New("gone") }

// Lines that are lost are counted by channel, over reloads, and whatever lost them.
func TestLost(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "blocked"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c := Config{
		Channels: []Channel{
			{Name: "full", Kind: File, Path: filepath.Join(dir, "full"), Size: 1},
			{Name: "good", Kind: File, Path: filepath.Join(dir, "good")},
			{Name: "missing", Kind: File, Path: filepath.Join(dir, "blocked", "log")},
			{Name: "nobody", Kind: Syslog},
			{Name: "gone", Kind: Stderr},
		},
		Categories: map[string][]string{"default": {"full", "good", "missing", "nobody", "gone", "null"}},
	}
	l, err := open(c, env{now: time.Now, stderr: closedPipe{}, tag: "forwarder"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	want := []Lost{{"default_debug", 0}, {"default_stderr", 0}, {"default_syslog", 0},
		{"full", 0}, {"gone", 0}, {"good", 0}, {"missing", 0}, {"nobody", 0}}
	check := func() {
		t.Helper()
		flush(l)
		if got := l.Lost(); !slices.Equal(got, want) {
			t.Errorf("Lost() = %v, want %v", got, want)
		}
	}
	check()
	count := func(name string, n uint64) {
		want[slices.IndexFunc(want, func(o Lost) bool { return o.Channel == name })].Lines += n
	}
	for range 3 {
		l.Logger("general").Info("line")
	}
	count("full", 2)
	count("gone", 3)
	count("missing", 3)
	count("nobody", 3)
	check()
	if err := l.Swap(c); err != nil {
		t.Error(err)
	}
	l.Logger("general").Info("line")
	count("full", 1)
	count("gone", 1)
	count("missing", 1)
	count("nobody", 1)
	check()
	c.Channels = c.Channels[:3]
	c.Categories = map[string][]string{"default": {"missing"}}
	if err := l.Swap(c); err != nil {
		t.Error(err)
	}
	want = slices.DeleteFunc(want, func(o Lost) bool { return o.Channel == "nobody" || o.Channel == "gone" })
	check()
}

// A sink that hangs loses what does not fit into its queue.
func TestLostInQueue(t *testing.T) {
	g, l := openGate(t, Config{Stderr: true})
	const lines = 50_000
	for range lines {
		l.Logger("general").Info("a line of a flood that does not fit into the queue")
	}
	close(g.closed)
	flush(l)
	lost := l.Lost()
	i := slices.IndexFunc(lost, func(o Lost) bool { return o.Channel == "default_stderr" })
	if i < 0 || lost[i].Lines == 0 || lost[i].Lines >= lines {
		t.Errorf("Lost() = %v, want some of %d lines of default_stderr", lost, lines)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
