package deploy

import (
	"slices"
	"strings"
	"testing"
)

// plantedError is one edit of a template, and who finds it: a check of this package (or
// "template", which is working it out at all), and, where they are, the tools.
type plantedError struct {
	name, old, new string
	check          string
	lint           string // the code that cfn-lint finds it by; "" is none
	moto           bool
}

// edit plants the error: the first old becomes new.
func (p plantedError) edit(t *testing.T, text string) string {
	t.Helper()
	if !strings.Contains(text, p.old) {
		t.Fatalf("%s: there is no %q to edit", p.name, p.old)
	}
	return strings.Replace(text, p.old, p.new, 1)
}

// Each kind of error is found without any tool.
func TestPlantedErrors(t *testing.T) {
	source := read(t, "pair.yaml")
	for _, p := range pairPlanted {
		found := checksThatFind(p.edit(t, source))
		if !slices.Contains(found, p.check) {
			t.Errorf("%s: found by the checks %q, want %s", p.name, found, p.check)
		}
		t.Logf("%s: found by %s", p.name, strings.Join(found, ", "))
	}
}

// checksThatFind returns the checks that find something, for any set of parameters.
func checksThatFind(text string) (names []string) {
	tm, err := parse([]byte(text))
	if err != nil {
		return []string{"template"}
	}
	for _, set := range pairSets {
		for _, line := range find(tm, pairChecks, set) {
			name, _, _ := strings.Cut(line, ":")
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}
