package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// helpWidth is that of a terminal, in columns.
const helpWidth = 80

// usage is the help of the program.
func usage() string {
	return fmt.Sprintf(`failover switches a name in a private zone of Route 53 to another address, and
proves that the new address arrived.

Usage:
  failover VERB [flags] [argument ...]
  failover help [VERB]
  failover --version

Verbs; failover VERB --help says more:
%s
%s`, verbList(), outcomeList())
}

// usage is the help of a verb.
func (v *verb) usage(flags *pflag.FlagSet) string {
	more := ""
	if v.notes != "" {
		more = "\n" + v.notes + "\n"
	}
	return helpItem("", 0, v.summary+".") + fmt.Sprintf("\nUsage:\n  %s\n\nFlags:\n%s%s\n%s",
		strings.TrimRight("failover "+v.name+" "+v.args, " "), flagList(flags), more, outcomeList())
}

// flagList is pflag's list of flags, without the values that nobody gives to a
// switch.
func flagList(flags *pflag.FlagSet) string {
	const values = "[=true|false]"
	return strings.ReplaceAll(flags.FlagUsagesWrapped(helpWidth), values, strings.Repeat(" ", len(values)))
}

func verbList() string {
	var b strings.Builder
	for _, v := range verbs() {
		b.WriteString(helpItem("  "+v.name, 14, v.summary))
	}
	return b.String()
}

func outcomeList() string {
	var b strings.Builder
	b.WriteString("Exit status:\n")
	for _, o := range outcomes {
		b.WriteString(helpItem(fmt.Sprintf("  %d", o.status), 5, o.meaning))
	}
	return b.String()
}

// helpItem puts the text beside the term, from this column on.
func helpItem(term string, column int, text string) string {
	lines := wrap(text, helpWidth-column)
	return fmt.Sprintf("%-*s%s\n", column, term, strings.Join(lines, "\n"+strings.Repeat(" ", column)))
}

// wrap breaks text at blanks.
func wrap(text string, columns int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > columns {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimLeft(line+" "+word, " ")
	}
	return append(lines, line)
}
