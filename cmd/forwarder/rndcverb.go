package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/manual"
	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/rndcconf"
)

// rndcTimeout is how long a server may take, from the connection to the reply:
// rndc's own.
const rndcTimeout = time.Minute

func rndcVerb() verb {
	return verb{"rndc", "[flags] COMMAND [ARGUMENT]...\n  forwarder rndc --make-key [-A algorithm] [-k name] [FILE]",
		"Control a running forwarder, or named, as rndc does", rndcProgram}
}

// rndcFlags are rndc's own letters.
type rndcFlags struct {
	set                          *pflag.FlagSet
	onlyIPv4, onlyIPv6           bool
	quiet, result, verbose       bool
	sources                      []string
	config, server, keyFile, key string
	port                         string
	makeKey, force               bool
	algorithm                    string
}

func rndcProgram() program {
	f := &rndcFlags{}
	s := newVerbFlags("rndc")
	s.SetInterspersed(false) // what follows the command is its own
	s.BoolVarP(&f.onlyIPv4, "ipv4", "4", false, "use IPv4 only")
	s.BoolVarP(&f.onlyIPv6, "ipv6", "6", false, "use IPv6 only")
	s.StringArrayVarP(&f.sources, "source", "b", nil, "source `address` of the connection; may be given for IPv4 and for IPv6")
	s.StringVarP(&f.config, "config", "c", rndcconf.File, "`file` with servers and keys")
	s.StringVarP(&f.server, "server", "s", "", "`name` or address of the server")
	s.StringVarP(&f.keyFile, "key-file", "k", rndcconf.KeyFiles[0], "`file` with the key, where there is no configuration")
	s.StringVarP(&f.port, "port", "p", "", "`port` of the server, in place of 953")
	s.BoolVarP(&f.quiet, "quiet", "q", false, "print no text but that of a failure")
	s.BoolVarP(&f.result, "result", "r", false, "print the result of the command too")
	s.BoolVarP(&f.verbose, "verbose", "V", false, "tell what is done")
	s.StringVarP(&f.key, "key", "y", "", "`name` of the key, of those in the configuration")
	s.BoolVar(&f.makeKey, "make-key", false, "write a new key file, as rndc-confgen -a does; -k is the key's name then")
	s.BoolVar(&f.force, "force", false, "with --make-key: replace a key file that is there")
	s.StringVarP(&f.algorithm, "algorithm", "A", "hmac-sha256", "with --make-key: the `algorithm`")
	f.set = s
	return program{flags: s, run: f.run}
}

// rndcNotes lists the commands, below the flags.
func rndcNotes() string {
	var b strings.Builder
	b.WriteString("Commands of the forwarder; another server has its own:\n")
	for _, c := range allForms() {
		fmt.Fprintf(&b, "  %s\n%s", strings.TrimRight(c.name+" "+c.args, " "), manual.HelpItem("", 8, c.summary))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (f *rndcFlags) run(args []string, stdout, stderr io.Writer) int {
	var err error
	if !f.set.Changed("key-file") {
		f.keyFile = rndcconf.KeyFile()
	}
	switch {
	case f.makeKey:
		err = f.writeKey(args, stdout)
	case len(args) == 0:
		fmt.Fprint(stderr, verbNamed("rndc").usage(f.set))
		return 1
	default:
		err = f.follow(args, stdout, stderr)
	}
	if err == nil {
		return 0
	}
	if !errors.Is(err, errCommandFailed) {
		fmt.Fprintf(stderr, "rndc: %s\n", failure(err))
	}
	return 1
}

// errCommandFailed: the server has said why, and that is printed.
var errCommandFailed = errors.New("command failed")

// follow gives the command to the server; queries again and again, until that fails or
// the user ends it.
func (f *rndcFlags) follow(args []string, stdout, stderr io.Writer) error {
	if args[0] != "queries" || len(args) > 1 && args[1] == "-c" {
		return f.send(args, stdout, stderr)
	}
	again := append([]string{"queries", "-c", rand.Text()}, args[1:]...)
	for {
		if err := f.send(again, stdout, stderr); err != nil {
			return err
		}
	}
}

// send gives the command to the server, and prints what it says.
func (f *rndcFlags) send(args []string, stdout, stderr io.Writer) error {
	t, err := f.target(stderr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), rndcTimeout)
	defer cancel()
	addrs, err := f.addresses(ctx, t)
	if err != nil {
		return err
	}
	c, err := f.connect(ctx, t, addrs, stderr)
	if err != nil {
		return err
	}
	defer c.Close()
	reply, err := c.Do(strings.Join(args, " "))
	if err != nil {
		return err
	}
	return f.print(args[0], reply, stdout, stderr)
}

// print shows a reply as rndc does: what counts is whether there is an error.
func (f *rndcFlags) print(command string, r rndc.Reply, stdout, stderr io.Writer) error {
	w := stdout
	if r.Err != "" {
		w = stderr
		fmt.Fprintf(w, "rndc: '%s' failed: %s\n", command, r.Err)
	}
	if r.Text != "" && (r.Err != "" || !f.quiet) {
		fmt.Fprintln(w, r.Text)
	}
	if f.result {
		n, err := strconv.Atoi(r.Result)
		if err != nil {
			n = -1
		}
		fmt.Fprintf(stdout, "%s %d\n", rndc.Result(n).ID(), n)
	}
	if r.Err != "" {
		return errCommandFailed
	}
	return nil
}

// connect tries one address after the other. Only the last failure is told.
func (f *rndcFlags) connect(ctx context.Context, t target, addrs []netip.AddrPort, stderr io.Writer) (c *rndc.Client, err error) {
	for _, a := range addrs {
		if f.verbose {
			fmt.Fprintf(stderr, "using server %s (%s)\n", t.server, host.Address(a))
		}
		c, err = rndc.Dial(ctx, a, t.source(a.Addr()), t.key)
		if op := (*net.OpError)(nil); err == nil || !errors.As(err, &op) || op.Op != "dial" {
			return c, err
		}
		err = fmt.Errorf("connect failed: %s: %s", host.Address(a), bindError(err))
	}
	return nil, err
}

// closedText is rndc's for a connection that was closed without a word.
const closedText = `connection to remote host closed.
* This may indicate that the
* remote server is using an older
* version of the command protocol,
* this host is not authorized to connect,
* the clocks are not synchronized,
* the key signing algorithm is incorrect
* or the key is invalid.`

// failure is what is said of an error.
func failure(err error) string {
	switch {
	case errors.Is(err, rndc.ErrClosed):
		return closedText
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "recv failed: timed out"
	}
	return err.Error()
}

// bindErrors are BIND's words for errors of sockets.
var bindErrors = map[syscall.Errno]string{
	syscall.ECONNREFUSED:  "connection refused",
	syscall.EADDRNOTAVAIL: "address not available",
	syscall.ENETUNREACH:   "network unreachable",
	syscall.EHOSTUNREACH:  "host unreachable",
	syscall.ETIMEDOUT:     "timed out",
	syscall.EACCES:        "permission denied",
}

func bindError(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) && bindErrors[errno] != "" {
		return bindErrors[errno]
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return "timed out"
	}
	return err.Error()
}
