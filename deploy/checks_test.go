package deploy

import (
	"fmt"
	"slices"
	"strings"
)

// check looks for one kind of error in a stack that was made from given parameters.
type check struct {
	name string
	run  func(f *findings)
}

// findings are what a check finds.
type findings struct {
	*stack
	template *template
	values   map[string]string // of all parameters
	list     []string
}

func (f *findings) add(format string, args ...any) {
	f.list = append(f.list, fmt.Sprintf(format, args...))
}

// equal adds a finding unless got is want, as text.
func (f *findings) equal(what string, got, want any) {
	if fmt.Sprint(got) != fmt.Sprint(want) {
		f.add("%s = %v, want %v", what, got, want)
	}
}

// of returns the names of the resources of a kind, sorted.
func (f *findings) of(kind string) (names []string) {
	for name, r := range f.resources {
		if r.kind == kind {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// property digs in the properties of a resource; nil if it is not there.
func (f *findings) property(name string, path ...any) any {
	return dig(f.resources[name].properties, path...)
}

// dig follows keys of maps and indexes of lists.
func dig(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			all, _ := v.([]any)
			if step >= len(all) {
				return nil
			}
			v = all[step]
		}
	}
	return v
}

// find runs checks on a template for given parameters. Each finding begins with the name
// of its check; "template" is what cannot be worked out at all.
func find(tm *template, checks []check, given map[string]string) (all []string) {
	s, err := tm.resolve(given)
	if err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			all = append(all, "template: "+line)
		}
	}
	for _, c := range checks {
		f := &findings{stack: s, template: tm, values: tm.values(given)}
		c.run(f)
		for _, line := range f.list {
			all = append(all, c.name+": "+line)
		}
	}
	return all
}

// values are those of all parameters, as text.
func (tm *template) values(given map[string]string) map[string]string {
	all := make(map[string]string)
	for name := range tm.parameters {
		all[name] = text(section(tm.parameters, name)["Default"])
	}
	for name, v := range given {
		all[name] = v
	}
	return all
}

// needs returns the names of all resources that have to be there before a resource:
// those that it names, those that it depends on, and so on.
func (s *stack) needs(name string) map[string]bool {
	seen := make(map[string]bool)
	for next := []string{name}; len(next) > 0; {
		r := s.resources[next[0]]
		next = next[1:]
		for _, on := range append(named(r.properties), r.dependsOn...) {
			if _, ok := s.resources[on]; ok && !seen[on] {
				seen[on] = true
				next = append(next, on)
			}
		}
	}
	return seen
}

// named returns the names in values that stand for resources: "${Vpc}", "${Role.Arn}".
func named(v any) (all []string) {
	switch v := v.(type) {
	case string:
		for _, match := range variable.FindAllStringSubmatch(v, -1) {
			resource, _, _ := strings.Cut(match[2], ".")
			all = append(all, resource)
		}
	case []any:
		for _, each := range v {
			all = append(all, named(each)...)
		}
	case map[string]any:
		for _, each := range v {
			all = append(all, named(each)...)
		}
	}
	return all
}
