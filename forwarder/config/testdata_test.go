package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/forwarder/namedconf"
)

// TestFindingsOfTestdata holds all findings of a file of testdata to its golden,
// NAME.findings, where there is one.
func TestFindingsOfTestdata(t *testing.T) {
	t.Chdir("../../testdata/named.conf")
	goldens, err := filepath.Glob("*.findings")
	if err != nil || len(goldens) == 0 {
		t.Fatalf("Glob(*.findings) = %v, %v, want files", goldens, err)
	}
	for _, golden := range goldens {
		t.Run(golden, func(t *testing.T) {
			name := strings.TrimSuffix(golden, ".findings") + ".conf"
			_, report, err := Load(name)
			if good := strings.HasPrefix(name, "good-"); good != (err == nil) {
				t.Errorf("Load(%s) = %v", name, err)
			}
			holdFindings(t, golden, report)
		})
	}
}

func holdFindings(t *testing.T, golden string, report Report) {
	var got strings.Builder
	for _, f := range report.Findings {
		if f.Severity != namedconf.Error {
			f.Message = f.Severity.String() + ": " + f.Message
		}
		got.WriteString(f.String() + "\n")
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("findings are\n%s\nwant, as in %s,\n%s", &got, golden, want)
	}
}
