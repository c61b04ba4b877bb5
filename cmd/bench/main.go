package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() { os.Exit(execute(os.Args[1:], os.Stderr)) }

// verbs come before all flags. Without one, peers are compared.
var verbs = map[string]func([]string) error{"sizing": sizingVerb, "observed": observedVerb}

// execute does what the arguments say, and returns the exit status: 2 is for a command
// line that is wrong.
func execute(args []string, stderr io.Writer) int {
	verb := compareVerb
	if len(args) > 0 && verbs[args[0]] != nil {
		verb, args = verbs[args[0]], args[1:]
	}
	err := verb(args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintln(stderr, "bench:", err)
	if errors.As(err, new(usageError)) {
		return 2
	}
	return 1
}

// usageError says what is wrong with a command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// parse reads the flags. What the flag package would print of an error is in the error,
// so that it is printed once.
func parse(flags *flag.FlagSet, args []string) error {
	var said strings.Builder
	flags.SetOutput(&said)
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(said.String())
		return err
	case err != nil:
		return usageError(strings.TrimSpace(said.String()))
	}
	return nil
}
