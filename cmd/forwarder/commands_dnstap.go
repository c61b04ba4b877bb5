package main

import (
	"context"
	"errors"
	"math"
	"strings"

	"vpcdns/forwarder"
	"vpcdns/forwarder/namedconf"
	"vpcdns/forwarder/rndc"
)

// dnstapCommands are those about what is tapped.
func dnstapCommands() []command {
	return []command{
		{name: "dnstap", args: "(-reopen | -roll [count])", run: dnstap,
			summary: "Begin another file for what is tapped, or connect to its reader anew; -roll keeps so many former files"},
	}
}

// dnstap takes what may stand behind its words for nothing, as named does.
func dnstap(ctx context.Context, d *daemon, args []string) (string, error) {
	if !d.server.Dnstap().On {
		return "", rndc.NotFound.With("")
	}
	switch strings.ToLower(argument(args, 0)) {
	case "":
		return "", rndc.UnexpectedEnd.With("")
	case "-reopen":
		return "", tapped(d.server.ReopenDnstap(ctx))
	case "-roll":
		return rollTap(ctx, d, argument(args, 1))
	}
	return "", rndc.Syntax.With("")
}

// rollTap keeps all former files without a number, as many as the configuration says
// with 0.
func rollTap(ctx context.Context, d *daemon, number string) (string, error) {
	keep := -1
	if number != "" {
		n, ok := namedconf.ParseDecimal(number)
		if !ok {
			return "", rndc.BadNumber.With("")
		}
		keep = int(min(n, math.MaxInt32))
	}
	return "", tapped(d.server.RollDnstap(ctx, keep))
}

// tapped is what rndc says of the outcome.
func tapped(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, forwarder.ErrNotTapped):
		return rndc.NotFound.With("")
	}
	return rndc.Failure.With(err.Error())
}
