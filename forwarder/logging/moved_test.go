//go:build unix

package logging

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What happens to a log file under us: the next line, a moment later, is where its
// name leads.
func TestFileIsMoved(t *testing.T) {
	tests := []struct {
		name    string
		channel Channel
		move    func(t *testing.T, dir string)
		want    string
	}{
		{name: "removed", move: func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "log"))) },
			want: "log=after"},
		{name: "moved, as logrotate's nocreate", move: func(t *testing.T, dir string) {
			must(t, os.Rename(filepath.Join(dir, "log"), filepath.Join(dir, "log-1")))
		}, want: "log=after log-1=before"},
		{name: "moved and made, as logrotate's create", move: func(t *testing.T, dir string) {
			must(t, os.Rename(filepath.Join(dir, "log"), filepath.Join(dir, "log-1")))
			must(t, os.WriteFile(filepath.Join(dir, "log"), nil, 0o640))
		}, want: "log=after log-1=before"},
		{name: "replaced by one that is not empty", move: func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "new"), []byte("new\n"), 0o640))
			must(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "log")))
		}, want: "log=newafter"},
		{name: "copied and cut, as logrotate's copytruncate", move: func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "log-1"), []byte(read(t, filepath.Join(dir, "log"))), 0o640))
			must(t, os.Truncate(filepath.Join(dir, "log"), 0))
		}, want: "log=after log-1=before"},
		{name: "buffered lines belong to what was moved", channel: Channel{Buffered: true}, move: func(t *testing.T, dir string) {
			must(t, os.Rename(filepath.Join(dir, "log"), filepath.Join(dir, "log-1")))
		}, want: "log= log-1=before"},
		{name: "no roll for it", channel: Channel{Versions: 3}, move: func(t *testing.T, dir string) {
			must(t, os.Rename(filepath.Join(dir, "log"), filepath.Join(dir, "log-1")))
			must(t, os.WriteFile(filepath.Join(dir, "log"), []byte("new\n"), 0o640))
		}, want: "log=newafter log-1=before"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, l, dir := fileLogs(t, test.channel)
			l.Logger("general").Info("before")
			flush(l)
			test.move(t, dir)
			w.pass(2 * retryAfter)
			l.Logger("general").Info("after")
			flush(l)
			if got := files(t, dir); got != test.want {
				t.Errorf("files = %q, want %q", got, test.want)
			}
			if got := w.printed(); got != "" {
				t.Errorf("stderr = %q, want nothing", got)
			}
		})
	}
}

// Where no other file can be had, what was moved is written on, and that is told
// once.
func TestMovedFileIsKept(t *testing.T) {
	w, l, dir := fileLogs(t, Channel{})
	logger, log, moved := l.Logger("general"), filepath.Join(dir, "log"), filepath.Join(dir, "log-1")
	logger.Info("a")
	flush(l)
	must(t, os.Rename(log, moved))
	must(t, os.Mkdir(log, 0o755)) // cannot be written
	for _, line := range []string{"b", "c"} {
		w.pass(2 * retryAfter)
		logger.Info(line)
		flush(l)
	}
	if got := read(t, moved); got != "a\nb\nc\n" {
		t.Errorf("what was moved = %q, want all lines", got)
	}
	if got := w.printed(); strings.Count(got, "the file was moved") != 1 {
		t.Errorf("stderr = %q, want one report", got)
	}
	must(t, os.Remove(log))
	w.pass(2 * retryAfter)
	logger.Info("d")
	flush(l)
	if got := read(t, log); got != "d\n" {
		t.Errorf("log = %q, want the line after", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
