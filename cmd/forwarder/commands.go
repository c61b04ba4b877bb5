package main

import (
	"context"
	"slices"
)

// command is what the control channel does when it is told name, as rndc does.
type command struct {
	name     string // in lower case; the channel ignores case
	args     string // what may follow, as rndc's usage has it
	summary  string // a line for help and manual page
	readOnly bool   // it changes nothing that counts: a channel with read-only yes does it too

	// run gets what follows the name, and returns the text that rndc prints. It
	// may run while others do, and on any goroutine; what belongs to the daemon's
	// own goroutine is asked for with daemon.do. An error that is an *rndc.Error
	// has BIND's result and words; others are failures that say why. The text of
	// a failure is printed too.
	run func(ctx context.Context, d *daemon, args []string) (text string, err error)
}

// commands are those of the control channel: BIND's first, then our own, each in
// the file of its kind.
func commands() []command {
	return slices.Concat(
		statusCommands(), cacheCommands(), cachedCommands(), staleCommands(), logCommands(), upstreamCommands(), queriesCommands(),
		fileCommands(), processCommands(), primaryCommands(), absentCommands(),
	)
}

// commandNamed returns nil where there is none of this name, in lower case.
func commandNamed(name string) *command {
	for _, c := range commands() {
		if c.name == name {
			return &c
		}
	}
	return nil
}

// do runs f on the daemon's goroutine, between signals, and returns when it has.
// It returns false, without f being run, when the daemon ends first.
func (d *daemon) do(ctx context.Context, f func()) bool {
	done := make(chan struct{})
	select {
	case d.calls <- func() { f(); close(done) }:
	case <-ctx.Done():
		return false
	}
	<-done
	return true
}
