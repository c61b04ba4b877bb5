package namedconf

import (
	"errors"
	"testing"
)

func TestFormat(t *testing.T) {
	tests := []struct {
		name, src, want string
	}{
		{"nothing", "", ""},
		{"statements", "a  b; c;", "a b;\nc;\n"},
		{"blocks", "a{b;c \"d\"{e;};};", "a {\n\tb;\n\tc \"d\" {\n\t\te;\n\t};\n};\n"},
		{"empty block", "a { };", "a {\n};\n"},
		{"items after blocks", "a { b; } c { d; } e;", "a {\n\tb;\n} c {\n\td;\n} e;\n"},
		{"negation", "a { ! b; ! { ! \"c\"; }; };", "a {\n\t!b;\n\t!{\n\t\t!\"c\";\n\t};\n};\n"},
		{"prefix", "a { 10 / 8; };", "a {\n\t10/8;\n};\n"},
		{"slash and star", "a 1 / *;", "a 1/ *;\n"},
		{"string", `a "b\"c\\" "";`, `a "b\"c\\" "";` + "\n"},
		{"string of lines", "a \"b\nc\";", "a \"b\nc\";\n"},
		{"comments go", "a /* b */ c; # d\n", "a c;\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := Parse("x", []byte(test.src), Limits{})
			if got := text(t, f.Statements); got != test.want || len(f.Findings) > 0 {
				t.Errorf("Format(%q) = %q, %v, want %q", test.src, got, f.Findings, test.want)
			}
		})
	}
}

var errWriter = errors.New("disk full")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errWriter }

func TestFormatError(t *testing.T) {
	f := Parse("x", []byte("a;"), Limits{})
	if got := Format(failingWriter{}, f.Statements); !errors.Is(got, errWriter) {
		t.Errorf("Format() = %v, want %v", got, errWriter)
	}
}
