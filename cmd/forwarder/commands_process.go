package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"vpcdns/forwarder/rndc"
)

// processCommands are those about the process and its configuration.
func processCommands() []command {
	return []command{
		{name: "reload", args: "[zone [class [view]]]", summary: "Reload the configuration and all zones, or the file of one zone", run: reload},
		{name: "reconfig", summary: "The same as reload", run: reconfig},
		{name: "stop", args: "[-p]", summary: "Finish what was asked and exit; -p tells the process id", run: stop},
		{name: "halt", args: "[-p]", summary: "The same as stop: nothing has to be saved", run: stop},
		{name: "null", summary: "Do nothing, to see whether the channel works", readOnly: true, run: done},
		{name: "scan", summary: "Nothing: interfaces are watched all the time", run: done},
		{name: "timerpoke", summary: "Nothing: no timer has to be woken", run: done},
		{name: "tcp-timeouts", summary: "Show how long TCP connections are kept, in units of 100 ms", run: tcpTimeouts},
		{name: "testgen", args: "[length]", summary: "Send so many letters, to test the channel", run: testText},
	}
}

// done is a command that has nothing to do.
func done(context.Context, *daemon, []string) (string, error) { return "", nil }

// stopRequest is what stop and halt send where a signal would come.
type stopRequest struct{}

func (stopRequest) Signal()        {}
func (stopRequest) String() string { return "control channel command 'stop'" }

func stop(_ context.Context, d *daemon, args []string) (string, error) {
	select {
	case d.stops <- stopRequest{}:
	default: // it ends already
	}
	if argument(args, 0) == "-p" {
		return fmt.Sprintf("pid: %d", os.Getpid()), nil
	}
	return "", nil
}

var _ os.Signal = stopRequest{}

func reload(ctx context.Context, d *daemon, args []string) (string, error) {
	if len(args) > 0 {
		return reloadZone(ctx, d, args)
	}
	if _, err := reconfig(ctx, d, nil); err != nil {
		return "", err
	}
	return "server reload successful", nil
}

// reconfig fails with what is wrong with the configuration.
func reconfig(ctx context.Context, d *daemon, _ []string) (string, error) {
	var err error
	if !d.do(ctx, func() { err = d.reload() }) {
		return "", rndc.ShuttingDown.With("")
	}
	if err != nil {
		return "", rndc.Failure.With(firstLines(strings.TrimPrefix(err.Error(), errConfiguration.Error()+"\n")))
	}
	return "", nil
}

// maxReasons is how many lines of a failure are shown; the log has all.
const maxReasons = 20

func firstLines(s string) string {
	lines := strings.Split(s, "\n")
	if more := len(lines) - maxReasons; more > 0 {
		lines = append(lines[:maxReasons], fmt.Sprintf("and %d more, see the log", more))
	}
	return strings.Join(lines, "\n")
}

// tcpTimeouts shows BIND's four values. It does not set them.
func tcpTimeouts(_ context.Context, d *daemon, args []string) (string, error) {
	if len(args) > 0 {
		return "", rndc.NotImplemented.With("set tcp-initial-timeout and the others in the configuration, and reload")
	}
	t := d.server.Config().TCP
	const unit = 100_000_000
	return fmt.Sprintf("tcp-initial-timeout=%d\ntcp-idle-timeout=%d\ntcp-keepalive-timeout=%d\ntcp-advertised-timeout=%d",
		t.InitialTimeout/unit, t.IdleTimeout/unit, t.KeepaliveTimeout/unit, t.AdvertisedTimeout/unit), nil
}

// maxTestText is what fits into a reply.
const maxTestText = 1 << 19

func testText(_ context.Context, _ *daemon, args []string) (string, error) {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	n := len(letters)
	if len(args) > 0 {
		var err error
		if n, err = strconv.Atoi(args[0]); err != nil || n < 0 || n > maxTestText {
			return "", rndc.OutOfRange.With(fmt.Sprintf("a number up to %d expected", maxTestText))
		}
	}
	return strings.Repeat(letters, n/len(letters)+1)[:n], nil
}
