package workbench

import (
	"os"
	"strings"
	"testing"
)

// HoldSection holds what a Markdown file has between its marks, which are
// "<!-- mark:begin -->" and "<!-- mark:end -->", against want. With write it is
// written there instead.
func HoldSection(t testing.TB, path, mark, want string, write bool) {
	t.Helper()
	begin, end := "<!-- "+mark+":begin -->\n", "<!-- "+mark+":end -->"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b, e := strings.Count(string(text), begin), strings.Count(string(text), end); b != 1 || e != 1 {
		t.Fatalf("%s has %d begins and %d ends of the %s, want one of each", path, b, e, mark)
	}
	before, rest, _ := strings.Cut(string(text), begin)
	has, after, ended := strings.Cut(rest, end)
	switch {
	case !ended:
		t.Fatalf("%s has the end of the %s before their begin", path, mark)
	case has == want:
	case !write:
		t.Fatalf("the %s in %s are not those of the code: run this test with -update", mark, path)
	default:
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
