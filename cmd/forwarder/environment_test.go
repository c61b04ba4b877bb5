package main

import (
	"slices"
	"testing"
)

// The values are those that systemd 252 gives to a service.
func TestParseEnvironment(t *testing.T) {
	const file = `# BIND named process options
; another comment
OPTIONS="-4 -u named"
 NAMEDCONF = /etc/named.conf
MORE='a "b"' tail
BLANKS="x "
LONG=one \
  two
ESCAPED="say \"x\""
EMPTY=
no setting
LAST=end`
	want := []setting{
		{"OPTIONS", "-4 -u named", 3}, {"NAMEDCONF", "/etc/named.conf", 4}, {"MORE", `a "b"tail`, 5},
		{"BLANKS", "x ", 6}, {"LONG", "one   two", 7}, {"ESCAPED", `say "x"`, 9}, {"EMPTY", "", 10}, {"LAST", "end", 12},
	}
	if got := parseEnvironment(file); !slices.Equal(got, want) {
		t.Errorf("parseEnvironment() = %v, want %v", got, want)
	}
}

func TestWords(t *testing.T) {
	for value, want := range map[string][]string{
		"-4  -u named":          {"-4", "-u", "named"},
		`-D "a comment" -c 'x'`: {"-D", "a comment", "-c", "x"},
		`--metrics-address=""`:  {"--metrics-address="},
		`""`:                    {""},
		" ":                     nil,
	} {
		if got := words(value); !slices.Equal(got, want) {
			t.Errorf("words(%q) = %q, want %q", value, got, want)
		}
	}
}
