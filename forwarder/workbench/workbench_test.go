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
	list := func(name string) []string {
		_, rest, _ := strings.Cut(string(script), "\n"+name+"=(")
		words, _, _ := strings.Cut(rest, ")")
		return strings.Fields(words)
	}
	if got := list("unpacked"); !slices.Equal(got, unpacked) {
		t.Errorf(".ci/run unpacks %v, want %v", got, unpacked)
	}
	all := slices.Concat(list("peers"), unpacked)
	for _, p := range programs {
		if !slices.Contains(all, p.pkg) {
			t.Errorf(".ci/run does not install %s, which brings %s", p.pkg, p.name)
		}
	}
}
