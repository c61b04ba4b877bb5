package manual

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Flags lists those that the help lists.
func (p *Page) Flags(set *pflag.FlagSet) {
	set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			p.Item(flagTerm(f), flagMeaning(f))
		}
	})
}

func flagTerm(f *pflag.Flag) string {
	term := "--" + f.Name
	if f.Shorthand != "" {
		term = "-" + f.Shorthand + ", " + term
	}
	value, _ := pflag.UnquoteUsage(f)
	return strings.TrimSpace(term + " " + value)
}

func flagMeaning(f *pflag.Flag) string {
	_, usage := pflag.UnquoteUsage(f)
	if slices.Contains([]string{"", "0", "0s", "false", "[]"}, f.DefValue) {
		return usage
	}
	return usage + " (default " + plainDefault(f) + ")"
}
