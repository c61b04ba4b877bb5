package logging

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// world is an env with a clock that stands still and a stderr to look at.
type world struct {
	t      *testing.T
	mu     sync.Mutex
	clock  time.Time
	stderr bytes.Buffer
	writes int
	logs   []*Logs
}

func newWorld(t *testing.T) *world {
	return &world{t: t, clock: time.Date(2026, 11, 22, 15, 41, 28, 462e6, time.UTC)}
}

func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes++
	return w.stderr.Write(p)
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

// flush waits until what was logged is written.
func flush(l *Logs) {
	l.mu.RLock()
	channels := l.channels
	l.mu.RUnlock()
	for _, ch := range channels {
		<-ask(ch.queue, func() bool { ch.sink.flush(); return true })
	}
}

func (w *world) printed() string {
	for _, l := range w.logs {
		flush(l)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stderr.String()
}

func (w *world) open(c Config) *Logs {
	w.t.Helper()
	l, err := open(c, env{now: w.now, stderr: w, tag: "forwarder"})
	if err != nil {
		w.t.Fatalf("open(%+v) = %v, want no error", c, err)
	}
	w.t.Cleanup(func() { l.Close() })
	w.logs = append(w.logs, l)
	return l
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// files is what lies in a directory: name=content, sorted.
func files(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name()+"="+strings.ReplaceAll(read(t, filepath.Join(dir, e.Name())), "\n", ""))
	}
	return strings.Join(list, " ")
}

func TestRouting(t *testing.T) {
	toStderr := func(severity slog.Level, dynamic bool) Config {
		return Config{
			Channels: []Channel{{Name: "e", Kind: Stderr, Severity: severity, Dynamic: dynamic, PrintCategory: true}},
			Categories: map[string][]string{
				"default": {"e"}, "lame-servers": {"null"}, "security": {}, "client": {"e", "e"}},
		}
	}
	tests := []struct {
		name     string
		config   Config
		debug    int
		category string
		level    slog.Level
		want     int // lines
	}{
		{name: "info by default", config: toStderr(Info, false), category: "general", level: Info, want: 1},
		{name: "debug is not info", config: toStderr(Info, false), debug: 3, category: "general", level: Debug(1)},
		{name: "own category", config: toStderr(Warning, false), category: "client", level: Error, want: 2},
		{name: "below severity", config: toStderr(Warning, false), category: "client", level: Notice},
		{name: "null", config: toStderr(Info, false), category: "lame-servers", level: Critical},
		{name: "no channels", config: toStderr(Info, false), category: "security", level: Critical},
		{name: "unmatched", config: toStderr(Info, false), category: "unmatched", level: Critical},
		{name: "severity debug needs no debug level", config: toStderr(Debug(3), false), category: "general", level: Debug(3), want: 1},
		{name: "severity debug has an end", config: toStderr(Debug(3), false), debug: 9, category: "general", level: Debug(4)},
		{name: "dynamic", config: toStderr(0, true), category: "general", level: Info, want: 1},
		{name: "dynamic without debug level", config: toStderr(0, true), category: "general", level: Debug(1)},
		{name: "dynamic up to debug level", config: toStderr(0, true), debug: 2, category: "general", level: Debug(2), want: 1},
		{name: "dynamic beyond debug level", config: toStderr(0, true), debug: 2, category: "general", level: Debug(3)},
		{name: "-g shows all categories", config: Config{Stderr: true, Categories: map[string][]string{"client": {"null"}}}, category: "client", level: Info, want: 1},
		{name: "-g follows -d", config: Config{Stderr: true}, debug: 5, category: "client", level: Debug(5), want: 1},
		{name: "-g silences unmatched", config: Config{Stderr: true}, debug: 5, category: "unmatched", level: Info},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			l := w.open(test.config)
			logger := l.Logger(test.category)
			l.SetDebug(test.debug)
			if got := logger.Enabled(t.Context(), test.level); got != (test.want > 0) {
				t.Errorf("Enabled(%v) = %v, want %v", test.level, got, test.want > 0)
			}
			logger.Log(t.Context(), test.level, "hello")
			flush(l)
			if w.writes != test.want {
				t.Errorf("Log(%v) = %d writes, want %d", test.level, w.writes, test.want)
			}
		})
	}
}

func TestDefaultDebugSpeaksOnlyWhileDebugging(t *testing.T) {
	t.Chdir(t.TempDir())
	l := newWorld(t).open(Config{})
	l.Logger("general").Info("quiet")
	if _, err := os.Lstat("named.run"); err == nil {
		t.Error("Open without debug level made named.run, want none")
	}
	l.SetDebug(1)
	l.Logger("general").Info("loud")
	flush(l)
	if got := read(t, "named.run"); !strings.HasSuffix(got, " loud\n") {
		t.Errorf("named.run = %q, want the line", got)
	}
}

func TestRedefinedDefaultDebugAlwaysSpeaks(t *testing.T) {
	t.Chdir(t.TempDir())
	l := newWorld(t).open(Config{Channels: []Channel{
		{Name: "default_debug", Kind: File, Path: "data/named.run", Dynamic: true}}})
	l.Logger("general").Info("running")
	flush(l)
	want := "made the missing log directory path=data\nrunning\n"
	if got := read(t, "data/named.run"); got != want {
		t.Errorf("data/named.run = %q, want %q", got, want)
	}
}

func TestLogFileTakesThePlaceOfSyslog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := newWorld(t).open(Config{LogFile: path})
	l.Logger("general").Log(t.Context(), Notice, "running")
	flush(l)
	if got := read(t, path); !strings.HasSuffix(got, " general: notice: running\n") {
		t.Errorf("log = %q, want category and severity", got)
	}
}

func TestContradictions(t *testing.T) {
	for name, c := range map[string]Config{
		"undefined channel": {Categories: map[string][]string{"default": {"nowhere"}}},
		"unknown facility":  {Channels: []Channel{{Name: "s", Kind: Syslog, Facility: "disco"}}},
	} {
		if l, err := Open(c); err == nil {
			t.Errorf("Open(%s) = %v, want an error", name, l)
		}
	}
}

func TestSwapKeepsTheFormerConfigOnError(t *testing.T) {
	w := newWorld(t)
	l := w.open(Config{Stderr: true})
	if err := l.Swap(Config{Categories: map[string][]string{"default": {"nowhere"}}}); err == nil {
		t.Error("Swap(undefined channel) = nil, want an error")
	}
	l.Logger("general").Info("still here")
	if got := w.printed(); !strings.HasSuffix(got, "still here\n") {
		t.Errorf("stderr = %q, want the line", got)
	}
}

// A configuration that is tried with -g may be that of a server that runs: a
// file opened here could be rolled under it, or belong to root when it wants it.
func TestStderrLeavesFilesAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "named")
	newWorld(t).open(Config{
		Channels:   []Channel{{Name: "f", Kind: File, Path: filepath.Join(dir, "bind.log"), Versions: 1}},
		Categories: map[string][]string{"default": {"f"}},
		Stderr:     true,
	})
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("Stat(%s) = %v, want that it does not exist", dir, err)
	}
}

func TestSwapLosesNoLine(t *testing.T) {
	const writers, lines = 4, 200
	dir := t.TempDir()
	config := func(n int) Config {
		return Config{
			Channels:   []Channel{{Name: "f", Kind: File, Path: filepath.Join(dir, fmt.Sprint(n)), Buffered: n%2 == 0}},
			Categories: map[string][]string{"default": {"f"}},
		}
	}
	l := newWorld(t).open(config(0))
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			logger := l.Logger("general")
			for range lines {
				logger.Info("a line that has to stay whole")
			}
		})
	}
	for n := range 20 {
		if err := l.Swap(config(n % 3)); err != nil {
			t.Error(err)
		}
		if err := l.Reopen(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	all := read(t, filepath.Join(dir, "0")) + read(t, filepath.Join(dir, "1")) + read(t, filepath.Join(dir, "2"))
	if got := strings.Count(all, "a line that has to stay whole\n"); got != writers*lines {
		t.Errorf("%d lines arrived, want %d", got, writers*lines)
	}
}

func TestDisabledCostsNothing(t *testing.T) {
	logger := newWorld(t).open(Config{Stderr: true}).Logger("client")
	got := testing.AllocsPerRun(100, func() { logger.Debug("no one listens") })
	if got != 0 {
		t.Errorf("a disabled line = %v allocations, want 0", got)
	}
}

func BenchmarkLine(b *testing.B) {
	l, err := Open(Config{
		Channels:   []Channel{{Name: "f", Kind: File, Path: filepath.Join(b.TempDir(), "log"), PrintTime: Local}},
		Categories: map[string][]string{"default": {"f"}},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	logger := l.Logger("queries")
	for b.Loop() {
		logger.Info("query: myservice.awslab.mycompany.corp IN A +E(0)K (10.79.1.10)")
	}
}

// A logger that names its category writes to that category's channels.
func TestHandlerCategory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolver.log")
	logs, err := Open(Config{
		Channels:   []Channel{{Name: "c", Kind: File, Path: path, Severity: Info, PrintCategory: true}},
		Categories: map[string][]string{"resolver": {"c"}, "default": {"null"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(logs.Handler())
	log.Info("of no category")
	log.With(CategoryKey, "resolver").Info("told", "n", 1)
	log.WithGroup("g").With(CategoryKey, "resolver").Info("a key of a group")
	logs.Close()
	text, err := os.ReadFile(path)
	if want := "resolver: told n=1\n"; err != nil || string(text) != want {
		t.Errorf("log = %q, %v, want %q", text, err, want)
	}
}
