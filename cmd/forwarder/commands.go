package main

import (
	"context"
	"slices"
	"strings"

	"vpcdns/forwarder/rndc"
)

// command is what the control channel does when it is told name, as rndc does.
type command struct {
	name     string // in lower case; the channel ignores case
	args     string // what may follow, as rndc's usage has it
	summary  string // a line for help and manual page
	readOnly bool   // it changes nothing that counts: a channel with read-only yes does it too

	// forms stand in place of run where the words behind the name say what is to be
	// done: the first one whose name is the next word, else the first one without a
	// name that takes so many.
	forms []command
	most  int // arguments that a form without a name takes; 0: any number

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
		statusCommands(), cacheCommands(), cachedCommands(), staleCommands(), logCommands(), dnstapCommands(), upstreamCommands(), queriesCommands(),
		watchCommands(), overrideCommands(), verifyCommands(), fileCommands(), processCommands(), drainCommands(), primaryCommands(), absentCommands(),
	)
}

// form returns what the words behind the name ask for, with what is left of them; nil
// if they ask for nothing that there is.
func (c *command) form(args []string) (*command, []string) {
	if len(c.forms) == 0 {
		return c, args
	}
	if len(args) == 0 {
		return nil, nil
	}
	for i := range c.forms {
		if f := &c.forms[i]; f.name != "" && strings.EqualFold(f.name, args[0]) {
			return f, args[1:]
		}
	}
	for i := range c.forms {
		if f := &c.forms[i]; f.name == "" && (f.most == 0 || len(args) <= f.most) {
			return f, args
		}
	}
	return nil, nil
}

// execute runs the command, in the form that the words ask for.
func (c *command) execute(ctx context.Context, d *daemon, args []string) (string, error) {
	f, rest := c.form(args)
	if f == nil {
		return "", c.misused(args)
	}
	return f.run(ctx, d, rest)
}

// harmless reports whether a read-only channel does the command with these words.
func (c *command) harmless(args []string) bool {
	f, _ := c.form(args)
	return f != nil && f.readOnly
}

// misused says how the command is used.
func (c *command) misused(args []string) error {
	text := "it is used as: " + strings.Join(c.usages(), "\n            or: ")
	if len(args) == 0 {
		return rndc.UnexpectedEnd.With(text)
	}
	return rndc.Syntax.With(text)
}

// usages has a line for each form.
func (c *command) usages() (list []string) {
	for _, f := range c.spelledOut() {
		list = append(list, strings.TrimSpace(f.name+" "+f.args))
	}
	return list
}

// spelledOut returns the forms with the whole of their names, or the command itself.
func (c *command) spelledOut() []command {
	if len(c.forms) == 0 {
		return []command{*c}
	}
	list := slices.Clone(c.forms)
	for i := range list {
		list[i].name = strings.TrimSpace(c.name + " " + list[i].name)
	}
	return list
}

// allForms are those of all commands, for help and manual page.
func allForms() (list []command) {
	for _, c := range commands() {
		list = append(list, c.spelledOut()...)
	}
	return list
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
