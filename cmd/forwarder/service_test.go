package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

const serviceFile = "../../forwarder.service"

// unit returns the path of a copy of forwarder.service that starts the program.
func unit(t *testing.T, program string) string {
	t.Helper()
	text, err := os.ReadFile(serviceFile)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "forwarder.service")
	write(t, path, strings.ReplaceAll(string(text), "/usr/sbin/forwarder", program))
	return path
}

func TestServiceIsValid(t *testing.T) {
	analyze := workbench.Need(t, "systemd-analyze")
	self, err := os.Executable() // verify wants programs that exist
	if err != nil {
		t.Fatal(err)
	}
	// Without --recursive-errors the status is 0 whatever is found.
	out, err := exec.Command(analyze, "verify", "--recursive-errors=yes", "--man=no", unit(t, self)).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify = %v, want silence:\n%s", err, out)
	}
}

func TestServiceIsConfined(t *testing.T) {
	analyze := workbench.Need(t, "systemd-analyze")
	const most = "15" // ten times the exposure level
	out, err := exec.Command(analyze, "security", "--offline=true", "--threshold="+most, "--no-pager", serviceFile).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: more exposed than 1.5:\n%s", out)
	}
}

// Every directive has a comment above it, or above the ones it stands with.
func TestServiceIsExplained(t *testing.T) {
	text, err := os.ReadFile(serviceFile)
	if err != nil {
		t.Fatal(err)
	}
	self := []string{"Description", "Documentation", "WantedBy"} // say it themselves
	explained := false
	for n, line := range strings.Split(string(text), "\n") {
		key, _, directive := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(line, "#"):
			explained = true
		case line == "" || strings.HasPrefix(line, "["):
			explained = false
		case directive && !explained && !slices.Contains(self, key):
			t.Errorf("line %d: %s stands without a comment", n+1, line)
		}
	}
}
