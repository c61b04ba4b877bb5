package main

import (
	"context"
	"strconv"
	"strings"

	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/rndc"
)

// logCommands are those about what is logged.
func logCommands() []command {
	return []command{
		{name: "querylog", args: "[on | off]", summary: "Log queries, or stop that; without an argument the other of the two", run: queryLog},
		{name: "responselog", args: "[on | off]", summary: "Log responses, or stop that; without an argument the other of the two", run: responseLog},
		{name: "trace", args: "[level]", summary: "Raise the debug level by one, or set it", run: trace},
		{name: "notrace", summary: "Set the debug level to 0", run: noTrace},
	}
}

func queryLog(_ context.Context, d *daemon, args []string) (string, error) {
	return "", d.switchLog("query", d.server.QueryLog, d.server.SetQueryLog, args)
}

// responseLog is of BIND 9.20.
func responseLog(_ context.Context, d *daemon, args []string) (string, error) {
	return "", d.switchLog("response", d.server.ResponseLog, d.server.SetResponseLog, args)
}

func (d *daemon) switchLog(what string, is func() bool, set func(bool), args []string) error {
	on := !is()
	if len(args) > 0 {
		var ok bool
		if on, ok = switched(args[0]); !ok {
			return rndc.Syntax.With("")
		}
	}
	set(on)
	d.log(logging.Info, "%s logging is now %s", what, strings.ToLower(onOff(on)))
	return nil
}

// switched reads BIND's words for on and off.
func switched(word string) (on, ok bool) {
	switch strings.ToLower(word) {
	case "on", "yes", "enable", "true":
		return true, true
	case "off", "no", "disable", "false":
		return false, true
	}
	return false, false
}

// maxDebug is BIND's highest debug level.
const maxDebug = 99

func trace(_ context.Context, d *daemon, args []string) (string, error) {
	level := d.logs.Debug() + 1
	if len(args) > 0 {
		var err error
		if level, err = strconv.Atoi(args[0]); err != nil || level < 0 || level > maxDebug {
			return "", rndc.OutOfRange.With("")
		}
	}
	d.setDebug(min(level, maxDebug))
	return "", nil
}

func noTrace(_ context.Context, d *daemon, _ []string) (string, error) {
	d.setDebug(0)
	return "", nil
}

func (d *daemon) setDebug(level int) {
	d.logs.SetDebug(level)
	d.log(logging.Info, "debug level is now %d", level)
}
