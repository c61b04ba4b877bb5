package namedconf

import (
	"runtime"
	"slices"
	"strings"
	"testing"
)

// findings returns f's findings as strings.
func findings(f *File) []string {
	var all []string
	for _, finding := range f.Findings {
		all = append(all, finding.String())
	}
	return all
}

// text returns statements in the canonical layout.
func text(t *testing.T, statements []Statement) string {
	t.Helper()
	var b strings.Builder
	if err := Format(&b, statements); err != nil {
		t.Fatalf("Format() = %v, want nil", err)
	}
	return b.String()
}

func TestParseTree(t *testing.T) {
	const src = "# comment\nzone \"a.b\" IN {\n\ttype forward;\n\tforwarders { !10/8; };\n};"
	f := Parse("x", []byte(src), Limits{})
	at := func(line, col int32) Pos { return Pos{"x", line, col} }
	want := []Statement{{Items: []Item{
		{Kind: Word, Text: "zone", Pos: at(2, 1)},
		{Kind: String, Text: "a.b", Pos: at(2, 6)},
		{Kind: Word, Text: "IN", Pos: at(2, 12)},
		{Kind: Block, Pos: at(2, 15), Body: []Statement{
			{Items: []Item{
				{Kind: Word, Text: "type", Pos: at(3, 2)},
				{Kind: Word, Text: "forward", Pos: at(3, 7)},
			}},
			{Items: []Item{
				{Kind: Word, Text: "forwarders", Pos: at(4, 2)},
				{Kind: Block, Pos: at(4, 13), Body: []Statement{
					{Items: []Item{
						{Kind: Bang, Pos: at(4, 15)},
						{Kind: Word, Text: "10", Pos: at(4, 16)},
						{Kind: Slash, Pos: at(4, 18)},
						{Kind: Word, Text: "8", Pos: at(4, 19)},
					}},
				}},
			}},
		}},
	}}}
	if !equal(f.Statements, want, true) || len(f.Findings) > 0 {
		t.Errorf("Parse(%q) = %+v, %v, want %+v", src, f.Statements, f.Findings, want)
	}
}

// equal compares trees, with positions or without.
func equal(a, b []Statement, positions bool) bool {
	return slices.EqualFunc(a, b, func(a, b Statement) bool {
		return slices.EqualFunc(a.Items, b.Items, func(a, b Item) bool {
			same := a.Kind == b.Kind && a.Text == b.Text && (!positions || a.Pos == b.Pos)
			return same && equal(a.Body, b.Body, positions)
		})
	})
}

func TestParseFindings(t *testing.T) {
	tests := []struct {
		name, src string
		tree      string // what is left, blanks squeezed
		want      []string
	}{
		{"value without semicolon before brace", "options { recursion yes };", "options { recursion yes; };",
			[]string{"x:1:25: missing ';' before '}'"}},
		{"values without semicolon between are for the next layer", "options { a b\nc d; };", "options { a b c d; };", nil},
		{"block without semicolon at end", "options { }", "options { };",
			[]string{"x:1:12: unexpected end of input: missing ';'"}},
		{"blocks without semicolon between are for the next layer", "a { }\nb { };", "a { } b { };", nil},
		{"two semicolons", "a b;;", "a b;", []string{"x:1:5: syntax error near ';': there is nothing before it"}},
		{"two semicolons in list", "a { b;; c; };", "a { b; c; };",
			[]string{"x:1:7: syntax error near ';': there is nothing before it"}},
		{"unclosed block", "options {\n a b;\n", "options { a b; };",
			[]string{"x:3:1: unexpected end of input: '}' expected for the '{' at x:1:9"}},
		{"unclosed blocks are one finding", "a { b { c", "a { b { c; }; };",
			[]string{"x:1:10: unexpected end of input: missing ';'"}},
		{"extra brace", "a b;\n};\nc d;", "a b; c d;",
			[]string{"x:2:1: syntax error near '}': there is no '{' for it"}},
		{"extra brace after block", "a { } }; b;", "a { }; b;",
			[]string{"x:1:7: syntax error near '}': there is no '{' for it"}},
		{"unclosed string", "a b;\nc \"d;\n", "a b; c;",
			[]string{"x:2:3: unexpected end of input: the string that begins here has no end"}},
		{"unclosed comment", "a { b; };\n/* c", "a { b; };",
			[]string{"x:2:1: unexpected end of input: the comment that begins here has no end"}},
		{"quoted keyword", "\"options\" { a b; };\nc;", "c;",
			[]string{"x:1:1: syntax error near '\"options\"': expected a keyword"}},
		{"quoted keyword in block", "options { \"a\" b; c; };", "options { c; };",
			[]string{"x:1:11: syntax error near '????????': expected a keyword"}},
		{"quoted word in list", "acl a { \"b\"; };", "acl a { \"b\"; };", nil},
		{"block without keyword", "{ a; };", "", []string{"x:1:1: syntax error near '{': expected a keyword"}},
		{"block in list", "acl a { { b; }; };", "acl a { { b; }; };", nil},
		{"negated statement", "!a;", "", []string{"x:1:1: syntax error near '!': expected a keyword"}},
		{"lone bang", "acl a { !; b; };", "acl a { b; };",
			[]string{"x:1:10: expected an element after '!' near ';'"}},
		{"two bangs", "acl a { !!b; };", "acl a { !b; };",
			[]string{"x:1:10: expected an element after '!' near '!'"}},
		{"bang at end", "acl a { !", "acl a { };", []string{
			"x:1:10: expected an element after '!' near end of file",
			"x:1:10: unexpected end of input: missing ';'"}},
		{"lone slash", "/;", "", []string{"x:1:1: syntax error near '/'"}},
		{"slash at end", "acl a { 10/; };", "acl a { 10; };", []string{"x:1:11: syntax error near '/'"}},
		{"slash before block", "a 1/{ };", "a 1 { };", []string{"x:1:4: syntax error near '/'"}},
		{"slash after string", `a "b"/8;`, `a "b" 8;`, []string{"x:1:6: syntax error near '/'"}},
		{"two slashes", "a 1/2/3;", "a 1/2/3;", nil},
		{"NUL", "a b;\nc \x00 d;", "", []string{"x:2:3: NUL byte: this is not a text file"}},
		{"include stays", "include \"y\";", "include \"y\";", nil},
		{"several", "a;;\nb { c };\n!d;\ne", "a; b { c; }; e;", []string{
			"x:1:3: syntax error near ';': there is nothing before it",
			"x:2:7: missing ';' before '}'",
			"x:3:1: syntax error near '!': expected a keyword",
			"x:4:2: unexpected end of input: missing ';'"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := Parse("x", []byte(test.src), Limits{})
			if got := findings(f); !slices.Equal(got, test.want) {
				t.Errorf("Parse(%q).Findings = %q, want %q", test.src, got, test.want)
			}
			if got := strings.Join(strings.Fields(text(t, f.Statements)), " "); got != test.tree {
				t.Errorf("Parse(%q).Statements = %s, want %s", test.src, got, test.tree)
			}
		})
	}
}

func TestItemString(t *testing.T) {
	for text, want := range map[string]string{
		strings.Repeat("é", 20):       strings.Repeat("é", 15),
		"a" + strings.Repeat("é", 20): "a" + strings.Repeat("é", 14), // cut within a character
		"\x1b[2J\n":                   `\x1b[2J\n`,
	} {
		word, quoted := Item{Kind: Word, Text: text}, Item{Kind: String, Text: text}
		if word.String() != want || quoted.String() != `"`+want+`"` {
			t.Errorf("Item.String of %q = %s, as a string %s, want %s", text, word, quoted, want)
		}
	}
}

func TestLimits(t *testing.T) {
	tests := []struct {
		name, src string
		limits    Limits
		want      []string
	}{
		{"bytes", "a b;", Limits{Bytes: 3}, []string{"x: configuration is larger than 3 bytes"}},
		{"bytes fit", "a b;", Limits{Bytes: 4}, nil},
		{"depth", "a { b { c { }; }; };", Limits{Depth: 2}, []string{"x:1:11: more than 2 blocks within blocks"}},
		{"depth fits", "a { b { }; }; a { b { }; };", Limits{Depth: 2}, nil},
		{"items", "a b; c d;", Limits{Items: 3}, []string{"x:1:8: configuration has more than 3 words"}},
		{"items fit", "a b; c d;", Limits{Items: 4}, nil},
		{"errors", ";;;;", Limits{Errors: 2}, []string{
			"x:1:1: syntax error near ';': there is nothing before it",
			"x:1:2: syntax error near ';': there is nothing before it",
			"x:1:3: too many errors"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := findings(Parse("x", []byte(test.src), test.limits)); !slices.Equal(got, test.want) {
				t.Errorf("Parse(%q, %+v).Findings = %q, want %q", test.src, test.limits, got, test.want)
			}
		})
	}
}

// Sources that were made to hurt end in a finding, within bounded memory.
func TestHostile(t *testing.T) {
	const million = 1_000_000
	const maxAlloc = 512 << 20 // for the tree of the most items, as its slices grow
	tests := []struct {
		name, src, want string
	}{
		{"open braces", strings.Repeat("{", million), "x:1:101: more than 100 blocks within blocks"},
		{"named braces", strings.Repeat("a{", million), "x:1:202: more than 100 blocks within blocks"},
		{"statements", strings.Repeat("a;", 3*million), "x:1:4194305: configuration has more than 2097152 words"},
		{"words", strings.Repeat("a ", million), "x:1:131073: statement has more than 65536 words"},
		{"bangs", strings.Repeat("!", million), "x:1:102: too many errors"},
		{"slashes", strings.Repeat("/ ", million), "x:1:201: too many errors"},
		{"semicolons", strings.Repeat(";", million), "x:1:101: too many errors"},
		{"close braces", strings.Repeat("}", million), "x:1:101: too many errors"},
		{"quotes", "a" + strings.Repeat(`"`, million), "x:1:131072: statement has more than 65536 words"},
		{"backslashes", `"` + strings.Repeat(`\"`, million), "x:1:1: unexpected end of input: the string that begins here has no end"},
		{"word", strings.Repeat("a", million), "x:1:1000001: unexpected end of input: missing ';'"},
		{"size", strings.Repeat("#", 100<<20), "x: configuration is larger than 16777216 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			src := []byte(test.src)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := Parse("x", src, Limits{}).Findings
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > maxAlloc {
				t.Errorf("Parse() allocates %d bytes, want at most %d", n, maxAlloc)
			}
			if n := len(got); n == 0 || n > 101 || got[n-1].String() != test.want {
				t.Errorf("Parse().Findings = %d, the last %v, want %s", n, got[max(0, n-1):], test.want)
			}
		})
	}
}

func TestName(t *testing.T) {
	tests := []struct{ src, want string }{
		{"Options { };", "options"},
		{"zone \"a\";", "zone"},
	}
	for _, test := range tests {
		s := Parse("x", []byte(test.src), Limits{}).Statements[0]
		if got := s.Name(); got != test.want {
			t.Errorf("(%q).Name() = %q, want %q", test.src, got, test.want)
		}
	}
	list := Parse("x", []byte("acl a { \"B\"; };"), Limits{}).Statements[0].Items[2].Body
	if got := list[0].Name(); got != "" {
		t.Errorf(`("B").Name() = %q, want "": it is quoted`, got)
	}
}
