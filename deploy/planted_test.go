package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// plantedError is one edit of a template, and who finds it: a check of this package (or
// "template", which is working it out at all), and, where they are, the tools.
type plantedError struct {
	name, old, new string
	check          string
	lint, moto     bool
}

// edit plants the error: the first old becomes new.
func (p plantedError) edit(t *testing.T, text string) string {
	t.Helper()
	if !strings.Contains(text, p.old) {
		t.Fatalf("%s: there is no %q to edit", p.name, p.old)
	}
	return strings.Replace(text, p.old, p.new, 1)
}

// Each kind of error is found without any tool, and each tool finds what it is said to.
func TestPlantedErrors(t *testing.T) {
	source, err := os.ReadFile("pair.yaml")
	if err != nil {
		t.Fatal(err)
	}
	finders := make(map[string][]string)
	for _, p := range pairPlanted {
		finders[p.name] = checksThatFind(p.edit(t, string(source)))
		if !slices.Contains(finders[p.name], p.check) {
			t.Errorf("%s: found by the checks %q, want %s", p.name, finders[p.name], p.check)
		}
	}
	t.Run("cfn-lint", func(t *testing.T) {
		ask := linter{tool(t, "cfn-lint", "cfn-lint")}.says
		holdTool(t, string(source), func(p plantedError) bool { return p.lint }, ask, finders)
	})
	t.Run("moto", func(t *testing.T) {
		holdTool(t, string(source), func(p plantedError) bool { return p.moto }, startMoto(t).says, finders)
	})
	for _, p := range pairPlanted {
		t.Logf("%s: found by %s", p.name, strings.Join(finders[p.name], ", "))
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

// holdTool asks a tool about the errors that it has to find, and about the template as it
// is. (Not about all: they take seconds for each.) It adds it to those that find them.
func holdTool(t *testing.T, source string, finds func(plantedError) bool, says func(*testing.T, []string) []string, finders map[string][]string) {
	texts, errors := []string{source}, []plantedError{}
	for _, p := range pairPlanted {
		if finds(p) {
			texts, errors = append(texts, p.edit(t, source)), append(errors, p)
		}
	}
	said := says(t, texts)
	if said[0] != "" {
		t.Errorf("of the template as it is it says: %s", said[0])
	}
	for i, p := range errors {
		if said[i+1] == "" {
			t.Errorf("%s: it says nothing", p.name)
			continue
		}
		finders[p.name] = append(finders[p.name], filepath.Base(t.Name()))
	}
}
