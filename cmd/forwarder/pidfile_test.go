package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/forwarder/host"
)

func TestPidFile(t *testing.T) {
	own := fmt.Sprintf("%d\n", os.Getpid())
	tests := []struct {
		name, before, warning string
	}{
		{"none", "", ""},
		{"ours", own, ""},
		{"stale", "4194305\n", ""}, // above the kernel's PID_MAX_LIMIT
		{"junk", "junk", ""},
		{"negative", "-1", ""},
		{"alive", "1\n", "named process 1, which runs"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "run", "named.pid")
			if test.before != "" {
				write(t, path, test.before)
			}
			warning, err := writePid(path)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(warning, test.warning) || test.warning == "" && warning != "" {
				t.Errorf("writePid(%q) warns %q, want %q", test.before, warning, test.warning)
			}
			if got, _ := os.ReadFile(path); string(got) != own {
				t.Errorf("pid file = %q, want %q", got, own)
			}
			if err := removePid(path); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Errorf("pid file after removePid: %v, want it gone", err)
			}
		})
	}
}

func TestPidFileOfAnotherStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "named.pid")
	write(t, path, "1\n")
	if err := removePid(path); err != nil {
		t.Error(err)
	}
	if got := readPid(path); got != 1 {
		t.Errorf("readPid = %d, want 1: the file is another's", got)
	}
}

func TestPidFileUnwritable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	write(t, dir, "")
	if _, err := writePid(filepath.Join(dir, "named.pid")); err == nil {
		t.Error("writePid below a file = nil, want an error")
	}
}

// Who started us to take its place is no other server.
func TestPidFileOfPredecessor(t *testing.T) {
	for _, env := range []string{"", "1"} {
		t.Setenv(detachedEnv, env)
		path := filepath.Join(t.TempDir(), "named.pid")
		write(t, path, fmt.Sprintln(os.Getppid()))
		warning, err := writePid(path)
		if err != nil || (warning == "") != (env != "") {
			t.Errorf("writePid over the parent's warns %q, %v; want a warning: %v", warning, err, env == "")
		}
	}
}

// readPid returns the process id in a file, 0 if there is none.
func readPid(path string) int {
	place, err := host.Locate(path)
	if err != nil {
		return 0
	}
	defer place.Close()
	return pidAt(place)
}

// write makes a file and its directory.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
