package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

// BuildForwarder returns the path of a forwarder built from this module, with
// the race detector if the test has it. An environment variable overrules:
// FORWARDER=/usr/sbin/forwarder.
func BuildForwarder(t testing.TB) string {
	t.Helper()
	return build(t, "forwarder")
}

// BuildFailover is the same for failover.
func BuildFailover(t testing.TB) string {
	t.Helper()
	return build(t, "failover")
}

func build(t testing.TB, program string) string {
	t.Helper()
	if path := os.Getenv(strings.ToUpper(program)); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), program)
	args := []string{"build", "-o", path}
	if RaceEnabled() {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "vpcdns/cmd/"+program)...).CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", program, err, out)
	}
	return path
}

// BuildReleased returns the path of a forwarder built as it is released: without the
// race detector, and with nothing of the machine linked in, so that it runs anywhere.
// The environment variable FORWARDER_RELEASED overrules.
func BuildReleased(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("FORWARDER_RELEASED"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "forwarder")
	cmd := exec.Command("go", "build", "-o", path, "vpcdns/cmd/forwarder")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the forwarder: %v\n%s", err, out)
	}
	return path
}

// RaceEnabled reports whether the test has the race detector, which slows
// everything down several times.
func RaceEnabled() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// Reference returns the text of the reference configuration.
func Reference(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "testdata/named.conf/good-reference.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// root returns the module's directory, which is above the test's.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; filepath.Dir(dir) != dir; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("no go.mod above the test")
	return ""
}
