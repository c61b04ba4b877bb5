package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"

	"vpcdns/cmd/forwarder/top"
)

const topNotes = `It reads the JSON of the status page: the server needs --metrics-address, which
it has by default, and not --status-page=false. Over ssh, run it on the server's
host. Where there is no terminal, or a dumb one, it does what --once does.

Exit status:
  0   it was quit, or one frame was printed
  1   there is no such server, or wrong flags`

func topVerb() verb {
	return verb{"top", "[flags]", "Show live in a terminal what the running server does", topProgram}
}

// metricsPort is that of --metrics-address by default.
const metricsPort = "9153"

// watching is what `forwarder top` was told.
type watching struct {
	server string
	once   bool
}

func topProgram() program {
	w := &watching{}
	flags := newVerbFlags("top")
	flags.StringVarP(&w.server, "server", "s", "127.0.0.1#"+metricsPort, "`address` of its metrics, as --metrics-address has it")
	flags.BoolVar(&w.once, "once", false, "print one frame as text, and exit")
	return program{flags: flags, run: w.run}
}

func (w *watching) run(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		fmt.Fprintf(stderr, "forwarder top: unexpected argument %q\nTry 'forwarder top --help'.\n", args[0])
		return exitFailure
	}
	if err := w.show(stdout); err != nil {
		fmt.Fprintf(stderr, "forwarder top: %s\n", printable(oneLine(err)))
		return exitFailure
	}
	return 0
}

func (w *watching) show(stdout io.Writer) error {
	server, err := metricsServer(w.server)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	o := top.Options{Server: server, Called: w.server, In: os.Stdin, Out: stdout, Environ: os.Environ()}
	if w.once || !isScreen(stdout) {
		return top.Once(ctx, o)
	}
	if err := top.Run(ctx, o); !errors.Is(err, tea.ErrProgramKilled) && !errors.Is(err, tea.ErrInterrupted) {
		return err
	}
	return nil // a signal has ended it
}

// metricsServer is the host and port of an address in BIND's notation, or that of URLs.
func metricsServer(s string) (string, error) {
	host, port, err := net.SplitHostPort(urlNotation(s))
	if err != nil {
		host, port = strings.Trim(s, "[]"), metricsPort
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if host == "" || err != nil || n == 0 || strings.ContainsAny(host, "/?#@ ") {
		return "", fmt.Errorf("address %q is not like 127.0.0.1#%s", s, metricsPort)
	}
	return net.JoinHostPort(host, port), nil
}

// isScreen reports whether there is a terminal to draw on, with keys.
func isScreen(stdout io.Writer) bool {
	f, ok := stdout.(*os.File)
	return ok && os.Getenv("TERM") != "dumb" && os.Getenv("TERM") != "" && term.IsTerminal(f.Fd()) && term.IsTerminal(os.Stdin.Fd())
}
