package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"vpcdns/cmd/forwarder/demo"
	"vpcdns/forwarder/version"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run does what the flags ask for and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		if v := verbNamed(args[0]); v != nil {
			return v.start(args[1:], stdout, stderr)
		}
	}
	f, err := parseFlags(args)
	if err != nil {
		fmt.Fprintf(stderr, "forwarder: %v\nTry 'forwarder --help'.\n", err)
		return exitUsage
	}
	switch {
	case f.help:
		fmt.Fprint(stdout, f.usage())
	case f.version:
		fmt.Fprintln(stdout, "forwarder", version.Number)
	case f.buildInfo:
		fmt.Fprint(stdout, buildInfo())
	case f.check:
		return checkConfig(f, stdout, stderr)
	case f.options:
		return printOptions(stdout, stderr, f.option)
	case f.demo:
		return demonstrate(stdout, stderr)
	case f.background():
		return detach(stderr)
	default:
		return serve(f, stderr)
	}
	return 0
}

func demonstrate(stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // the demo cleans up first, if nobody reads on
	if err := demo.Run(ctx, stdout); err != nil {
		fmt.Fprintf(stderr, "forwarder: %v\n", err)
		return 1
	}
	return 0
}
