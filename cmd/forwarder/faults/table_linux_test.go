package faults

import (
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

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
	return r.heading(head[4:]) + "\n" + align(rows)
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

// align lays rows out as a Markdown table, numbers to the right. The first row
// is the head.
func align(rows [][]string) string {
	const words = 2 // columns that are not numbers
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], 2, utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for i, row := range rows {
		for j, c := range row {
			pad := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(c))
			if j < words {
				c, pad = c+pad, ""
			}
			b.WriteString("| " + pad + c + " ")
		}
		b.WriteString("|\n")
		if i > 0 {
			continue
		}
		for j, w := range widths {
			dashes := strings.Repeat("-", w+1)
			b.WriteString("|" + dashes + map[bool]string{true: "-", false: ":"}[j < words])
		}
		b.WriteString("|\n")
	}
	return b.String()
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
