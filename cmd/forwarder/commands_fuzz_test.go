package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"vpcdns/forwarder/rndc"
)

// FuzzWatchCommands gives a server any words behind the commands about watched names:
// it has a reply of bounded length to each, and a read-only channel changes nothing.
func FuzzWatchCommands(f *testing.F) {
	c := startCommanded(f, "")
	names := []string{"watch", "override", "verify", "guard", "history"}
	for i, words := range []string{
		"add app.awslab.mycompany.corp", "add app.awslab.mycompany.corp A 10.1.1.1 for 5m lease t at 2026-11-29T12:00:00.5Z",
		"app.awslab.mycompany.corp A 10.1.1.1 10.1.1.2 for 90s", "clear app.awslab.mycompany.corp", "app.awslab.mycompany.corp json",
	} {
		f.Add(byte(i), words)
	}
	for _, words := range []string{
		"list", "list json", "show app.awslab.mycompany.corp json clients", "delete app.awslab.mycompany.corp", "*.awslab.mycompany.corp",
		`add app.awslab.mycompany.corp MX "10 a.test." "20 b.test."`, "add app.awslab.mycompany.corp TXT for lease at", `add a\.b.awslab.mycompany.corp TYPE65280 \# 1 ff`,
		"confirm app.awslab.mycompany.corp t", "withdraw app.awslab.mycompany.corp t", "delete app.awslab.mycompany.corp A", `"`, `\`, "*", "*.", ". A 1.1.1.1", "json json json",
	} {
		f.Add(byte(len(words)), words)
	}
	f.Fuzz(func(t *testing.T, which byte, words string) {
		line := names[int(which)%len(names)] + " " + words
		if len(line) > 1<<15 {
			return // rndc sends no more
		}
		before := c.watchedState()
		c.command(t, rndc.Request{Line: line, ReadOnly: true})
		if after := c.watchedState(); after != before {
			t.Fatalf("%q on a read-only channel: %q became %q", line, before, after)
		}
		c.command(t, rndc.Request{Line: line, Key: "k"})
		c.command(t, rndc.Request{Line: "watch list"})
		c.command(t, rndc.Request{Line: "override list json"})
	})
}

func (c *commanded) command(t *testing.T, r rndc.Request) {
	t.Helper()
	r.From = c.addr
	text, err := c.Command(context.Background(), r)
	if err != nil {
		text += err.Error()
	}
	if len(text) > 1<<20-1<<12 {
		t.Fatalf("%q has a reply of %d octets", r.Line, len(text))
	}
}

// watchedState is what a command may change.
func (c *commanded) watchedState() string {
	list := slices.Clone(c.server.Watching())
	for _, o := range c.server.Overrides() {
		list = append(list, fmt.Sprint(o.Name, o.Type, o.Data, o.Lease != nil))
	}
	return strings.Join(list, " ")
}
