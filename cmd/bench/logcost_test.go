package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// README.md and monitoring.md say what full logs cost as the table of this README has it.
func TestLogCost(t *testing.T) {
	table := readPage(t, "README.md")
	least, most := addedCost(t, table, "query log to a file")
	leastBoth, mostBoth := addedCost(t, table, "query log and responselog to a file")
	for path, want := range map[string]string{
		"../../README.md": fmt.Sprintf("A full log costs %.0f to %.0f µs a query", least, mostBoth),
		"../../deploy/monitoring.md": fmt.Sprintf("A full query log costs %.0f to %.0f µs of CPU time a query, with the response log %.0f to %.0f µs",
			least, most, leastBoth, mostBoth),
	} {
		if !strings.Contains(readPage(t, path), want) {
			t.Errorf("%s lacks %q", path, want)
		}
	}
	_, measured, _ := strings.Cut(table, "<!-- observed:begin -->")
	date := regexp.MustCompile(`20\d\d-\d\d-\d\d`).FindString(measured)
	if want := "the-price-of-being-seen), " + date + ")"; date == "" || !strings.Contains(readPage(t, "../../deploy/monitoring.md"), want) {
		t.Errorf("monitoring.md lacks %q, when it was measured", want)
	}
}

// addedCost returns how many µs more than nothing a row has, over its loads.
func addedCost(t *testing.T, table, name string) (least, most float64) {
	t.Helper()
	nothing, row := costs(t, table, unobserved), costs(t, table, name)
	least, most = row[0]-nothing[0], row[0]-nothing[0]
	for i := range row {
		least, most = min(least, row[i]-nothing[i]), max(most, row[i]-nothing[i])
	}
	return least, most
}

// costs are the figures of a row of the table, without the ratios.
func costs(t *testing.T, table, name string) (all [3]float64) {
	t.Helper()
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 9 || strings.TrimSpace(cells[1]) != name {
			continue
		}
		for i := range all {
			var err error
			if all[i], err = strconv.ParseFloat(strings.TrimSpace(cells[2+2*i]), 64); err != nil {
				t.Fatalf("the row %q: %v", name, err)
			}
		}
		return all
	}
	t.Fatalf("the table has no row %q", name)
	return all
}

func readPage(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
