package shadow

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A log is followed through everything that is done to logs.
func TestFollow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	write := func(flags int, text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|flags, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	write(0, "before\n")
	lines := newLines()
	ctx, stop := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() {
		if err := Follow(ctx, path, lines.add); err != nil {
			t.Error(err)
		}
	})
	defer following.Wait()
	defer stop()

	lines.probe(t, func() { write(os.O_APPEND, "begin\n") }) // until it is at the end
	write(os.O_APPEND, "one\ntw")
	write(os.O_APPEND, "o\n")
	lines.want(t, "one", "two")
	write(os.O_APPEND, strings.Repeat("x", 3*maxLine)+"\nafter a long one\n")
	lines.want(t, "after a long one")

	rename(t, path, path+".0") // as named rolls: by another name, then anew
	write(0, "three\n")
	lines.want(t, "three")
	rename(t, path, path+".0")
	lines.quiet()
	write(0, "four, and more of it\n")
	lines.want(t, "four, and more of it")
	write(os.O_TRUNC, "") // as logrotate's copytruncate does
	lines.quiet()
	write(os.O_APPEND, "five\n")
	lines.want(t, "five")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(0, "six\n")
	lines.want(t, "six")
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// A log that is not there yet is waited for, from its first line on.
func TestFollowMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	lines := newLines()
	ctx, stop := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() { _ = Follow(ctx, path, lines.add) })
	defer following.Wait()
	defer stop()
	lines.quiet()
	if err := os.WriteFile(path, []byte("one\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	lines.want(t, "one")
	if err := Follow(ctx, filepath.Dir(path), lines.add); err == nil {
		t.Error("Follow of a directory = nil, want an error")
	}
}

type lines struct {
	mu   sync.Mutex
	list []string
	seen int
}

func newLines() *lines { return &lines{} }

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, line)
}

// quiet lets the follower look at least twice.
func (l *lines) quiet() { time.Sleep(3 * followEvery) }

// probe writes until a line has come, and forgets what came.
func (l *lines) probe(t *testing.T, write func()) {
	t.Helper()
	for range 100 {
		write()
		l.quiet()
		l.mu.Lock()
		n := len(l.list)
		l.seen = n
		l.mu.Unlock()
		if n > 0 {
			return
		}
	}
	t.Fatal("nothing is followed")
}

func (l *lines) want(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for range 1000 {
		l.mu.Lock()
		got = slices.Clone(l.list[l.seen:])
		l.mu.Unlock()
		if len(got) >= len(want) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	l.seen += len(got)
	if !slices.Equal(got, want) {
		t.Fatalf("the lines are %q, want %q", got, want)
	}
}

// What is no file is refused at once, and holds nobody.
func TestFollowPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "log")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	err := Follow(t.Context(), pipe, func(string) { t.Error("a pipe has a line") })
	if err == nil || !strings.Contains(err.Error(), "is no file") {
		t.Errorf("Follow of a pipe: %v, want that it is no file", err)
	}
}
