package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/watch"
)

func overrideCommands() []command {
	return []command{
		{name: "override", summary: "Give clients other data than upstream does", forms: []command{
			{name: "add", args: "name type data... [for duration] [lease token] [at time]", summary: "Give clients this data from the next query on, until upstream agrees, steadily says a third thing, or the duration (24 h at most) is over; with a token, for 10 s only unless it is confirmed. Of two, the one with the later time counts. It is kept over restarts", run: addOverride},
			{name: "confirm", args: "name token", summary: "Let an override that was added with this token stay", run: confirmOverride},
			{name: "withdraw", args: "name token", summary: "End it; what it replaced is in force again", run: withdrawOverride},
			{name: "delete", args: "name [type]", summary: "End all overrides of the name, or that of a type", run: deleteOverride},
			{name: "list", args: "[json]", summary: "Show the overrides in force", readOnly: true, run: listOverrides},
		}},
	}
}

const (
	// maxOverride is how long one lasts at most.
	maxOverride = 24 * time.Hour

	// maxToken is how long a token may be: a UUID, and some more.
	maxToken = 64
)

func addOverride(ctx context.Context, d *daemon, args []string) (string, error) {
	o, err := parseOverride(args)
	if err != nil {
		return "", err
	}
	o.By = requester(ctx)
	if err := d.server.AddOverride(o); err != nil {
		return "", watchError(err)
	}
	return d.forgetful(), nil
}

// parseOverride reads `name type data... [for duration] [lease token] [at time]`.
func parseOverride(args []string) (o watch.Override, err error) {
	args, c, err := cutClauses(args, "for", "lease", "at")
	if err != nil {
		return o, err
	}
	if o.Name, o.Type, o.Data, err = parseData(args, "override add"); err != nil {
		return o, err
	}
	if o.For, err = c.duration(maxOverride); err != nil {
		return o, err
	}
	if o.Set, err = c.at(); err != nil {
		return o, err
	}
	if token, ok := c["lease"]; ok {
		o.Lease, err = parseToken(token)
	}
	return o, err
}

// parseData reads `name type data...`.
func parseData(args []string, command string) (name string, rtype uint16, data []string, err error) {
	if name, err = nameArgument(args); err != nil {
		return "", 0, nil, err
	}
	if len(args) < 3 {
		return "", 0, nil, rndc.UnexpectedEnd.With(fmt.Sprintf("a type and its data are missing: %s %s A 10.0.0.1", command, shown(name)))
	}
	if rtype, err = typeArgument(args[1]); err != nil {
		return "", 0, nil, err
	}
	return name, rtype, dataOf(rtype, args[2:]), nil
}

// dataOf makes the data of records of words: each word is a record where a type has
// data of one word; of others the words are one record, unless some have blanks, which
// were quoted: then each is one. Texts are quoted anew.
func dataOf(rtype uint16, words []string) []string {
	switch rtype {
	case dns.TypeA, dns.TypeAAAA, dns.TypePTR:
		return words
	case dns.TypeTXT, dns.TypeSPF:
		for i := range words {
			words[i] = zoneText(words[i])
		}
		return []string{strings.Join(words, " ")}
	}
	for _, w := range words {
		if strings.ContainsAny(w, " \t") {
			return words
		}
	}
	return []string{strings.Join(words, " ")}
}

// zoneText is text as zone files have it (RFC 1035, 5.1).
func zoneText(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(text) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, "\\%03d", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// parseToken reads a word that only its maker knows.
func parseToken(word string) (string, error) {
	if word == "" || len(word) > maxToken || printable(word) != word {
		return "", rndc.OutOfRange.With(fmt.Sprintf("'%s' is no token: it has up to %d characters", shown(word), maxToken))
	}
	return word, nil
}

func confirmOverride(ctx context.Context, d *daemon, args []string) (string, error) {
	return "", d.withToken(ctx, "confirm", "confirmed", args, d.server.ConfirmOverride)
}

func withdrawOverride(ctx context.Context, d *daemon, args []string) (string, error) {
	return "", d.withToken(ctx, "withdraw", "withdrawn", args, d.server.WithdrawOverride)
}

func (d *daemon) withToken(ctx context.Context, word, done string, args []string, f func(name, token string) error) error {
	name, err := nameArgument(args)
	if err != nil {
		return err
	}
	if len(args) != 2 {
		return rndc.UnexpectedEnd.With(fmt.Sprintf("a name and a token: override %s %s TOKEN", word, shown(name)))
	}
	token, err := parseToken(args[1])
	if err != nil {
		return err
	}
	return d.changeName(ctx, logging.Warning, name, "override "+done, func() error { return f(name, token) })
}

func deleteOverride(ctx context.Context, d *daemon, args []string) (string, error) {
	name, err := nameArgument(args)
	if err != nil {
		return "", err
	}
	if len(args) > 2 {
		return "", commandNamed("override").misused(args)
	}
	rtype, err := typeArgument(argument(args, 1))
	if err != nil {
		return "", err
	}
	return "", d.changeName(ctx, logging.Warning, name, "override deleted", func() error { return d.server.DeleteOverride(name, rtype) })
}

func listOverrides(_ context.Context, d *daemon, args []string) (string, error) {
	name, asJSON, err := nameAndJSON("override", args)
	if err != nil || name != "" {
		return "", commandNamed("override").misused(args)
	}
	list := d.server.Overrides()
	if asJSON {
		return boundedJSON(list)
	}
	if len(list) == 0 {
		return "no override is in force", nil
	}
	now := time.Now()
	var s sheet
	for i := range list {
		if s.full() {
			s.more(len(list) - i)
			break
		}
		s.title("%s %s %s", list[i].Name, list[i].Type, dataText(list[i].Data))
		s.override(&list[i], now)
	}
	return s.text(), nil
}
