package manual

import (
	"strings"

	"github.com/spf13/pflag"
)

// Columns are those of a terminal.
const Columns = 80

// FlagList is pflag's list of flags for a terminal, without the values that nobody
// gives to a switch.
func FlagList(set *pflag.FlagSet) string {
	const values = "[=true|false]"
	set.VisitAll(func(f *pflag.Flag) { f.DefValue = plainDefault(f) })
	return strings.ReplaceAll(set.FlagUsagesWrapped(Columns), values, strings.Repeat(" ", len(values)))
}

// plainDefault is a flag's default without Go's notation: 5m, 53.
func plainDefault(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "duration":
		if minutes, whole := strings.CutSuffix(f.DefValue, "m0s"); whole {
			return minutes + "m"
		}
	case "uintSlice":
		return strings.Trim(f.DefValue, "[]")
	}
	return f.DefValue
}

// HelpItem puts a text beside a term, from this column on, or below a term that
// reaches it.
func HelpItem(term string, column int, text string) string {
	indent := strings.Repeat(" ", column)
	lines := strings.Join(Wrap(text, Columns-column), "\n"+indent)
	if len(term) >= column && term != "" {
		return term + "\n" + indent + lines + "\n"
	}
	return term + indent[len(term):] + lines + "\n"
}

// Wrap cuts a text into lines at blanks, and a longer word where it must.
func Wrap(text string, columns int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > columns {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
		for len(line) > columns {
			lines, line = append(lines, line[:columns]), line[columns:]
		}
	}
	return append(lines, line)
}
