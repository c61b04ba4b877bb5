package lab

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var snippet = regexp.MustCompile("(?m)^<!-- snippet: ([a-z.-]+) -->\n```\n((?s:.*?))^```$")

// Snippets returns what deploy/corporate.md says to write into configurations of
// the corporate side, by the name in the comment above each.
func Snippets(t testing.TB) map[string]string {
	t.Helper()
	return readSnippets(t, "deploy/corporate.md")
}

// PlainSnippets are those of who writes just what it takes to reach the pair.
func PlainSnippets(t testing.TB) map[string]string {
	t.Helper()
	return readSnippets(t, "cmd/forwarder/lab/testdata/plain.md")
}

func readSnippets(t testing.TB, path string) map[string]string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root(t), path))
	if err != nil {
		t.Fatal(err)
	}
	snippets := map[string]string{}
	for _, found := range snippet.FindAllSubmatch(page, -1) {
		snippets[string(found[1])] = string(found[2])
	}
	return snippets
}
