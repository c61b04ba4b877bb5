package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"vpcdns/forwarder/manual"
)

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
	return manual.HelpItem("", 0, v.summary+".") + fmt.Sprintf("\nUsage:\n  %s\n\nFlags:\n%s%s\n%s",
		strings.TrimRight("failover "+v.name+" "+v.args, " "), manual.FlagList(flags), more, outcomeList())
}

func verbList() string {
	var b strings.Builder
	for _, v := range verbs() {
		b.WriteString(manual.HelpItem("  "+v.name, 14, v.summary))
	}
	return b.String()
}

func outcomeList() string {
	var b strings.Builder
	b.WriteString("Exit status:\n")
	for _, o := range outcomes {
		b.WriteString(manual.HelpItem(fmt.Sprintf("  %d", o.status), 5, o.meaning))
	}
	return b.String()
}
