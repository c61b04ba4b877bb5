package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"vpcdns/forwarder"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/watch"
)

// watchCommands are those about watched names, and about what became of names.
func watchCommands() []command {
	return []command{
		{name: "watch", summary: "Watch names whose failovers count", forms: []command{
			{name: "add", args: "name", summary: "Watch a name, or with *.zone all below one: its answers are handed out with the TTL of --watch-ttl, and no old answer comes back. It is kept over restarts; 'add' may be left out", run: watchName},
			{name: "delete", args: "name", summary: "Watch it no more; what --watch says is watched again after a restart", run: unwatchName},
			{name: "list", summary: "Show the names that are watched, and their data", readOnly: true, run: listWatched},
			{name: "show", args: "name [json] [clients]", summary: "Show all that is known of a name: data, override, guard, verification, probe, history, and until when clients may hold which data; with clients, which they are", readOnly: true, run: showWatched},
			{name: "export", args: "[unless tag | from name [type]]", summary: "Show the state of watched and overridden names that a newcomer takes over (--member), as JSON: nothing of it while it has still the tag; from is where the page before said that there is more (next)", readOnly: true, run: exportWatches},
			{args: "name", most: 1, summary: "The same as watch add", run: watchName},
		}},
		{name: "guard", summary: "End a guard against old answers", forms: []command{
			{name: "clear", args: "name", summary: "Believe upstream at once if it gives earlier data of the name again", run: clearGuard},
		}},
		{name: "history", args: "[name] [json]", summary: "Show the latest changes of answers, of all names or of one", readOnly: true, run: showHistory},
	}
}

// changeName leaves in the log who did what to a name. It does not run on the daemon's
// goroutine: a disk that hangs is to hold up who waits for it, and no watchdog.
func (d *daemon) changeName(ctx context.Context, level slog.Level, name, what string, f func() error) error {
	if err := f(); err != nil {
		return watchError(err)
	}
	d.log(level, "%s: %s by %s", trimDot(shown(name)), what, requester(ctx))
	return nil
}

// watchError gives an error of a watched name BIND's result, and says what to do.
func watchError(err error) error {
	result, remedy := rndc.Failure, ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, watch.ErrNone):
		result = rndc.NotFound
	case errors.Is(err, watch.ErrBadName), errors.Is(err, watch.ErrBadData):
		result = rndc.Syntax
	case errors.Is(err, forwarder.ErrTakenOver):
		result = rndc.ShuttingDown
	case errors.Is(err, watch.ErrEarlier):
		result = rndc.AlreadyExists
	case errors.Is(err, watch.ErrTooMany):
		result, remedy = rndc.NoSpace, "; 'watch delete' and 'override delete' make room"
	case errors.Is(err, watch.ErrTooLarge):
		result, remedy = rndc.NoSpace, "; 'override delete' makes room"
	case errors.Is(err, watch.ErrNotAllowed):
		result, remedy = rndc.PermissionDenied, "; give the zone its own 'zone ... { type forward; }' and reload, or start with --override-zone"
	}
	return result.With(printable(err.Error()) + remedy)
}

// oneName returns the name that is all that follows a command.
func oneName(args []string) (string, error) {
	if len(args) > 1 {
		return "", rndc.UnexpectedToken.With(fmt.Sprintf("one name is enough: '%s' is too much", shown(strings.Join(args[1:], " "))))
	}
	return nameArgument(args)
}

func watchName(ctx context.Context, d *daemon, args []string) (string, error) {
	name, err := oneName(args)
	if err != nil {
		return "", err
	}
	if err := d.changeName(ctx, logging.Notice, name, "watched", func() error { return d.server.WatchName(name) }); err != nil {
		return "", err
	}
	return d.forgetful(), nil
}

func unwatchName(ctx context.Context, d *daemon, args []string) (string, error) {
	name, err := oneName(args)
	if err != nil {
		return "", err
	}
	return "", d.changeName(ctx, logging.Notice, name, "watched no more", func() error { return d.server.UnwatchName(name) })
}

func clearGuard(ctx context.Context, d *daemon, args []string) (string, error) {
	name, err := oneName(args)
	if err != nil {
		return "", err
	}
	return "", d.changeName(ctx, logging.Warning, name, "guard cleared", func() error { return d.server.ClearGuard(name) })
}

func listWatched(_ context.Context, d *daemon, args []string) (string, error) {
	if len(args) > 0 {
		return "", commandNamed("watch").misused(args)
	}
	names := d.server.Watching()
	if len(names) == 0 {
		return "no name is watched; 'watch NAME' begins", nil
	}
	var s sheet
	for i, name := range names {
		if s.full() {
			s.more(len(names) - i)
			break
		}
		s.title("%s", name)
		if st, err := d.server.WatchStatus(name, false); err == nil {
			s.sets(&st)
		}
	}
	return s.text(), nil
}

func showWatched(_ context.Context, d *daemon, args []string) (string, error) {
	name, err := nameArgument(args)
	if err != nil {
		return "", err
	}
	asJSON, clients := false, false
	for _, word := range args[1:] {
		switch strings.ToLower(word) {
		case "json":
			asJSON = true
		case "clients":
			clients = true
		default:
			return "", commandNamed("watch").misused(args)
		}
	}
	st, err := d.server.WatchStatus(name, clients)
	if err != nil {
		return "", watchError(err)
	}
	if asJSON {
		return statusJSON(st)
	}
	var s sheet
	s.status(&st)
	return s.text(), nil
}

func showHistory(_ context.Context, d *daemon, args []string) (string, error) {
	name, asJSON, err := nameAndJSON("history", args)
	if err != nil {
		return "", err
	}
	list, err := d.server.History(name)
	if err != nil {
		return "", watchError(err)
	}
	if asJSON {
		return changesJSON(list)
	}
	if len(list) == 0 {
		return "no change was seen", nil
	}
	var s sheet
	for i, c := range slices.Backward(list) {
		if s.full() {
			s.more(i + 1)
			break
		}
		s.change(&c)
	}
	return s.text(), nil
}

// nameAndJSON reads `[name] [json]`.
func nameAndJSON(command string, args []string) (name string, asJSON bool, err error) {
	if n := len(args); n > 0 && strings.EqualFold(args[n-1], "json") {
		args, asJSON = args[:n-1], true
	}
	switch len(args) {
	case 0:
		return "", asJSON, nil
	case 1:
		name, err = nameArgument(args)
		return name, asJSON, err
	}
	return "", false, commandNamed(command).misused(args)
}
