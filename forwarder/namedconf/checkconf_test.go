package namedconf

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

// checkconf returns the path of BIND's named-checkconf.
func checkconf(t *testing.T) string {
	t.Helper()
	return workbench.Need(t, "named-checkconf")
}

// run runs named-checkconf, at path, in dir. It prints findings and file alike to out.
func run(t *testing.T, path, dir string, args ...string) (out string, rejected bool) {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	all, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(all), err != nil
}

// finding matches a finding of named-checkconf.
var finding = regexp.MustCompile(`(?m)^[^\s:]+:(\d+): .*\n`)

// Syntax faults, and what looks like one, are faults to named-checkconf too,
// and on the same line. All statements mean something to it.
func TestAgainstCheckconf(t *testing.T) {
	path := checkconf(t)
	tests := []struct {
		name, src string
		begins    bool // we show where something without end begins, named-checkconf where the file ends
	}{
		{name: "nothing"},
		{name: "blanks", src: " \t\r\n"},
		{name: "statements", src: "acl a { any; };\noptions { recursion yes; };\n"},
		{name: "no newline", src: "acl a { any; };"},
		{name: "no blanks", src: `acl"a"{!any;{none;};};options{recursion yes;};`},
		{name: "carriage returns", src: "options {\r\nrecursion\ryes;\r\n};\r\n"},
		{name: "hash comments", src: "#a\noptions { recursion yes#b\n;#c\n};#d"},
		{name: "slash comments", src: "//a\noptions { recursion yes//b\n;//c\n};//d"},
		{name: "block comments", src: "/*a*/ options { /* ; } */ recursion /***/ yes; /*\n*/ };/**/"},
		{name: "comments do not nest", src: "/* /* */ */"},
		{name: "slash star slash", src: "/*/ options { recursion yes; };"},
		{name: "semicolon is no comment", src: "\n; a\n"},
		{name: "unclosed comment", src: "acl a { any; };\n/* a\n", begins: true},
		{name: "half a comment", src: "acl a { any; };\n/"},
		{name: "string", src: `options { version "a ; } # // /*"; };`},
		{name: "string of lines", src: "options { version \"a\nb\n\";\n };\n;"},
		{name: "escaped quote", src: `options { version "a\"b"; };`},
		{name: "escaped backslash", src: `options { version "a\\"; };`},
		{name: "escape in string", src: `options { version "a\\\"b\n"; };`},
		{name: "unclosed string", src: "options {\n version \"a;\n};\n", begins: true},
		{name: "escaped end of string", src: "options {\n version \"a\\\";\n};\n", begins: true},
		{name: "missing semicolon before brace", src: "options { recursion yes\n};"},
		{name: "missing semicolon in list", src: "acl a { any };"},
		{name: "missing semicolon at end", src: "acl a { any; }"},
		{name: "missing last semicolon of file", src: "options { recursion yes; }\n\n"},
		{name: "two semicolons", src: "acl a { any; };;"},
		{name: "two semicolons in block", src: "options {\n recursion yes;;\n};"},
		{name: "two semicolons in list", src: "acl a { any;; };"},
		{name: "semicolon in block", src: "options { ; };"},
		{name: "unclosed block", src: "options {\n recursion yes;\n"},
		{name: "unclosed list", src: "acl a {\n any;\n"},
		{name: "extra brace", src: "acl a { any; };\n};"},
		{name: "extra brace after block", src: "acl a {\n any; } };"},
		{name: "block alone", src: "\n{ any; };"},
		{name: "empty blocks", src: "acl a { }; options { }; logging { }; controls { };"},
		{name: "quoted keyword", src: `"options" { recursion yes; };`},
		{name: "quoted keyword in block", src: "options {\n \"recursion\" yes; };"},
		{name: "quoted list element", src: `acl a { "any"; };`},
		{name: "block in list", src: "acl a { { any; }; };"},
		{name: "keywords in upper case", src: "OPTIONS { Recursion YES; };"},
		{name: "negation", src: "acl a { !any; ! any; !\nany; !{ any; }; !\"any\"; };"},
		{name: "negation of nothing", src: "acl a {\n !; };"},
		{name: "negation at end of list", src: "acl a { ! };"},
		{name: "double negation", src: "acl a { !!any; }; options { allow-query { a; }; };"},
		{name: "negated statement", src: "!options { };"},
		{name: "prefix", src: "acl a { 10/8; 10 / 8; 10.0.0.0\n/8; };"},
		{name: "prefix without length", src: "acl a {\n 10/; };"},
		{name: "prefix without address", src: "acl a {\n /8; };"},
		{name: "slash", src: "/;"},
		{name: "include", src: `include "empty"; options { include "empty"; }; include "empty";`},
		{name: "include in keyword blocks", src: `zone a { type forward; include "empty"; }; logging { include "empty"; channel c { null; include "empty"; }; };
			key k { include "empty"; algorithm hmac-sha256; secret "aaaa"; }; server 1.2.3.4 { include "empty"; }; controls { include "empty"; };
			statistics-channels { include "empty"; }; tls t { include "empty"; }; http h { include "empty"; };
			options { rate-limit { include "empty"; }; dns64 64::/96 { include "empty"; }; };
			dnssec-policy p { include "empty"; };`},
		{name: "include in view", src: `view v { include "empty"; };`},
		{name: "include in dlz", src: `dlz d { include "empty"; database "a"; };`},
		{name: "include unquoted", src: "\ninclude empty;"},
		{name: "include without name", src: "\ninclude;"},
		{name: "include without semicolon", src: "include \"empty\"\noptions { };"},
		{name: "include of nothing", src: "\ninclude \"nothing\";"},
		{name: "include pattern of nothing", src: `include "n*";`},
		{name: "include pattern", src: `include "?mpt[a-z]";`},
		{name: "include of hidden file", src: `include "*hidden"; acl a { any; };`},
		{name: "include of half a block", src: `include "half"; };`},
		{name: "include of half a block alone", src: `include "half";`},
		{name: "include of itself", src: `include "named.conf";`},
		{name: "include after directory", src: `options { directory "dir"; }; include "in-dir";`},
		{name: "include before directory", src: `include "in-dir"; options { directory "dir"; };`},
		{name: "include leaves directory", src: `options { directory "dir"; include "../empty"; };`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			write(t, map[string]string{
				"named.conf": test.src, "empty": "# nothing\n", ".hidden": "}",
				"half": "options {\n", "dir/in-dir": "",
			})
			f := Load("named.conf", Limits{})
			out, rejected := run(t, path, ".", "named.conf")
			if got := len(f.Findings) > 0; got != rejected {
				t.Fatalf("Load(%q).Findings = %v, want as named-checkconf: %s", test.src, f.Findings, out)
			}
			if !rejected || test.begins {
				return
			}
			theirs := finding.FindStringSubmatch(out)
			if theirs == nil {
				t.Fatalf("named-checkconf prints no line: %s", out)
			}
			if got := strconv.Itoa(int(f.Findings[0].Pos.Line)); got != theirs[1] {
				t.Errorf("Load(%q).Findings[0] = %v, want the line of named-checkconf: %s", test.src, f.Findings[0], out)
			}
		})
	}
}

const (
	differsGood = "# named-checkconf 9.18 refuses this: " // first line of a good-*.conf
	differsBad  = "# named-checkconf 9.18 accepts this: " // first line of a bad-*.conf
)

// named-checkconf accepts every good-*.conf and rejects every bad-*.conf but
// those whose first line says why not, and Format leaves its -p as it is.
func TestTestdataAgainstCheckconf(t *testing.T) {
	path := checkconf(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(testdata)); err != nil {
		t.Fatal(err)
	}
	replace(t, filepath.Join(dir, "good-reference.conf"), "/var/named", ".") // it must exist
	for _, name := range configs(t, "*.conf") {
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			good := strings.HasPrefix(name, "good-")
			differs := bytes.HasPrefix(src, []byte(differsGood)) || bytes.HasPrefix(src, []byte(differsBad))
			out, rejected := run(t, path, dir, "-p", name)
			if want := good == differs; rejected != want {
				t.Errorf("named-checkconf %s: rejected = %t, want %t: %s", name, rejected, want, out)
			}
			if good && !rejected {
				checkCanonical(t, finding.ReplaceAllString(out, ""))
			}
		})
	}
}

// checkCanonical checks that canonical, what named-checkconf -p printed, is
// in our canonical layout too.
func checkCanonical(t *testing.T, canonical string) {
	t.Helper()
	// It has a blank too many in "listen-on-v6  {" and "null ;".
	canonical = strings.NewReplacer("listen-on-v6  ", "listen-on-v6 ", "  {", " {", " ;\n", ";\n").Replace(canonical)
	f := Parse("x", []byte(canonical), Limits{})
	if got := text(t, f.Statements); got != canonical || len(f.Findings) > 0 {
		t.Errorf("Format(%s) = %s, %v", canonical, got, f.Findings)
	}
}

func replace(t *testing.T, name, from, to string) {
	t.Helper()
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	src = bytes.ReplaceAll(src, []byte(from), []byte(to))
	if err := os.WriteFile(name, src, 0o644); err != nil {
		t.Fatal(err)
	}
}
