package faults

import (
	"fmt"
	"testing"

	"vpcdns/cmd/bench/markdown"
	"vpcdns/forwarder/workbench"
)

const pageFile = "../../../deploy/corporate.md"

// What deploy/corporate.md shows is what was measured.
func TestReadmeCorporate(t *testing.T) {
	workbench.HoldSection(t, pageFile, "figures", loadResults(t).page(), *updateFlag)
}

// page returns the table of deploy/corporate.md: a line for each program, and for
// each figure what it is with the snippet, and as the program comes.
func (r *results) page() string {
	head := []string{"behind", ""}
	for _, column := range perPlace {
		title := column.title
		if column.unit != "" {
			title += ", " + column.unit
		}
		head = append(head, title)
	}
	rows := [][]string{head}
	for _, name := range downstreamNames() {
		rows = append(rows, r.places(name, name, "as here"), r.places(name+asItComes, "", "as it comes"))
	}
	return fmt.Sprintf("Measured %s.\n\n", r.Measured[corporate.name]) + markdown.Table(2, rows)
}

// places is the line of one place.
func (r *results) places(place, first, second string) []string {
	cells := []string{first, second}
	for _, column := range perPlace {
		v := r.Figures[corporate.name][place+": "+column.title]["forwarder"]
		cells = append(cells, show(float64(v), column.unit))
	}
	return cells
}
