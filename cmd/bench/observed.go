package main

import (
	"fmt"
	"slices"

	"vpcdns/cmd/bench/markdown"
)

// unobserved is the forwarder of which nobody sees anything.
const unobserved = "nothing: no metrics address"

// Observed returns the table of what it costs to be seen: a row for each way, a column
// for each load, in CPU time a query and as a ratio of the same round to nothing at all.
func (r *Results) Observed() string {
	var loads, ways []string
	for _, s := range r.Series {
		if !slices.Contains(loads, s.Test) {
			loads = append(loads, s.Test)
		}
		if !slices.Contains(ways, s.Server) {
			ways = append(ways, s.Server)
		}
	}
	head := []string{"µs of CPU time a query"}
	for _, load := range loads {
		head = append(head, load, "÷ nothing")
	}
	rows := [][]string{head}
	for _, way := range ways {
		row := []string{way}
		for _, load := range loads {
			s := r.find(load, 0, way)
			row = append(row, cell(s), figure(ratio(s, r.find(load, 0, unobserved))))
		}
		rows = append(rows, row)
	}
	return fmt.Sprintf("%s, %s. Medians of %d rounds of one run.\n\n", r.Machine, r.Date, r.rounds()) + markdown.Table(1, rows)
}

// rounds is how many values a series has.
func (r *Results) rounds() int {
	if len(r.Series) == 0 {
		return 0
	}
	return len(r.Series[0].Values)
}
