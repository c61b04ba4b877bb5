// Package deploy holds what puts the forwarder somewhere, and tests of it.
package deploy

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// template is a CloudFormation template as its YAML says it: maps, lists and scalars,
// with functions in their long form ({"Ref": "Vpc"}, {"Fn::Sub": …}).
type template struct {
	metadata, parameters, rules, conditions, mappings, resources, outputs map[string]any
}

// stack is a template whose functions have been worked out for given parameters.
type stack struct {
	resources map[string]resource // those whose condition is true
	outputs   map[string]any      // the values of those whose condition is true
}

// resource is one of a stack's. Properties hold no functions, but for values that only
// AWS knows: those of Ref and GetAtt of a resource are "${Vpc}" and "${Role.Arn}".
type resource struct {
	kind                                string // as AWS::EC2::VPC
	properties                          map[string]any
	dependsOn                           []string
	deletionPolicy, updateReplacePolicy string
}

// load reads a template, or ends the test.
func load(t testing.TB, path string) *template {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tm, err := parse(text)
	if err != nil {
		t.Fatalf("parsing %s: %v", path, err)
	}
	return tm
}

// parse decodes a template's YAML.
func parse(text []byte) (*template, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) != 1 {
		return nil, errors.New("no document")
	}
	root, err := plain(doc.Content[0])
	if err != nil {
		return nil, err
	}
	sections, ok := root.(map[string]any)
	if !ok {
		return nil, errors.New("the document is no map")
	}
	return &template{
		metadata:   section(sections, "Metadata"),
		parameters: section(sections, "Parameters"),
		rules:      section(sections, "Rules"),
		conditions: section(sections, "Conditions"),
		mappings:   section(sections, "Mappings"),
		resources:  section(sections, "Resources"),
		outputs:    section(sections, "Outputs"),
	}, nil
}

func section(of map[string]any, name string) map[string]any {
	m, _ := of[name].(map[string]any)
	return m
}

// with resolves the template for parameters, or ends the test. A name may also be that of
// a resource or of its attribute ("Ready", "Role.Arn"), for what AWS would make of it.
func (tm *template) with(t testing.TB, given map[string]string) *stack {
	t.Helper()
	s, err := tm.resolve(given)
	if err != nil {
		t.Fatalf("resolving for %v: %v", given, err)
	}
	return s
}

// resolve is with for templates that may be wrong: the error has all that is.
func (tm *template) resolve(given map[string]string) (*stack, error) {
	e := &evaluation{template: tm, given: given, known: make(map[string]bool)}
	e.checkParameters()
	e.checkRules()
	s := &stack{resources: make(map[string]resource), outputs: make(map[string]any)}
	for _, name := range slices.Sorted(maps.Keys(tm.resources)) {
		if e.exists(name) {
			s.resources[name] = e.resource(name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tm.outputs)) {
		if out := section(tm.outputs, name); e.holds(out["Condition"]) {
			s.outputs[name] = e.at("Outputs."+name, out["Value"])
		}
	}
	return s, errors.Join(e.wrong...)
}

// resource works out one that exists.
func (e *evaluation) resource(name string) resource {
	raw := section(e.resources, name)
	properties, _ := e.at(name, raw["Properties"]).(map[string]any)
	r := resource{kind: text(raw["Type"]), properties: properties, dependsOn: list(raw["DependsOn"]),
		deletionPolicy: text(raw["DeletionPolicy"]), updateReplacePolicy: text(raw["UpdateReplacePolicy"])}
	for _, on := range r.dependsOn {
		if !e.exists(on) {
			e.fail("%s depends on %s, which is not there", name, on)
		}
	}
	return r
}

// exists reports whether a resource is there and its condition true.
func (e *evaluation) exists(name string) bool {
	raw := section(e.resources, name)
	return raw != nil && e.holds(raw["Condition"])
}

// text is a scalar as CloudFormation passes it on.
func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// list is a list of scalars, or a scalar in the place of a list of one.
func list(v any) (all []string) {
	switch v := v.(type) {
	case nil:
	case []any:
		for _, each := range v {
			all = append(all, text(each))
		}
	default:
		all = []string{text(v)}
	}
	return all
}
