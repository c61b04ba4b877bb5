package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"vpcdns/forwarder/rndc"
)

const notValidated = "answers are not validated here"

// absentCommands are those about what is not done here. Each says so, in BIND's
// words where it has any.
func absentCommands() []command {
	return []command{
		{name: "validation", args: "(on | off | status) [view]", summary: "Show that answers are not validated", run: validation},
		{name: "nta", args: "[-dump | zone]", summary: "Nothing: answers are not validated, and no anchor has to be lifted", readOnly: true, run: trustAnchors},
		{name: "secroots", args: "-", summary: "Show that there are no trust anchors", run: secureRoots},
		{name: "managed-keys", args: "(status | refresh | sync | destroy)", summary: "Show that there are no trust anchors", run: managedKeys},
		{name: "addzone", args: "zone [class [view]] { options }", summary: "Nothing: zones come from the configuration only", run: addZone},
		{name: "modzone", args: "zone [class [view]] { options }", summary: "Nothing: zones come from the configuration only", run: addZone},
		{name: "tsig-list", summary: "Nothing: queries are not signed", run: fail(rndc.NotImplemented, "queries and answers are not signed")},
		{name: "tsig-delete", args: "key [view]", summary: "Nothing: queries are not signed", run: fail(rndc.NotImplemented, "queries and answers are not signed")},
	}
}

// fail is a command that always does.
func fail(r rndc.Result, text string) func(context.Context, *daemon, []string) (string, error) {
	return func(context.Context, *daemon, []string) (string, error) { return "", r.With(text) }
}

func validation(_ context.Context, d *daemon, args []string) (string, error) {
	if len(args) == 0 {
		return "", rndc.UnexpectedEnd.With("")
	}
	word := strings.ToLower(args[0])
	on, ok := switched(word)
	view := argument(args, 1)
	switch {
	case !ok && word != "status" && word != "check":
		return "", rndc.Syntax.With("")
	case on:
		return "", rndc.NotImplemented.With(notValidated)
	case ok:
		return "", nil
	case !d.hasView(view):
		return "", rndc.Failure.With("")
	}
	return fmt.Sprintf("DNSSEC validation is disabled (view %s)", d.server.Config().View), nil
}

// trustAnchors is nta: it lists none, and needs to add none.
func trustAnchors(_ context.Context, _ *daemon, args []string) (string, error) {
	switch word := argument(args, 0); {
	case word == "":
		return "", rndc.UnexpectedEnd.With("")
	case strings.HasPrefix("-dump", word) && len(word) > 1:
		return "", nil
	}
	return notValidated + ": no negative trust anchor is needed", nil
}

func secureRoots(_ context.Context, d *daemon, args []string) (string, error) {
	if argument(args, 0) != "-" {
		return "", rndc.NotImplemented.With(notValidated + ": there are no secure roots")
	}
	return fmt.Sprintf("secure roots as of %s:\n\n Start view %s\n   Secure roots:\n\n   Negative trust anchors:\n",
		time.Now().Format("02-Jan-2006 15:04:05.000"), d.server.Config().View), nil
}

func managedKeys(_ context.Context, d *daemon, args []string) (string, error) {
	switch strings.ToLower(argument(args, 0)) {
	case "":
		return "", rndc.UnexpectedEnd.With("")
	case "status":
		return fmt.Sprintf("view: %s\nnext scheduled event: never", d.server.Config().View), nil
	case "refresh", "sync", "destroy":
		return "", rndc.NotImplemented.With(notValidated + ": there are no managed keys")
	}
	return "", rndc.UnknownCommand.With("")
}

// addZone is addzone and modzone, as named without allow-new-zones does them.
func addZone(_ context.Context, d *daemon, args []string) (string, error) {
	if !strings.Contains(strings.Join(args, " "), "{") {
		return "", rndc.UnexpectedToken.With("")
	}
	return "", rndc.PermissionDenied.With(fmt.Sprintf("Not allowing new zones in view '%s'", d.server.Config().View))
}
