package namedconf

import (
	"fmt"
	"slices"
	"testing"
)

// tokens returns what the lexer makes of src, each as "line:col token".
func tokens(src string) []string {
	var all []string
	for l := newLexer("", src); ; {
		t := l.next()
		if t.kind == tokenEOF {
			return all
		}
		text := t.text
		if t.kind == tokenString {
			text = `"` + text + `"`
		}
		all = append(all, fmt.Sprintf("%d:%d %s", t.pos.Line, t.pos.Col, text))
	}
}

func TestTokens(t *testing.T) {
	tests := []struct {
		name, src string
		want      []string
	}{
		{"empty", "", nil},
		{"blanks", " \t\r\n\n ", nil},
		{"specials", "a{b}c;!d/e", []string{"1:1 a", "1:2 {", "1:3 b", "1:4 }", "1:5 c", "1:6 ;", "1:7 !", "1:8 d", "1:9 /", "1:10 e"}},
		{"lines", "a\n b\r\n\tc", []string{"1:1 a", "2:2 b", "3:2 c"}},
		{"punctuation in words", "1.2.3.4, (a=b) 10% fe80::1%lo 'q", []string{"1:1 1.2.3.4,", "1:10 (a=b)", "1:16 10%", "1:20 fe80::1%lo", "1:31 'q"}},
		{"form feed in word", "a\fb", []string{"1:1 a\fb"}},
		{"backslash in word", `a\;`, []string{`1:1 a\`, "1:3 ;"}},
		{"byte order mark", "\ufeffa", []string{"1:1 \ufeffa"}},

		{"hash comment", "a # b ; {\nc", []string{"1:1 a", "2:1 c"}},
		{"slashes comment", "a // b\nc", []string{"1:1 a", "2:1 c"}},
		{"comment without newline", "a // b", []string{"1:1 a"}},
		{"hash in word", "yes#c\n;", []string{"1:1 yes", "2:1 ;"}},
		{"slashes in word", "yes//c\n;", []string{"1:1 yes", "2:1 ;"}},
		{"block comment", "a /* b\n * c\n */ d", []string{"1:1 a", "3:5 d"}},
		{"block comment in word", "a/**/b", []string{"1:1 a", "1:6 b"}},
		{"block comments do not nest", "/* /* */ a", []string{"1:10 a"}},
		{"short block comment", "/*/ a */ b", []string{"1:10 b"}},
		{"stars", "/***/ a /** **/ b", []string{"1:7 a", "1:17 b"}},
		{"slash", "10/8 10 / 8", []string{"1:1 10", "1:3 /", "1:4 8", "1:6 10", "1:9 /", "1:11 8"}},

		{"string", `"a b"`, []string{`1:1 "a b"`}},
		{"empty string", `""`, []string{`1:1 ""`}},
		{"string in word", `a"b"c`, []string{"1:1 a", `1:2 "b"`, "1:5 c"}},
		{"string of comments", `"#a//b/*c" d`, []string{`1:1 "#a//b/*c"`, "1:12 d"}},
		{"string of lines", "\"a\nb\" c", []string{"1:1 \"a\nb\"", "2:4 c"}},
		{"escaped quote", `"a\"b" c`, []string{`1:1 "a"b"`, "1:8 c"}},
		{"escaped backslash", `"a\\" c`, []string{`1:1 "a\\"`, "1:7 c"}},
		{"both", `"\\\"\n" c`, []string{`1:1 "\\"\n"`, "1:10 c"}},

		{"unterminated string", "a\n \"b\nc;", []string{"1:1 a", "2:2 the string that begins here has no end"}},
		{"string ends in escape", `"a\"`, []string{"1:1 the string that begins here has no end"}},
		{"string ends in backslash", `"a\`, []string{"1:1 the string that begins here has no end"}},
		{"unterminated comment", "a /* b *", []string{"1:1 a", "1:3 the comment that begins here has no end"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := tokens(test.src); !slices.Equal(got, test.want) {
				t.Errorf("tokens(%q) = %q, want %q", test.src, got, test.want)
			}
		})
	}
}
