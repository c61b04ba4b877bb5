package namedconf

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// FuzzParse checks that a finding points into the source, and that the tree,
// whatever was wrong with the source, is a fixed point of Format and Parse.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob(testdata + "/*.conf")
	if err != nil || len(files) == 0 {
		f.Fatalf("Glob(%s) = %v, %v, want files", testdata, files, err)
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		file := Parse("x", src, Limits{})
		checkPositions(t, src, file)
		formatted := text(t, file.Statements)
		again := Parse("y", []byte(formatted), Limits{})
		if len(again.Findings) > 0 || !equal(again.Statements, file.Statements, false) {
			t.Errorf("Parse(%.300q) = %.300v, %v, want %.300v", formatted, again.Statements, again.Findings, file.Statements)
		}
		if got := text(t, again.Statements); got != formatted {
			t.Errorf("Format(Parse(%.300q)) = %.300q", formatted, got)
		}
	})
}

// checkPositions checks that each item stands where its position says.
func checkPositions(t *testing.T, src []byte, f *File) {
	starts := []int{0} // offsets of lines
	for i, c := range src {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	at := func(p Pos) string { return string(src[starts[p.Line-1]+int(p.Col)-1:]) }
	for _, finding := range f.Findings {
		_ = at(finding.Pos) // panics outside of src
	}
	first := map[ItemKind]string{String: `"`, Block: "{", Bang: "!", Slash: "/"}
	for _, s := range flatten(f.Statements) {
		for _, i := range s.Items {
			want := first[i.Kind] + i.Text
			if i.Kind == String {
				want = `"`
			}
			if got := at(i.Pos); len(got) < len(want) || got[:len(want)] != want {
				t.Errorf("item %v at %v: source has %.30q", i, i.Pos, got)
			}
		}
	}
}

// flatten returns statements and those in their blocks.
func flatten(statements []Statement) []Statement {
	flat := slices.Clone(statements)
	for _, s := range statements {
		for _, i := range s.Items {
			flat = append(flat, flatten(i.Body)...)
		}
	}
	return flat
}
