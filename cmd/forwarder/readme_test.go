package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the comparison with BIND excuses is what users are told.
func TestDeviationsAreListed(t *testing.T) {
	const path = "../../forwarder/README.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range deviations {
		if !strings.Contains(string(text), "| "+d.reason+" |") {
			t.Errorf("%s has no line for %q", path, d.reason)
		}
	}
}

// readmes are all pages of the repository, by path from its top.
func readmes(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	err := filepath.WalkDir(moduleRoot, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		texts[strings.TrimPrefix(path, moduleRoot+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// moduleRoot is the directory of the README.
const moduleRoot = "../.."

var markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// Links lead to files that exist, and to headings that they have.
func TestReadmeLinks(t *testing.T) {
	texts := readmes(t)
	for from, text := range texts {
		for _, m := range markdownLink.FindAllStringSubmatch(text, -1) {
			file, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(file, "://") {
				continue
			}
			to := from
			if file != "" {
				to = path.Join(path.Dir(from), file)
			}
			if _, err := os.Stat(filepath.Join(moduleRoot, to)); err != nil {
				t.Errorf("%s: link %s: %v", from, m[1], err)
			}
			if anchor != "" && !slices.Contains(anchors(texts[to]), anchor) {
				t.Errorf("%s: link %s: %s has no such heading", from, m[1], to)
			}
		}
	}
}

// anchors are the names that a Markdown text's headings have as GitHub shows it.
func anchors(text string) (list []string) {
	dropped := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for line := range strings.Lines(text) {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && line[0] == '#' {
			name := dropped.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
			list = append(list, strings.ReplaceAll(name, " ", "-"))
		}
	}
	return list
}

// The README shows some lines of each table as they stand where it is made.
func TestReadmeShowsLinesOfTables(t *testing.T) {
	texts := readmes(t)
	for heading, table := range map[string]string{
		"## Speed\n":  "cmd/bench/README.md",
		"## Faults\n": "cmd/forwarder/faults/README.md",
	} {
		_, section, _ := strings.Cut(texts["README.md"], heading)
		section, _, _ = strings.Cut(section, "\n## ")
		want, shown := tableRows(texts[table]), tableRows(section)
		if len(shown) < 4 {
			t.Errorf("%q shows %d lines of %s, want a head and three figures at least", heading, len(shown), table)
		}
		for _, row := range shown {
			if !slices.Contains(want, row) {
				t.Errorf("%q shows %q, which is not in %s", heading, row, table)
			}
		}
	}
}

// tableRows are the rows of a text's tables, however they are laid out.
func tableRows(text string) (rows []string) {
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|-") {
			continue
		}
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	return rows
}

// What is longer is not read. Tables belong where they are made.
func TestReadmeIsShort(t *testing.T) {
	const most = 19_500
	info, err := os.Stat(filepath.Join(moduleRoot, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > most {
		t.Errorf("README.md has %d octets, want %d at most", info.Size(), most)
	}
}
