package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// fishCompletion is for /usr/share/fish/vendor_completions.d.
func fishCompletion(all []usageContext) string {
	var b strings.Builder
	var names []string
	for _, c := range all[1:] {
		names = append(names, c.verb)
	}
	none := "not __fish_seen_subcommand_from " + strings.Join(names, " ")
	b.WriteString("# Made by forwarder completion fish.\n")
	for _, c := range all {
		when, first := none, "test (count (commandline -opc)) -eq 1" // verbs stand first
		if c.verb != "" {
			when = "__fish_seen_subcommand_from " + c.verb
			first = when
		}
		for _, f := range c.flags {
			fmt.Fprintf(&b, "complete -c forwarder -n %s%s\n", quoted(when), fishFlag(f))
		}
		for _, w := range c.words {
			fmt.Fprintf(&b, "complete -c forwarder -f -n %s -a %s -d %s\n", quoted(first), w.text, quoted(w.about))
		}
	}
	fmt.Fprintf(&b, "complete -c forwarder -f -n '__fish_contains_opt options' -a %s\n", quoted(strings.Join(namedConfOptions(), " ")))
	return b.String()
}

func fishFlag(f *pflag.Flag) string {
	var b strings.Builder
	if f.Shorthand != "" {
		fmt.Fprintf(&b, " -s %s", f.Shorthand)
	}
	fmt.Fprintf(&b, " -l %s -d %s", f.Name, quoted(about(f)))
	if takesValue(f) {
		b.WriteString(" -r")
	}
	return b.String()
}
