package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"vpcdns/forwarder/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run does what the command line asks for and returns the exit status. ctx ends
// with the first signal.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage())
		return exitFailure
	}
	switch args[0] {
	case "help":
		return help(args[1:], stdout, stderr)
	case "--help", "-h":
		fmt.Fprint(stdout, usage())
		return 0
	case "--version", "-v":
		fmt.Fprintln(stdout, "failover", version.Number)
		return 0
	}
	v := verbNamed(args[0])
	if v == nil {
		fmt.Fprintf(stderr, "failover: there is no verb %q\nTry 'failover --help'.\n", args[0])
		return exitFailure
	}
	return v.start(ctx, args[1:], stdout, stderr)
}

// help prints the text of a verb, or of the program.
func help(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stdout, usage())
		return 0
	}
	v := verbNamed(args[0])
	if v == nil {
		fmt.Fprintf(stderr, "failover help: there is no verb %q\nTry 'failover --help'.\n", args[0])
		return exitFailure
	}
	fmt.Fprint(stdout, v.usage(v.program().flags))
	return 0
}
