package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"syscall"

	"vpcdns/forwarder/rndcconf"
)

// Exit statuses of forwarder status; 3 and 4 are systemctl's.
const (
	statusTrouble    = 2
	statusNotRunning = 3
	statusUnknown    = 4
)

const statusNotes = `Exit status:
  0   all is well
  2   something is wrong: see the lines trouble, zones and reload
  3   no server runs
  4   it cannot be told: no key, or none that the server knows`

func statusVerb() verb {
	return verb{"status", "[flags]", "Show how the running server is, on one screen", statusProgram}
}

// statusProgram has rndc's flags for where the server is, and with which key.
func statusProgram() program {
	f := &rndcFlags{config: rndcconf.File}
	s := newVerbFlags("status")
	s.StringVarP(&f.config, "config", "c", rndcconf.File, "`file` with servers and keys, as rndc's")
	s.StringVarP(&f.server, "server", "s", "", "`name` or address of the server")
	s.StringVarP(&f.keyFile, "key-file", "k", rndcconf.KeyFiles[0], "`file` with the key, where there is no configuration")
	s.StringVarP(&f.port, "port", "p", "", "`port` of its control channel, in place of 953")
	f.set = s
	return program{flags: s, run: f.showStatus}
}

// showStatus prints the screen, and returns the exit status.
func (f *rndcFlags) showStatus(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		fmt.Fprintf(stderr, "forwarder status: unexpected argument %q\nTry 'forwarder status --help'.\n", args[0])
		return 1
	}
	if !f.set.Changed("key-file") {
		f.keyFile = rndcconf.KeyFile()
	}
	text, err := f.askStatus(stderr)
	switch {
	case err != nil && strings.HasSuffix(err.Error(), bindErrors[syscall.ECONNREFUSED]):
		fmt.Fprintf(stderr, "forwarder status: no server runs, or it has no control channel: %v\n", err)
		return statusNotRunning
	case err != nil:
		fmt.Fprintf(stderr, "forwarder status: %v\n", err)
		return statusUnknown
	}
	fmt.Fprintln(stdout, text)
	if !strings.HasSuffix(text, noTrouble) {
		return statusTrouble
	}
	return 0
}

// askStatus returns the screen of the server.
func (f *rndcFlags) askStatus(stderr io.Writer) (string, error) {
	t, err := f.target(stderr)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), rndcTimeout)
	defer cancel()
	addrs, err := f.addresses(ctx, t)
	if err != nil {
		return "", err
	}
	c, err := f.connect(ctx, t, addrs, stderr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	reply, err := c.Do("summary")
	if err == nil && reply.Err != "" {
		err = fmt.Errorf("the server says: %s%s", strings.TrimSpace(reply.Err+" "+reply.Text), whoKnowsNoSummary(reply.Err))
	}
	return reply.Text, err
}

// whoKnowsNoSummary tells of a server that is no forwarder.
func whoKnowsNoSummary(err string) string {
	if err != "unknown command" {
		return ""
	}
	return ": it is named, or an old forwarder; 'forwarder rndc status' asks it"
}
