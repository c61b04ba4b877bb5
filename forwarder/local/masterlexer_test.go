package local

import (
	"strings"
	"testing"
)

func TestLexer(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "."},
		{"a", "a / ."},
		{"a b\n", "a b / ."},
		{"\n\n", "/ / ."},
		{" a\n", "_ a / ."},
		{"\t \n", "_ / ."},
		{"a ; b \"c\n", "a / ."},
		{"a;b\n", "a / ."},
		{"; only\n", "/ ."},
		{"a (b\n  c ) d\n", "a b c d / ."},
		{"(\na )\n", "a / ."},
		{"a(b)c\n", "a b c / ."},
		{"a ( ; b )\n c )\n", "a c / ."},
		{"\"a b\" \"\"\n", "'a b' '' / ."},
		{"a\"b c\"d\n", "a 'b c' d / ."},
		{`"a\"b" c\"d` + "\n", `'a\"b' c\"d / .`},
		{`a\ b\;c\(` + "\n", `a\ b\;c\( / .`},
		{`a\` + "\nb\n", `a\ / b / .`},
		{`a\`, `a\ / .`},
		{"a\r\nb\r\n", "a / b / ."},
		{"a\rb", "a / b / ."},
		{"\"a\n\"", "! unbalanced quotes"},
		{"\"a", "! unbalanced quotes"},
		{`"a\`, "! unbalanced quotes"},
		{"(a\n", "a ! unbalanced parentheses"},
		{"a)\n", "a ! unbalanced parentheses"},
	} {
		if got := allTokens(test.text); got != test.want {
			t.Errorf("tokens of %q = %s, want %s", test.text, got, test.want)
		}
	}
}

// allTokens writes the tokens: / is the end of a line, . that of the file, _ white space.
func allTokens(text string) string {
	var list []string
	for l := newLexer(text); ; {
		t, err := l.next()
		if err != nil {
			return strings.Join(append(list, "!", err.Error()), " ")
		}
		switch t.kind {
		case word:
			list = append(list, t.text)
		case quoted:
			list = append(list, "'"+t.text+"'")
		case blank:
			list = append(list, "_")
		case endOfLine:
			list = append(list, "/")
		case endOfFile:
			return strings.Join(append(list, "."), " ")
		}
	}
}

func TestLexerLines(t *testing.T) {
	l := newLexer("a\n(b\nc)\r\n\n\"d\" e")
	for _, want := range []int{1, 2, 2, 3, 4, 5, 5, 5} { // behind each token
		if _, err := l.next(); err != nil || l.line != want {
			t.Errorf("line = %d, %v, want %d", l.line, err, want)
		}
	}
}
