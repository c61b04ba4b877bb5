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

const (
	serviceFile = "../../forwarder.service"
	mendFile    = "../../deploy/forwarder-mend.service"
	keyFileUnit = "../../deploy/forwarder-key.service"
)

var unitFiles = []string{serviceFile, mendFile, keyFileUnit}

// copiedUnits returns the paths of copies of the units, which start the program.
func copiedUnits(t *testing.T, program string) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for _, file := range unitFiles {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.Base(file))
		write(t, path, strings.ReplaceAll(string(text), "/usr/sbin/forwarder", program))
		paths = append(paths, path)
	}
	return paths
}

func TestServiceIsValid(t *testing.T) {
	analyze := workbench.Need(t, "systemd-analyze")
	self, err := os.Executable() // verify wants programs that exist
	if err != nil {
		t.Fatal(err)
	}
	// Without --recursive-errors the status is 0 whatever is found.
	args := append([]string{"verify", "--recursive-errors=yes", "--man=no"}, copiedUnits(t, self)...)
	out, err := exec.Command(analyze, args...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify = %v, want silence:\n%s", err, out)
	}
}

func TestServiceIsConfined(t *testing.T) {
	analyze := workbench.Need(t, "systemd-analyze")
	const most = "15" // ten times the exposure level
	for _, file := range unitFiles {
		out, err := exec.Command(analyze, "security", "--offline=true", "--threshold="+most, "--no-pager", file).CombinedOutput()
		if err != nil {
			t.Errorf("systemd-analyze security: more exposed than 1.5:\n%s", out)
		}
	}
}

// Every directive has a comment above it, or above the ones it stands with.
func TestServiceIsExplained(t *testing.T) {
	for _, file := range unitFiles {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		wantExplained(t, filepath.Base(file), string(text))
	}
}

func wantExplained(t *testing.T, file, text string) {
	self := []string{"Description", "Documentation", "WantedBy"} // say it themselves
	explained := false
	for n, line := range strings.Split(text, "\n") {
		key, _, directive := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(line, "#"):
			explained = true
		case line == "" || strings.HasPrefix(line, "["):
			explained = false
		case directive && !explained && !slices.Contains(self, key):
			t.Errorf("%s:%d: %s stands without a comment", file, n+1, line)
		}
	}
}
