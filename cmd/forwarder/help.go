package main

import (
	"strings"

	"github.com/spf13/pflag"
)

// helpWidth is that of a terminal, in columns.
const helpWidth = 80

// flagList is pflag's list of flags, without the values that nobody gives to a
// switch.
func flagList(flags *pflag.FlagSet) string {
	const values = "[=true|false]"
	return strings.ReplaceAll(flags.FlagUsagesWrapped(helpWidth), values, strings.Repeat(" ", len(values)))
}

// verbList has a line or two for each verb.
func verbList() string {
	var b strings.Builder
	for _, v := range verbs() {
		b.WriteString(helpItem("  "+v.name, 17, v.summary))
	}
	return b.String()
}

// helpItem puts the text beside the term, from this column on, or below a term
// that reaches it.
func helpItem(term string, column int, text string) string {
	indent := strings.Repeat(" ", column)
	lines := strings.Join(wrap(text, helpWidth-column), "\n"+indent)
	if len(term) >= column {
		return term + "\n" + indent + lines + "\n"
	}
	return term + indent[len(term):] + lines + "\n"
}
