// Package markdown lays out what is measured for a page.
package markdown

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Count writes 10000 as 10 k.
func Count(n int) string {
	switch {
	case n >= 1_000_000 && n%100_000 == 0:
		return fmt.Sprintf("%g M", float64(n)/1e6)
	case n >= 1000 && n%100 == 0:
		return fmt.Sprintf("%g k", float64(n)/1e3)
	}
	return fmt.Sprint(n)
}

// Table lays rows out as a Markdown table, numbers to the right: so many columns hold
// words, the others numbers. The first row is the head.
func Table(words int, rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], 3, utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for i, row := range rows {
		for j, cell := range row {
			pad := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell))
			if j < words {
				cell, pad = cell+pad, ""
			}
			b.WriteString("| " + pad + cell + " ")
		}
		b.WriteString("|\n")
		if i == 0 {
			b.WriteString(rule(words, widths))
		}
	}
	return b.String()
}

// rule is the line below the head.
func rule(words int, widths []int) string {
	var b strings.Builder
	for i, w := range widths {
		side := ":"
		if i < words {
			side = "-"
		}
		b.WriteString("|" + strings.Repeat("-", w+1) + side)
	}
	return b.String() + "|\n"
}
