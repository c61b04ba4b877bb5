//go:build unix

package logging

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A notable warning that no channel takes goes to syslog, once; others do not, nor
// what a channel takes.
func TestLastResort(t *testing.T) {
	file := func(s slog.Level) []Channel {
		return []Channel{{Name: "f", Kind: File, Path: filepath.Join(t.TempDir(), "log"), Severity: s}}
	}
	for name, tc := range map[string]struct {
		channels []Channel
		to       []string
		want     bool
	}{
		"errors only":        {file(Error), []string{"f"}, true},
		"takes warnings":     {file(Warning), []string{"f"}, false},
		"null":               {nil, []string{"null"}, true},
		"nothing":            {nil, nil, true},
		"errors, and stderr": {file(Error), []string{"f", "default_stderr"}, false},
		"debug only":         {nil, []string{"default_debug"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			path := filepath.Join(t.TempDir(), "syslog")
			daemon := listen(t, path)
			l, err := open(Config{Channels: tc.channels, Categories: map[string][]string{"default": tc.to, "last": {"default_syslog"}}, LastResort: true},
				env{now: w.now, stderr: w, tag: "forwarder", syslog: []string{path}})
			if err != nil {
				t.Fatal(err)
			}
			notable := slog.New(l.Handler()).With(CategoryKey, "resolver", NotableKey, true)
			notable.Info("no trouble")
			notable.Warn("trouble")
			l.Logger("resolver").Warn("no trouble")
			l.Logger("last").Info("end")
			want := []string{"end"}
			if tc.want {
				want = []string{"trouble", "end"}
			}
			for _, text := range want {
				if got := receive(t, daemon); !strings.HasSuffix(got, "]: "+text) {
					t.Errorf("syslog has %q, want %q", got, text)
				}
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// While the only file fails, notable lines have another way, and what is wrong with it
// is told there, once. Faults tells too.
func TestLastResortOfFailingFile(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "sub", "log")
	if err := os.WriteFile(filepath.Dir(path), nil, 0o644); err != nil { // where the directory would be
		t.Fatal(err)
	}
	daemon := listen(t, filepath.Join(dir, "syslog"))
	l, err := open(Config{LastResort: true}, env{now: w.now, stderr: w, tag: "forwarder", syslog: []string{filepath.Join(dir, "syslog")}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w.logs = append(w.logs, l)
	if err := l.Swap(Config{Channels: []Channel{{Name: "f", Kind: File, Path: path}}, Categories: map[string][]string{"default": {"f"}}, LastResort: true}); err != nil {
		t.Fatal(err)
	}
	want := func(text string) {
		t.Helper()
		if got := receive(t, daemon); !strings.Contains(got, "]: "+text) {
			t.Errorf("syslog has %q, want %q", got, text)
		}
	}
	notable := slog.New(l.Handler()).With(NotableKey, true)
	want(fmt.Sprintf("logging to %s failed: ", path))
	notable.Warn("one")
	want("one")
	if f := l.Faults(); len(f) != 1 || f[0].Channel != "f" || f[0].Place != path || f[0].Err == nil {
		t.Errorf("Faults() = %v, want that of f", f)
	}
	flush(l)
	if err := os.Remove(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	w.pass(retryAfter)
	l.Logger("general").Info("two") // it is not known yet that it can be written
	want(fmt.Sprintf("logging to %s works again (after 1s), 1 lines were lost", path))
	notable.Warn("three")
	flush(l)
	if f := l.Faults(); len(f) != 0 || w.printed() != "" {
		t.Errorf("Faults() = %v, stderr = %q, want none", f, w.printed())
	}
}
