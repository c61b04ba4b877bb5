package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	run := compareVerb
	args := os.Args[1:]
	verbs := map[string]func([]string) error{"sizing": sizingVerb, "observed": observedVerb}
	if len(args) > 0 && verbs[args[0]] != nil {
		run, args = verbs[args[0]], args[1:]
	}
	if err := run(args); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
