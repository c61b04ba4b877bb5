package top

import (
	"fmt"
	"strings"
)

// table is rows of cells, the first of which is the head.
type table [][]string

// leastColumn is how narrow a column may become: what there is more of leaves the screen.
const leastColumn = 4

// lines lays the table out within a width: the widest columns are cut first.
func (t table) lines(width int) []string {
	var widths []int
	for _, row := range t {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len(cell))
		}
	}
	narrow(widths, width)
	list := make([]string, len(t))
	for i, row := range t {
		var b strings.Builder
		for j, cell := range row {
			fmt.Fprintf(&b, "%-*s  ", widths[j], cut(clean(cell), widths[j]))
		}
		list[i] = strings.TrimRight(b.String(), " ")
	}
	return list
}

// narrow makes columns fit, with two blanks after each but the last.
func narrow(widths []int, width int) {
	total := 2 * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for ; total > width; total-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= leastColumn {
			return
		}
		widths[widest]--
	}
}
