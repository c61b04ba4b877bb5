package config

import (
	goflag "flag"
	"os"
	"strings"
	"testing"
)

var update = goflag.Bool("update", false, "write the table of options in the README")

// The README's table of options is that of the code.
func TestReadmeOptions(t *testing.T) {
	const path, begin, end = "../../README.md", "<!-- options:begin -->\n", "<!-- options:end -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		t.Fatalf("%s has no section between %q and %q", path, begin, end)
	}
	want := before + begin + OptionTable() + end + after
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatal("the options in README.md are not those of the code: go test ./forwarder/config -run Readme -update")
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
