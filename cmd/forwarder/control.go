package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/rndcconf"
)

// Command runs a command of the control channel.
func (d *daemon) Command(ctx context.Context, r rndc.Request) (string, error) {
	args, err := splitWords(r.Line)
	if err != nil || len(args) == 0 {
		return "", rndc.Failure.With("")
	}
	name := strings.ToLower(args[0])
	d.logs.Logger("general").Log(ctx, levelOf(name, args), "received control channel command '"+shown(r.Line)+"'")
	c := commandNamed(name)
	if err := d.permit(r, c, args); err != nil {
		return "", err
	}
	if c == nil {
		d.log(logging.Warning, "unknown control channel command '%s'", shown(args[0]))
		return "", rndc.UnknownCommand.With("")
	}
	return c.execute(withRequest(ctx, r), d, args[1:])
}

// requestKey is that of the request in the context of a command.
type requestKey struct{}

func withRequest(ctx context.Context, r rndc.Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// requester is who gave the command: key and address.
func requester(ctx context.Context) string {
	r, ok := ctx.Value(requestKey{}).(rndc.Request)
	if !ok {
		return "this process"
	}
	return fmt.Sprintf("key '%s' at %s", shown(r.Key), host.Address(r.From))
}

// levelOf keeps what monitoring asks all the time out of the log, as BIND does.
func levelOf(name string, args []string) slog.Level {
	if name == "status" || name == "null" && len(args) == 1 || name == "queries" && argument(args, 1) == "-c" || isExport(args) {
		return slog.LevelDebug
	}
	return logging.Info
}

// permit says why a command is not run: the channel is read-only, or the key is
// limited to others. c is nil for a command that is not known.
func (d *daemon) permit(r rndc.Request, c *command, args []string) error {
	name := strings.ToLower(args[0])
	if r.ReadOnly && (c == nil || !c.harmless(args[1:])) {
		d.log(logging.Info, "rejecting restricted control channel command '%s'", shown(name))
		return rndc.Failure.With("this control channel is read-only: 'read-only' of controls says so")
	}
	allowed, limited := d.flags.controlKeys[rndcconf.CanonicalName(r.Key)]
	if limited && !slices.Contains(allowed, name) {
		d.log(logging.Warning, "control channel command '%s' from %s denied: key '%s' is limited to %s",
			shown(name), host.Address(r.From), r.Key, strings.Join(allowed, ", "))
		return rndc.PermissionDenied.With(fmt.Sprintf("key '%s' is limited to %s", r.Key, strings.Join(allowed, ", ")))
	}
	return nil
}

// maxLogged is how much of a command a log line shows.
const maxLogged = 500

// shown is a text of the channel as a log may have it.
func shown(s string) string {
	if len(s) > maxLogged {
		s = strings.ToValidUTF8(s[:maxLogged], "") + "..."
	}
	return printable(s)
}

// printable is a text of others as a terminal may have it: what would move its
// cursor, or turn the text round, is a question mark.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return '?'
	}, s)
}

// splitWords cuts a command line at blanks. Quotes keep blanks in a word, and a
// backslash before one keeps the quote, as BIND's lexer has it.
func splitWords(line string) (words []string, err error) {
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimLeftFunc(rest, unicode.IsSpace) {
		var word string
		if word, rest, err = firstWord(rest); err != nil {
			return nil, err
		}
		words = append(words, word)
	}
	return words, nil
}

func firstWord(s string) (word, rest string, err error) {
	if s[0] != '"' {
		if i := strings.IndexFunc(s, unicode.IsSpace); i >= 0 {
			return s[:i], s[i:], nil
		}
		return s, "", nil
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return strings.ReplaceAll(s[1:i], `\"`, `"`), s[i+1:], nil
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '"':
			i++
		}
	}
	return "", "", rndc.UnexpectedEnd.With("unbalanced quotes")
}
