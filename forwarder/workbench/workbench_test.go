package workbench

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// .ci/run installs what tests need.
func TestInstalled(t *testing.T) {
	script, err := os.ReadFile("../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(script), "\npeers=(")
	list, _, _ := strings.Cut(rest, ")")
	for _, p := range programs {
		if !slices.Contains(strings.Fields(list), p.pkg) {
			t.Errorf(".ci/run does not install %s, which brings %s", p.pkg, p.name)
		}
	}
}
