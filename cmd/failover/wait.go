package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"vpcdns/cmd/failover/zone"
)

const waitNotes = `The ID is what switch, and 'aws route53 change-resource-record-sets', say.
INSYNC is that all servers of Route 53 have the change. The VPC's resolver and
whoever asked it may keep the old answer for its TTL after that.`

func waitVerb() verb {
	return verb{"wait", "ID [flags]", "Wait until a change is INSYNC", waitNotes, waitProgram}
}

func waitProgram() program {
	s := newVerbFlags("wait")
	var o zone.Settings
	timeout := s.Duration("timeout", 5*time.Minute, "`time` to wait; most changes take less than one minute")
	awsFlags(s, &o)
	return program{s, func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		if len(args) != 1 {
			return usageError("one ID of a change is wanted, not %d", len(args))
		}
		o.Tell = tellTo(stderr)
		return waitFor(ctx, o, args[0], *timeout, stdout)
	}}
}

// waitFor tells each new status.
func waitFor(ctx context.Context, o zone.Settings, id string, timeout time.Duration, stdout io.Writer) error {
	c, err := zone.Connect(ctx, o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	begun, last := time.Now(), ""
	return c.Wait(ctx, id, func(status string) {
		if status != last {
			fmt.Fprintf(stdout, "%s: %s after %.1f s\n", id, status, time.Since(begun).Seconds())
		}
		last = status
	})
}
