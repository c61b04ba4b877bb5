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
		tm, err := parse([]byte(p.edit(t, source)))
		if err != nil && p.check == "template" {
			continue
		}
		if err != nil || !tm.isFound(p.check, pairChecks, pairSets) {
			t.Errorf("%s: not found by the check %s, %v", p.name, p.check, err)
		}
	}
}

// isFound reports whether the check of this name finds something, for any set of
// parameters. The others are not asked, as all take a tenth of a second for a template.
func (tm *template) isFound(name string, checks []check, sets map[string]map[string]string) bool {
	checks = slices.DeleteFunc(slices.Clone(checks), func(c check) bool { return c.name != name })
	for _, set := range sets {
		for _, line := range find(tm, checks, set) {
			if strings.HasPrefix(line, name+": ") {
				return true
			}
		}
	}
	return false
}
