package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"
)

// verb is one of the things that the program does. Its help is made of these.
type verb struct {
	name    string
	args    string // what may follow, as its usage has it
	summary string
	notes   string // what its help has below the flags, "" is nothing
	program func() program
}

// program is a verb ready to parse its flags. run gets what is left of the command
// line after them; its error says the exit status (see outcomes). It ends soon
// after ctx does.
type program struct {
	flags *pflag.FlagSet
	run   func(ctx context.Context, args []string, stdout, stderr io.Writer) error
}

// verbs are all of them, in the order in which the help has them.
func verbs() []verb {
	return []verb{
		switchVerb(),
		statusVerb(),
		overrideVerb(),
		waitVerb(),
		registerVerb(),
		deregisterVerb(),
		watchVerb(),
		drillVerb(),
		manVerb(),
	}
}

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

// start runs the verb with the rest of the command line, and returns the exit status.
func (v *verb) start(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := v.program()
	help := p.flags.BoolP("help", "h", false, "print this text and exit")
	err := p.flags.Parse(args)
	switch {
	case err != nil:
		err = usageError("%w", err)
	case *help:
		fmt.Fprint(stdout, v.usage(p.flags))
		return 0
	default:
		err = p.run(ctx, p.flags.Args(), stdout, stderr)
	}
	if err != nil {
		fmt.Fprintf(stderr, "failover %s: %s\n", v.name, sentence(err))
	}
	if errors.Is(err, errUsage) {
		fmt.Fprintf(stderr, "Try 'failover %s --help'.\n", v.name)
	}
	return exitStatus(err)
}

// usageError is one that the help would have spared.
func usageError(format string, args ...any) error {
	return wrongUsage{fmt.Errorf(format, args...)}
}

type wrongUsage struct{ error }

func (wrongUsage) Is(target error) bool { return target == errUsage }
func (e wrongUsage) Unwrap() error      { return e.error }

// noArguments refuses what stands behind the flags of a verb that takes nothing else.
func noArguments(args []string) error {
	if len(args) > 0 {
		return usageError("unexpected argument %q", args[0])
	}
	return nil
}
