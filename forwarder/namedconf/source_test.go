package namedconf

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// write makes the files of a directory, which becomes the working directory.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestInclude(t *testing.T) {
	tests := []struct {
		name    string
		files   map[string]string // "main" is loaded
		tree    string            // blanks squeezed
		sources []string
	}{
		{"at top", map[string]string{"main": `a; include "i"; c;`, "i": "b;"},
			"a; b; c;", []string{"main", "i"}},
		{"in block", map[string]string{"main": `options { a; include "i"; c; };`, "i": "b;"},
			"options { a; b; c; };", []string{"main", "i"}},
		{"in upper case", map[string]string{"main": `INCLUDE "i";`, "i": "b;"}, "b;", []string{"main", "i"}},
		{"list element", map[string]string{"main": `acl a { include "i"; };`},
			`acl a { include "i"; };`, []string{"main"}},
		{"half a block", map[string]string{"main": `include "i"; b; }; c;`, "i": "options { a;"},
			"options { a; b; }; c;", []string{"main", "i"}},
		{"half a statement", map[string]string{"main": `include "i"; b; c;`, "i": "a"},
			"a b; c;", []string{"main", "i"}},
		{"nested", map[string]string{"main": `include "i"; d;`, "i": `a; include "j"; c;`, "j": "b;"},
			"a; b; c; d;", []string{"main", "i", "j"}},
		{"twice", map[string]string{"main": `include "i"; include "i";`, "i": `a;`},
			"a; a;", []string{"main", "i", "i"}},
		{"pattern, last file first", map[string]string{"main": `include "d/*.c"; z;`, "d/1.c": "a;", "d/2.c": "b;", "d/3": "c;"},
			"b; a; z;", []string{"main", "d/1.c", "d/2.c"}},
		{"pattern, a file that includes another", map[string]string{"main": `include "d/*";`, "d/1": "a;", "d/2": `include "d/1";`},
			"a; a;", []string{"main", "d/1", "d/2", "d/1"}},
		{"pattern, no hidden files", map[string]string{"main": `include "./*/?i";`, "d/.i": "a;", ".d/ii": "b;", "d/xi": "c;"},
			"c;", []string{"main", "d/xi"}},
		{"pattern, hidden files", map[string]string{"main": `include "d//.*";`, "d/.i": "a;"},
			"a;", []string{"main", "d/.i"}},
		{"pattern, negated class", map[string]string{"main": `include "[!m]*";`, "main2": "a;", "i": "b;"},
			"b;", []string{"main", "i"}},
		{"directory", map[string]string{"main": `include "i"; options { directory "d[1]"; include "i"; directory "e"; }; include "i";`,
			"i": "a;", "d[1]/i": "b;", "d[1]/e/i": "c;"},
			`a; options { directory "d[1]"; b; directory "e"; }; c;`, []string{"main", "i", "d[1]/i", "d[1]/e/i"}},
		{"directory elsewhere", map[string]string{"main": `zone z { directory "d"; }; directory "d"; options { directory d; directory; }; include "i";`, "i": "a;"},
			`zone z { directory "d"; }; directory "d"; options { directory d; directory; }; a;`, []string{"main", "i"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			write(t, test.files)
			f := Load("main", Limits{})
			if got := strings.Join(strings.Fields(text(t, f.Statements)), " "); got != test.tree || len(f.Findings) > 0 {
				t.Errorf("Load(%q).Statements = %s, %v, want %s", test.files, got, f.Findings, test.tree)
			}
			if !slices.Equal(f.Sources, test.sources) {
				t.Errorf("Load(%q).Sources = %q, want %q", test.files, f.Sources, test.sources)
			}
		})
	}
}

func TestIncludeFindings(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"no main file", nil, []string{"main: file not found"}},
		{"file not found", map[string]string{"main": `a; include "i"; b;;`}, []string{
			`main:1:12: include "i": file not found`,
			"main:1:19: syntax error near ';': there is nothing before it"}},
		{"no match", map[string]string{"main": `include "d/*"; include "[";`}, []string{
			`main:1:9: include "d/*": file not found`,
			`main:1:24: include "[": file not found`}},
		{"empty name", map[string]string{"main": `include "";`}, []string{`main:1:9: include "": file not found`}},
		{"unquoted", map[string]string{"main": `include i;`}, []string{"main:1:1: include: expected a quoted string"}},
		{"without name", map[string]string{"main": `include;`}, []string{"main:1:1: include: expected a quoted string"}},
		{"without semicolon", map[string]string{"main": "include \"i\"\nb;", "i": "a;;"}, []string{
			"main:2:1: missing ';' before 'b'",
			"i:1:3: syntax error near ';': there is nothing before it"}},
		{"several without semicolon", map[string]string{"main": `include "i" include "j";`, "i": ";", "j": ";"}, []string{
			"main:1:13: missing ';' before 'include'",
			"i:1:1: syntax error near ';': there is nothing before it",
			"j:1:1: syntax error near ';': there is nothing before it"}},
		{"directory", map[string]string{"main": `include "d";`, "d/i": ""}, []string{`main:1:9: include "d": not a regular file`}},
		{"device", map[string]string{"main": `include "/dev/zero";`}, []string{`main:1:9: include "/dev/zero": not a regular file`}},
		{"itself", map[string]string{"main": `include "main";`}, []string{
			`main:1:9: include "main": include loop: this file is being read already`}},
		{"loop", map[string]string{"main": `include "i";`, "i": `include "j";`, "j": `include "./i";`}, []string{
			`j:1:9: include "i": include loop: this file is being read already`}},
		{"loop by pattern", map[string]string{"main": `include "*";`}, []string{
			`main:1:9: include "main": include loop: this file is being read already`}},
		{"unclosed block", map[string]string{"main": "include \"i\";\nb;\n", "i": "options {\n a;\n"}, []string{
			"main:3:1: unexpected end of input: '}' expected for the '{' at i:1:9"}},
		{"unclosed string ends with its file", map[string]string{"main": `include "i"; b;;`, "i": `"a;`}, []string{
			"i:1:1: unexpected end of input: the string that begins here has no end",
			"main:1:16: syntax error near ';': there is nothing before it"}},
		{"binary", map[string]string{"main": `include "i"; b;`, "i": "\x7fELF\x00"}, []string{
			"i:1:5: NUL byte: this is not a text file"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			write(t, test.files)
			if got := findings(Load("main", Limits{})); !slices.Equal(got, test.want) {
				t.Errorf("Load(%q).Findings = %q, want %q", test.files, got, test.want)
			}
		})
	}
}

// A FIFO that nobody writes to must not hold up the start.
func TestIncludeFIFO(t *testing.T) {
	write(t, map[string]string{"main": `include "fifo";`})
	if err := syscall.Mkfifo("fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{`main:1:9: include "fifo": not a regular file`}
	if got := findings(Load("main", Limits{})); !slices.Equal(got, want) {
		t.Errorf("Load().Findings = %q, want %q", got, want)
	}
}

func TestLoadLarge(t *testing.T) {
	write(t, map[string]string{"main": ""})
	if err := os.Truncate("main", 100<<20); err != nil {
		t.Fatal(err)
	}
	want := []string{"main: configuration is larger than 16777216 bytes"}
	if got := findings(Load("main", Limits{})); !slices.Equal(got, want) {
		t.Errorf("Load().Findings = %q, want %q", got, want)
	}
}

// The files of /proc have no size that one could go by.
func TestLoadWithoutSize(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc is Linux's")
	}
	want := []string{"/proc/version: configuration is larger than 9 bytes"}
	if got := findings(Load("/proc/version", Limits{Bytes: 9})); !slices.Equal(got, want) {
		t.Errorf("Load().Findings = %q, want %q", got, want)
	}
}

func TestIncludeLimits(t *testing.T) {
	// Each file includes the next one twice: 2^20 files without a limit.
	doubling := map[string]string{"main": `include "0";`, "19": ""}
	for i := range 19 {
		doubling[fmt.Sprint(i)] = strings.Repeat(fmt.Sprintf("include \"%d\";", i+1), 2)
	}
	tests := []struct {
		name   string
		files  map[string]string
		limits Limits
		want   []string
	}{
		{"doubling", doubling, Limits{Files: 1000}, []string{`17:1:22: too many files are included`}},
		{"files", map[string]string{"main": `include "[ij]";`, "i": "", "j": ""}, Limits{Files: 2},
			[]string{"main:1:9: too many files are included"}},
		{"files fit", map[string]string{"main": `include "[ij]";`, "i": "", "j": ""}, Limits{Files: 3}, nil},
		{"bytes", map[string]string{"main": `include "i";`, "i": "abc;"}, Limits{Bytes: 15},
			[]string{`main:1:9: include "i": configuration is larger than 15 bytes`}},
		{"bytes fit", map[string]string{"main": `include "i";`, "i": "abc;"}, Limits{Bytes: 16}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			write(t, test.files)
			if got := findings(Load("main", test.limits)); !slices.Equal(got, test.want) {
				t.Errorf("Load(%+v).Findings = %q, want %q", test.limits, got, test.want)
			}
		})
	}
}

func TestLoadWithoutPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	write(t, map[string]string{"main": ""})
	if err := os.Chmod("main", 0); err != nil {
		t.Fatal(err)
	}
	want := []string{"main: permission denied"}
	if got := findings(Load("main", Limits{})); !slices.Equal(got, want) {
		t.Errorf("Load().Findings = %q, want %q", got, want)
	}
}

func TestUnread(t *testing.T) {
	write(t, map[string]string{"main": `include "gone"; include "no/*.conf"; include "d"; include "main"; options { directory "d"; include "away"; };`, "d/x": ""})
	f := Load("main", Limits{})
	if want := []string{"gone", "no", "d", "main", "d/away"}; !slices.Equal(f.Unread, want) {
		t.Errorf("Unread = %q, want %q", f.Unread, want)
	}
}
