package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// unreadable is cfn-lint's code for YAML of which it says nothing else.
const unreadable = "E0000"

// linted is a template, and the errors that cfn-lint finds in it: names by their codes.
type linted struct {
	text   string
	errors map[string]string
}

// cfn-lint knows the types and values of all properties. It takes seconds to start, and a
// second for a template: it is asked once, and errors are in one template if that can be
// read.
func TestLint(t *testing.T) {
	lint := tool(t, "cfn-lint", "cfn-lint")
	pair, fleet := read(t, "pair.yaml"), read(t, "fleet.yaml")
	all := append(pairLinted(t, pair), linted{text: pair}, linted{text: fleet}, linted{
		strings.NewReplacer("Scheme: internal", "Schema: internal", "Protocol: TCP_UDP", "Protocol: TCPUDP",
			"LoadBalancerArn: !Ref Balancer\n", "LoadBalancerArn: !Ref Balance\n").Replace(fleet),
		map[string]string{"E3002": "a property misspelt", "E3030": "a protocol that is none", "E1020": "a name that is not there"},
	})
	for i, said := range lintAll(t, lint, all) {
		if len(all[i].errors) == 0 && said != "" {
			t.Errorf("of a template as it is it says: %s", said)
		}
		for code, name := range all[i].errors {
			if !strings.Contains(said, ":"+code+":") {
				t.Errorf("%s: it does not say %s, but %s", name, code, said)
			}
		}
	}
}

// pairLinted are the template of the pair with all errors in it that leave it readable,
// and one for each other error.
func pairLinted(t *testing.T, source string) []linted {
	t.Helper()
	readable := linted{source, make(map[string]string)}
	var all []linted
	for _, p := range pairPlanted {
		switch other, isThere := readable.errors[p.lint]; {
		case p.lint == "":
		case p.lint == unreadable:
			all = append(all, linted{p.edit(t, source), map[string]string{unreadable: p.name}})
		case isThere:
			t.Errorf("%s hides %s: both are %s", p.name, other, p.lint)
		default:
			readable.text = p.edit(t, readable.text)
			readable.errors[p.lint] = p.name
		}
	}
	return append(all, readable)
}

// lintAll returns what cfn-lint says of each template: "" is nothing.
func lintAll(t *testing.T, lint string, all []linted) []string {
	t.Helper()
	args := []string{"-r", "us-east-1", "-f", "parseable", "--non-zero-exit-code", "warning", "--"}
	dir := t.TempDir()
	for i, l := range all {
		path := filepath.Join(dir, fmt.Sprintf("%d.yaml", i))
		if err := os.WriteFile(path, []byte(l.text), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	out, err := exec.Command(lint, args...).Output()
	if len(out) == 0 && err != nil {
		t.Fatalf("running cfn-lint: %v", err)
	}
	said := make([]string, len(all))
	for _, line := range strings.Split(string(out), "\n") {
		for i := range all {
			if rest, ok := strings.CutPrefix(line, filepath.Join(dir, fmt.Sprintf("%d.yaml:", i))); ok {
				said[i] += rest + "\n"
			}
		}
	}
	return said
}
