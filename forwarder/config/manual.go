package config

import (
	"cmp"
	"slices"
)

// Option is an option of named.conf as a manual shows it. One that means
// something else elsewhere is there several times.
type Option struct {
	Name      string
	In        string // the blocks in which it may stand, with commas between
	Value     string // what may follow its name
	Treatment Treatment
	Why       string // why it is not honoured, after what BIND says of it: "deprecated"
	Except    string // a value that is fine though the option is not honoured; "" is none
}

// Options returns all options, by name.
func Options() []Option {
	var list []Option
	for _, o := range options() {
		list = append(list, Option{
			Name:      o.name,
			In:        o.in.String(),
			Value:     o.syntax.String(),
			Treatment: o.treatment,
			Why:       join(ageNames[o.age], o.why),
			Except:    o.exempt,
		})
	}
	slices.SortStableFunc(list, func(a, b Option) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// join puts a semicolon between two remarks that may be empty.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
