// Package servicemodel holds requests and replies of Route 53's API against
// AWS's own description of it, as botocore carries it: each XML document is
// walked along the model's shapes, so that elements that the model does not
// know, that are missing or doubled, and values that are no number, no time, or
// none of the list are found. For tests.
package servicemodel

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

// Model is a service's description.
type Model struct {
	Operations map[string]Operation
	Shapes     map[string]Shape
}

// Operation is one call.
type Operation struct {
	Name string
	HTTP struct {
		Method       string
		RequestURI   string
		ResponseCode int
	}
	Input  Root
	Output Root
	Errors []Root
}

// Root is the shape of a document, and with LocationName the name of its root
// element.
type Root struct {
	Shape        string
	LocationName string
}

// Shape is a type.
type Shape struct {
	Type     string // structure, list, string, long, integer, boolean, timestamp
	Required []string
	Members  map[string]Member
	Member   Member // of a list
	Enum     []string
	Pattern  string
	Min, Max *int64
	Error    struct{ HTTPStatusCode int }
}

// Member is a part of a structure or a list.
type Member struct {
	Shape        string
	Location     string // "": in the body; uri, querystring, header
	LocationName string
	Flattened    bool
}

// Load reads the model that Debian's python3-botocore has. Without it the test
// is skipped.
func Load(t testing.TB) *Model {
	t.Helper()
	var m Model
	if err := json.Unmarshal(text(t), &m); err != nil {
		t.Fatalf("reading the service model: %v", err)
	}
	if len(m.Operations) == 0 || len(m.Shapes) == 0 {
		t.Fatal("the service model has no operations or no shapes")
	}
	return &m
}

// text finds the model, whose newer editions are compressed.
func text(t testing.TB) []byte {
	t.Helper()
	const pattern = "/usr/lib/python3/dist-packages/botocore/data/route53/2013-04-01/service-2.json*"
	paths, _ := filepath.Glob(pattern) // the pattern is well
	if len(paths) == 0 {
		workbench.Skip(t, "%s is not installed: apt-get install python3-botocore", pattern)
	}
	if strings.HasSuffix(paths[0], ".gz") {
		out, err := exec.Command("gzip", "-dc", paths[0]).Output()
		if err != nil {
			t.Fatalf("unpacking %s: %v", paths[0], err)
		}
		return out
	}
	out, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// find returns the operation that a request is for.
func (m *Model) find(method, path string) (Operation, error) {
	for _, op := range m.Operations {
		if op.HTTP.Method == method && matches(op.HTTP.RequestURI, path) {
			return op, nil
		}
	}
	return Operation{}, fmt.Errorf("%s %s is no operation of the model", method, path)
}

// matches reports whether the path is made from the template. A slash at the
// end means nothing.
func matches(template, path string) bool {
	template, _, _ = strings.Cut(template, "?")
	want := strings.Split(strings.Trim(template, "/"), "/")
	has := strings.Split(strings.Trim(path, "/"), "/")
	if len(want) != len(has) {
		return false
	}
	for i, part := range want {
		if strings.HasPrefix(part, "{") {
			if has[i] == "" {
				return false
			}
		} else if part != has[i] {
			return false
		}
	}
	return true
}
