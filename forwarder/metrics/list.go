package metrics

import "slices"

//go:generate go test . -run Readme|Constants -update

// Name is a metric's full name. Each has a constant (constants.go), so that what is built
// on a metric does not compile once that is called otherwise.
type Name string

// Family describes a metric to who builds on it.
type Family struct {
	Name   Name
	Type   string   // counter, gauge, histogram
	Labels []string // of its series
	Help   string
}

// Families lists all metrics of the forwarder itself, in the order of README.md. Those of
// the process and of the Go run time are not among them.
func Families() []Family {
	list := make([]Family, len(families))
	for i, f := range families {
		list[i] = Family{Name(f.fullName()), f.kind.String(), slices.Clone(f.labels), f.help}
	}
	return list
}
