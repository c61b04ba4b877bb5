package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"vpcdns/forwarder/manual"
)

// verb is a program of its own within this one: forwarder NAME ... Help, manual
// page and completions are made of these.
type verb struct {
	name    string
	args    string // what may follow, as its usage has it
	summary string
	program func() program
}

// program is a verb ready to parse its flags. run gets what is left of the
// command line after them, and returns the exit status.
type program struct {
	flags *pflag.FlagSet
	run   func(args []string, stdout, stderr io.Writer) int
}

// verbs are all of them, in the order in which the help has them.
func verbs() []verb {
	return []verb{
		{"reload", "PID", "Have a running server reload its configuration, and fail if that does", reloadVerb},
		mendVerb(),
		replaceNamedVerb(),
		migrateVerb(),
		shadowVerb(),
		doctorVerb(),
		rndcVerb(),
		statusVerb(),
		topVerb(),
		manVerb(),
		completionVerb(),
	}
}

// notes are what the help of a verb has below its flags.
var notes = map[string]string{"migrate-check": migrateNotes, "shadow": shadowNotes, "doctor": doctorNotes, "rndc": rndcNotes(), "status": statusNotes, "top": topNotes}

// verbNamed returns nil where there is none of this name.
func verbNamed(name string) *verb {
	for _, v := range verbs() {
		if v.name == name {
			return &v
		}
	}
	return nil
}

// newVerbFlags returns an empty set for a verb's flags.
func newVerbFlags(name string) *pflag.FlagSet {
	s := pflag.NewFlagSet(name, pflag.ContinueOnError)
	s.SortFlags = false
	s.SetOutput(io.Discard)
	return s
}

// start runs the verb with the rest of the command line.
func (v *verb) start(args []string, stdout, stderr io.Writer) int {
	p := v.program()
	help := p.flags.BoolP("help", "h", false, "print this text and exit")
	if err := p.flags.Parse(args); err != nil {
		fmt.Fprintf(stderr, "forwarder %s: %v\nTry 'forwarder %s --help'.\n", v.name, err, v.name)
		return 1
	}
	if *help {
		fmt.Fprint(stdout, v.usage(p.flags))
		return 0
	}
	return p.run(p.flags.Args(), stdout, stderr)
}

func (v *verb) usage(flags *pflag.FlagSet) string {
	more := notes[v.name]
	if more != "" {
		more = "\n" + more + "\n"
	}
	return manual.HelpItem("", 0, v.summary+".") + fmt.Sprintf("\nUsage:\n  %s\n\nFlags:\n%s%s",
		strings.TrimRight("forwarder "+v.name+" "+v.args, " "), manual.FlagList(flags), more)
}
