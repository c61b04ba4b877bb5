package logging

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// fileLogs opens a file channel called log in a directory of its own.
func fileLogs(t *testing.T, ch Channel) (w *world, l *Logs, dir string) {
	dir = t.TempDir()
	ch.Name, ch.Kind, ch.Path = "f", File, filepath.Join(dir, "log")
	w = newWorld(t)
	return w, w.open(Config{Channels: []Channel{ch}, Categories: map[string][]string{"default": {"f"}}}), dir
}

// What named 9.18 leaves behind when it logs one line of four octets after
// the other.
func TestRolling(t *testing.T) {
	tests := []struct {
		name    string
		channel Channel
		lines   string // one a letter; '!' reopens
		want    string
	}{
		{name: "plain", channel: Channel{}, lines: "abcdef", want: "log=aaabbbcccdddeeefff"},
		{name: "plain, reopened", channel: Channel{}, lines: "abc!def", want: "log=aaabbbcccdddeeefff"},
		{name: "size alone stops when exceeded", channel: Channel{Size: 10}, lines: "abcdef", want: "log=aaabbbccc"},
		{name: "size is exceeded, not reached", channel: Channel{Size: 12}, lines: "abcdef", want: "log=aaabbbcccddd"},
		{name: "versions 3 and size", channel: Channel{Versions: 3, Size: 5}, lines: "abcdefghijk", want: "log=kkk log.0=iiijjj log.1=ggghhh log.2=eeefff"},
		{name: "versions 1 and size", channel: Channel{Versions: 1, Size: 5}, lines: "abcdef", want: "log=eeefff log.0=cccddd"},
		{name: "versions and size, reopened", channel: Channel{Versions: 3, Size: 5}, lines: "a!b!c", want: "log=ccc log.0=aaabbb"},
		{name: "versions alone roll at opening", channel: Channel{Versions: 2}, lines: "a!b!c!d!", want: "log= log.0=ddd log.1=ccc"},
		{name: "versions alone, nothing written", channel: Channel{Versions: 2}, lines: "a!!!", want: "log= log.0=aaa"},
		{name: "versions unlimited", channel: Channel{Versions: Unlimited, Size: 1}, lines: "abcd", want: "log=ddd log.0=ccc log.1=bbb log.2=aaa"},
		{name: "versions 0", channel: Channel{Versions: Restart, Size: 5}, lines: "abc", want: "log=ccc"},
		{name: "timestamp", channel: Channel{Versions: 2, Size: 1, SuffixTimestamp: true}, lines: "abcd",
			want: "log=ddd log.20261122154128463=bbb log.20261122154128464=ccc"},
		{name: "timestamp, unlimited", channel: Channel{Versions: Unlimited, SuffixTimestamp: true}, lines: "a!b!",
			want: "log= log.20261122154128462=aaa log.20261122154128463=bbb"},
		{name: "buffered", channel: Channel{Buffered: true}, lines: "abc", want: "log="},
		{name: "buffered, reopened", channel: Channel{Buffered: true}, lines: "ab!c", want: "log=aaabbb"},
		{name: "buffered, rolled", channel: Channel{Buffered: true, Versions: 1, Size: 5}, lines: "abc", want: "log= log.0=aaabbb"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, l, dir := fileLogs(t, test.channel)
			logger := l.Logger("general")
			for _, c := range test.lines {
				if c != '!' {
					logger.Info(strings.Repeat(string(c), 3))
				} else if err := l.Reopen(); err != nil {
					t.Error(err)
				}
			}
			flush(l)
			if got := files(t, dir); got != test.want {
				t.Errorf("files = %q, want %q", got, test.want)
			}
		})
	}
}

func TestRollingLeavesStrangersAlone(t *testing.T) {
	_, l, dir := fileLogs(t, Channel{Versions: 1, Size: 1})
	for _, name := range []string{"log.0", "log.7", "log.old", "log.07", "log.", "catalog.3"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l.Logger("general").Info("a")
	l.Logger("general").Info("b")
	flush(l)
	want := "catalog.3=x log=b log.=x log.0=a log.07=x log.old=x"
	if got := files(t, dir); got != want {
		t.Errorf("files = %q, want %q", got, want)
	}
}

func TestFileIsMadeAtStart(t *testing.T) {
	_, _, dir := fileLogs(t, Channel{})
	info, err := os.Stat(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o644 {
		t.Errorf("mode = %o, want 644", got)
	}
}

func TestFullFileGoesOnWhenEmptied(t *testing.T) {
	w, l, dir := fileLogs(t, Channel{Size: 2})
	logger := l.Logger("general")
	for _, line := range []string{"aaa", "bbb", "ccc"} {
		logger.Info(line)
	}
	flush(l)
	if err := os.Truncate(filepath.Join(dir, "log"), 0); err != nil {
		t.Fatal(err)
	}
	w.pass(retryAfter)
	logger.Info("ddd")
	flush(l)
	if got, want := files(t, dir), "log=ddd2 lines were lost: size limit reached, writing stops"; got != want {
		t.Errorf("files = %q, want %q", got, want)
	}
	path := filepath.Join(dir, "log")
	want := "forwarder: logging to " + path + " failed: size limit reached, writing stops\n" +
		"forwarder: logging to " + path + " works again (after 1s), 2 lines were lost\n"
	if got := w.printed(); got != want {
		t.Errorf("stderr = %q, want %q", got, want)
	}
}

func TestFaultIsReportedOnceAndTriedAgain(t *testing.T) {
	dir := t.TempDir()
	blocker := filepath.Join(dir, "sub")
	if err := os.WriteFile(blocker, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	l := w.open(Config{
		Channels:   []Channel{{Name: "f", Kind: File, Path: filepath.Join(blocker, "log")}},
		Categories: map[string][]string{"default": {"f"}},
	})
	logger := l.Logger("general")
	for range 5 {
		logger.Info("lost")
		flush(l)
		w.pass(time.Second)
	}
	if got := strings.Count(w.printed(), "failed"); got != 1 {
		t.Errorf("%d reports, want 1: %q", got, w.printed())
	}
	if err := os.Remove(blocker); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(blocker, 0o755); err != nil {
		t.Fatal(err)
	}
	logger.Info("kept")
	flush(l)
	got := read(t, filepath.Join(blocker, "log"))
	if !strings.HasPrefix(got, "kept\n5 lines were lost: ") {
		t.Errorf("log = %q, want the line, and how many were lost", got)
	}
	if got := w.printed(); !strings.HasSuffix(got, "works again (after 5s), 5 lines were lost\n") {
		t.Errorf("stderr = %q, want the recovery", got)
	}
}

func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /dev/full")
	}
	w := newWorld(t)
	l := w.open(Config{
		Channels:   []Channel{{Name: "f", Kind: File, Path: "/dev/full"}, {Name: "e", Kind: Stderr}},
		Categories: map[string][]string{"default": {"f", "e"}},
	})
	for range 3 {
		l.Logger("general").Info("line")
		flush(l)
		w.pass(time.Second)
	}
	got := w.printed()
	if strings.Count(got, "line\n") != 3 || strings.Count(got, "no space left on device") != 1 {
		t.Errorf("stderr = %q, want 3 lines and 1 report", got)
	}
}

func TestCutLineIsEnded(t *testing.T) {
	f := &file{loss: new(loss), buf: []byte("one\ntwo\nthree\n")}
	f.drop(6)
	if string(f.buf) != "\n" || f.lost != 2 {
		t.Errorf("drop(6) = %q, %d lost; want a newline, 2 lost", f.buf, f.lost)
	}
	f.buf = []byte("one\ntwo\n")
	f.drop(4)
	if string(f.buf) != "" || f.lost != 3 {
		t.Errorf("drop(4) = %q, %d lost; want nothing, 3 lost", f.buf, f.lost)
	}
}
