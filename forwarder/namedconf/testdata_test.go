package namedconf

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const testdata = "../../testdata/named.conf"

var update = flag.Bool("update", false, "write the goldens of testdata/named.conf")

// configs returns the names of the files of testdata that match pattern, and
// makes testdata the working directory, as includes there are relative.
func configs(t *testing.T, pattern string) []string {
	t.Helper()
	t.Chdir(testdata)
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("Glob(%s) = %v, %v, want files", pattern, names, err)
	}
	return names
}

// A good-*.conf has no finding, and its golden is what Format makes of it.
func TestGood(t *testing.T) {
	for _, name := range configs(t, "good-*.conf") {
		t.Run(name, func(t *testing.T) {
			f := Load(name, Limits{})
			if len(f.Findings) > 0 {
				t.Errorf("Load(%s).Findings = %v, want none", name, f.Findings)
			}
			golden(t, name, text(t, f.Statements))
		})
	}
}

// The golden of a bad-*.conf holds its findings. There is none where the
// syntax is fine and the meaning is bad.
func TestBad(t *testing.T) {
	for _, name := range configs(t, "bad-*.conf") {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for _, finding := range findings(Load(name, Limits{})) {
				b.WriteString(finding + "\n")
			}
			golden(t, name, b.String())
		})
	}
}

// golden compares got with the golden of the config name; an empty text has
// no file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	name = strings.TrimSuffix(name, ".conf") + ".golden"
	if *update {
		writeGolden(t, name, got)
	}
	want, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant, as in %s,\n%s", got, name, want)
	}
}

func writeGolden(t *testing.T, name, text string) {
	t.Helper()
	err := os.WriteFile(name, []byte(text), 0o644)
	if text == "" {
		err = os.Remove(name)
		if os.IsNotExist(err) {
			err = nil
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}
