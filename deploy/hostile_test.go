package deploy

import (
	"regexp"
	"strings"
	"testing"
)

// hostile is what no parameter may have that is written into a script, a configuration or a
// command: in user data, parameters stand without quotes.
var hostile = []string{
	"$(reboot)", "`reboot`", "a;reboot", "a reboot", "a\nreboot", "\nreboot", "a\n", "a|b", "a&b", "a>b", "a'b", `a"b`, `a\b`, "a#b", "a{b", "a}b",
	"${Key}", "*", "a*b", "~", "!b", "a\tb", "a\x00b", "{{resolve:ssm:b}}", "é",
}

// assigns is a line of the head: a comment, or a word without anything that bash reads
// twice; what is quoted there are the template's own texts, and the handle's URL.
var assigns = regexp.MustCompile(`^(#.*|[a-z]+=[A-Za-z0-9._:/+@=${}-]*|address=\$\(hostname -I \| cut -d ' ' -f 1\)|more="[a-z0-9.#$= -]*"|ready='[^']*')$`)

// Whatever the patterns admit is one word of bash, and of named.conf: heads are nothing but
// assignments of words, but for what only AWS knows.
func TestHeadsAreAssignments(t *testing.T) {
	for _, test := range []struct {
		path string
		sets map[string]map[string]string
	}{{"pair.yaml", pairSets}, {"fleet.yaml", fleetSets}} {
		tm := load(t, test.path)
		for name, set := range test.sets {
			s := tm.with(t, set)
			for resource, r := range s.resources {
				if r.kind != "AWS::EC2::LaunchTemplate" {
					continue
				}
				head, _, _ := strings.Cut(text(dig(r.properties, "LaunchTemplateData", "UserData")), "# Makes this instance")
				for _, line := range strings.Split(strings.TrimSpace(head), "\n") {
					if !assigns.MatchString(line) {
						t.Errorf("%s, %s: %s has the line %q", test.path, name, resource, line)
					}
				}
			}
		}
	}
}
