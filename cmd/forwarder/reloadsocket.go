package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"vpcdns/forwarder/logging"
)

// SIGHUP has no answer. Who wants one connects to a socket in place of it, and is
// told the exit status of the reload and, a line each, what is wrong: systemctl
// reload fails when the reload did. The channel of rndc can do it too, and needs
// a key; this one needs to be root, or the user of the server.

const (
	// reloadReply is how long a peer may take to read its answer, and
	// reloadLongest how long it waits for it: zones may be many.
	reloadReply   = 10 * time.Second
	reloadLongest = time.Minute

	// mostReloadText is more than all findings of a configuration, in octets.
	mostReloadText = 1 << 20
)

// serveReloads reloads for who connects, one after the other, until stop is called.
func (d *daemon) serveReloads() (stop func()) {
	l, err := listenReload(os.Getpid())
	if err != nil {
		if !errors.Is(err, errors.ErrUnsupported) {
			d.warn(err)
		}
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { d.acceptReloads(ctx, l) })
	return func() {
		cancel()
		l.Close()
		running.Wait()
	}
}

func (d *daemon) acceptReloads(ctx context.Context, l *net.UnixListener) {
	for ctx.Err() == nil {
		c, err := l.AcceptUnix()
		if err != nil { // out of descriptors, or closed
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			continue
		}
		d.reloadFor(ctx, c)
		c.Close()
	}
}

// reloadFor answers one peer; one that may not ask gets nothing.
func (d *daemon) reloadFor(ctx context.Context, c *net.UnixConn) {
	who, err := callerOf(c)
	if err != nil || who.uid != 0 && who.uid != os.Geteuid() {
		return
	}
	d.do(ctx, func() {
		d.log(logging.Info, "asked by process %d to reload", who.pid)
		err = d.reload()
	})
	if ctx.Err() != nil {
		return
	}
	c.SetWriteDeadline(time.Now().Add(reloadReply))
	_, _ = fmt.Fprintf(c, "%d\n%s", exitStatus(err), lines(err)) // it went away
}

func lines(err error) string {
	if err == nil {
		return ""
	}
	return err.Error() + "\n"
}

// caller is the process at the other end of a Unix socket.
type caller struct{ pid, uid int }

// askReload has a server reload its configuration, and returns the exit status and
// text of that.
func askReload(pid int) (status int, text string, err error) {
	c, err := dialReload(pid)
	if err != nil {
		return 0, "", err
	}
	defer c.Close()
	// The name is anybody's who was faster: it must be the server that answers.
	if p, err := callerOf(c); err != nil || p.pid != pid {
		return 0, "", fmt.Errorf("process %d answers in its place (%w)", p.pid, syscall.EPERM)
	}
	c.SetReadDeadline(time.Now().Add(reloadLongest))
	reply, err := io.ReadAll(io.LimitReader(c, mostReloadText))
	if err != nil {
		return 0, "", err
	}
	first, text, _ := strings.Cut(string(reply), "\n")
	if status, err = strconv.Atoi(first); err != nil {
		return 0, "", fmt.Errorf("it does not say how the reload went: it ends, or we are neither root nor its user (%w)", io.ErrUnexpectedEOF)
	}
	return status, text, nil
}

func reloadVerb() program {
	return program{newVerbFlags("reload"), func(args []string, _, stderr io.Writer) int {
		if len(args) != 1 {
			fmt.Fprintln(stderr, "forwarder reload: give it the process id of the server")
			return exitUsage
		}
		pid, err := strconv.Atoi(args[0])
		if err != nil || pid <= 0 {
			fmt.Fprintf(stderr, "forwarder reload: %q is no process id\n", args[0])
			return exitUsage
		}
		status, text, err := askReload(pid)
		if err != nil {
			fmt.Fprintf(stderr, "forwarder reload: asking process %d: %v\n", pid, err)
			return exitFailure
		}
		fmt.Fprint(stderr, text)
		return status
	}}
}
