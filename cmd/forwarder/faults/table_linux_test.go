package faults

import (
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"vpcdns/cmd/bench/markdown"
	"vpcdns/cmd/forwarder/lab"
)

const (
	readmeFile = "README.md"
	begin, end = "<!-- faults:begin -->\n", "<!-- faults:end -->\n"
)

// embed replaces what stands between the marks, if there are any.
func embed(text, table string) (string, bool) {
	before, rest, begun := strings.Cut(text, begin)
	_, after, ended := strings.Cut(rest, end)
	return before + begin + table + end + after, begun && ended
}

// table returns the table of README.md: rows are figures, columns servers.
func (r *results) table() string {
	head := []string{"fault: figure", "unit", "must reach", "forwarder"}
	for _, p := range lab.Peers {
		head = append(head, p.Name)
	}
	rows := [][]string{head}
	for _, sc := range scenarios {
		for _, row := range sc.rows {
			rows = append(rows, r.line(sc, row, head[3:]))
		}
	}
	return r.heading(head[4:]) + "\n" + markdown.Table(2, rows)
}

// heading says where, when and what.
func (r *results) heading(peers []string) string {
	var versions []string
	for _, p := range peers {
		if v := r.Versions[p]; v != "" {
			versions = append(versions, p+" "+v)
		}
	}
	measured := slices.Compact(slices.Sorted(maps.Values(r.Measured)))
	return fmt.Sprintf("%s; %s.\n", strings.Join(measured, ", "), strings.Join(versions, ", "))
}

func (r *results) line(sc scenario, row row, servers []string) []string {
	limit := ""
	if row.limit.sign != "" {
		limit = row.limit.sign + " " + show(row.limit.value, row.unit)
	}
	cells := []string{row.title, row.unit, limit}
	for _, server := range servers {
		v, ok := r.Figures[sc.name][row.title][server]
		if !ok {
			cells = append(cells, "")
			continue
		}
		cells = append(cells, show(float64(v), row.unit))
	}
	return cells
}

// show never rounds a share up to 100 %.
func show(v float64, unit string) string {
	switch {
	case math.IsInf(v, 0):
		return "never"
	case unit == "%" && v < 100:
		return fmt.Sprintf("%.1f", math.Floor(v*10)/10)
	case unit == "s" && v != math.Trunc(v):
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// What README.md shows is what was measured.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile(readmeFile)
	if err != nil {
		t.Fatal(err)
	}
	want, ok := embed(string(text), loadResults(t).table())
	if !ok {
		t.Fatalf("%s has no section between %q and %q", readmeFile, begin, end)
	}
	if want == string(text) {
		return
	}
	if !*updateFlag {
		t.Fatal("the faults in README.md are not those of testdata/faults.json: go test ./cmd/forwarder/faults -run Readme -update")
	}
	if err := os.WriteFile(readmeFile, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
