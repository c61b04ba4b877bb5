package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"vpcdns/forwarder/config"
)

// printOptions writes a table of the options of named.conf, or the rows of the
// one that is called name, and returns the exit status.
func printOptions(stdout, stderr io.Writer, name string) int {
	options := config.Options()
	if name != "" {
		options = slices.DeleteFunc(options, func(o config.Option) bool { return !strings.EqualFold(o.Name, name) })
	}
	if len(options) == 0 {
		fmt.Fprintf(stderr, "forwarder: unknown option '%s' of named.conf\n", name)
		return 1
	}
	rows := []optionRow{{"OPTION", "HERE", "IN", "VALUE", "WHY"}}
	for _, o := range options {
		rows = append(rows, rowOf(o))
	}
	writeOptions(stdout, rows)
	return 0
}

// optionRow is a line of the table, by column.
type optionRow [5]string

func rowOf(o config.Option) optionRow {
	why := o.Why
	if o.Except != "" {
		why += "; '" + o.Except + "' is fine"
	}
	return optionRow{o.Name, o.Treatment.String(), o.In, o.Value, why}
}

// widest is how wide each column becomes at most, in characters; the last one
// is as wide as it is. A few long cells are not worth a table of 350: they push
// the rest of their line aside.
var widest = [len(optionRow{})]int{40, 10, 24, 24, 0}

// writeOptions writes rows with their columns aligned.
func writeOptions(w io.Writer, rows []optionRow) {
	var widths [len(optionRow{})]int
	for _, r := range rows {
		for i, cell := range r {
			widths[i] = max(widths[i], min(utf8.RuneCountInString(cell), widest[i]))
		}
	}
	for _, r := range rows {
		var line strings.Builder
		for i, cell := range r {
			fmt.Fprintf(&line, "%-*s  ", widths[i], cell)
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}
