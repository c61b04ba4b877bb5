package forwarder

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/udp"
)

// loggingToFile is a server that nobody serves, whose log of queries is a file, and
// that file.
func loggingToFile(tb testing.TB, edit func(*config.Config)) (*Server, *logging.Logs, string) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "queries")
	logs, err := logging.Open(logging.Config{
		Channels: []logging.Channel{{Name: "q", Kind: logging.File, Path: path, Size: 64 << 20, Versions: 1,
			PrintTime: logging.Local, PrintCategory: true, PrintSeverity: true}},
		Categories: map[string][]string{"default": {"null"}, "queries": {"q"}, "responses": {"q"}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { logs.Close() })
	cfg := testConfig()
	edit(cfg)
	s := newUnserved(tb, cfg, 1, newFakeNet("10.79.1.10/24").network())
	s.logs = newLoggers(slog.New(logs.Handler()))
	fill(tb, s)
	return s, logs, path
}

// A line for each query makes no garbage.
func TestQueryLogAllocatesNothing(t *testing.T) {
	s, logs, path := loggingToFile(t, func(c *config.Config) { c.QueryLog, c.ResponseLog = true, true })
	a := s.newAsker()
	dst := make([]byte, 0, udp.MaxReply)
	for _, e := range hits() {
		allocs := testing.AllocsPerRun(1000, func() {
			if _, what := e.serveOnce(a, dst); what != replied {
				t.Fatalf("serve = %v, want replied", what)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: a hit that is logged allocates %v times, want 0", e.name, allocs)
		}
	}
	logs.Close()
	text, err := os.ReadFile(path)
	if n := bytes.Count(text, []byte(": query: ")); err != nil || n != len(hits())*1001 {
		t.Errorf("%d lines, %v, want one for each of %d queries", n, err, len(hits())*1001)
	}
}

// BenchmarkQueryLog is the whole way of a line: reader, channel, file. The process's
// CPU time has the goroutine that writes in it.
func BenchmarkQueryLog(b *testing.B) {
	s, logs, _ := loggingToFile(b, func(c *config.Config) { c.QueryLog = true })
	a := s.newAsker()
	dst := make([]byte, 0, udp.MaxReply)
	hit, n := hits()[1], 0
	b.ReportAllocs()
	began := cpuTime(b)
	for b.Loop() {
		if _, what := hit.serveOnce(a, dst); what != replied {
			b.Fatalf("serve = %v, want replied", what)
		}
		if n++; n%udp.BatchSize == 0 {
			runtime.Gosched() // as a reader does
		}
	}
	logs.Close()
	b.ReportMetric(float64(cpuTime(b)-began)/float64(b.N), "cpu-ns/query")
	for _, l := range logs.Lost() {
		b.ReportMetric(float64(l.Lines)/float64(b.N), "lost/query")
	}
}

// cpuTime is what the process has used.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
