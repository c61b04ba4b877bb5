// Package tap is dnstap as named.conf has it: what is tapped, in which files, what the log
// says of them, and what is wrong with them.
package tap

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/dnstap"
)

// Tap is a dnstap.Tap that a configuration sets. All methods may be called concurrently,
// but for Observe.
type Tap struct {
	*dnstap.Tap
	log *slog.Logger
	cfg atomic.Pointer[config.Dnstap] // in force

	dropped uint64 // as last read
	before  uint64 // what was dropped when the output failed last
}

// New returns a tap that is off. clock is that of the messages' times.
func New(clock func() time.Duration, log *slog.Logger) *Tap {
	return &Tap{Tap: dnstap.New(clock), log: log}
}

// Set makes the tap do as c says, which must not be changed.
func (t *Tap) Set(c *config.Dnstap) {
	before := t.State().Output
	t.cfg.Store(c)
	t.Tap.Set(options(c))
	if after := t.State().Output; after != before {
		t.say("closing", before)
		t.say("opening", after)
	}
}

// Reopen begins another file, or connects to the reader anew (rndc dnstap -reopen).
func (t *Tap) Reopen(ctx context.Context) error {
	return t.reopen(ctx, "reopening", dnstap.KeepFormer)
}

// Roll is Reopen that keeps so many former files: 0 is as many as the configuration says,
// and less all of them (rndc dnstap -roll).
func (t *Tap) Roll(ctx context.Context, keep int) error {
	switch {
	case keep < 0:
		return t.reopen(ctx, "rolling", dnstap.KeepAll)
	case keep == 0:
		return t.reopen(ctx, "rolling", dnstap.KeepAsConfigured)
	}
	return t.reopen(ctx, "rolling", dnstap.Keep(keep))
}

func (t *Tap) reopen(ctx context.Context, doing string, keep dnstap.Keep) error {
	t.say(doing, t.State().Output)
	return t.Tap.Reopen(ctx, keep)
}

// say writes BIND's words about an output, if there is one.
func (t *Tap) say(doing, output string) {
	if output != "" {
		t.log.Info(fmt.Sprintf("%s dnstap destination '%s'", doing, output))
	}
}

// tappedTypes are the types of messages of a kind in the configuration: queries, and
// their responses.
var tappedTypes = []struct {
	kind            config.DnstapMessages
	query, response dnstap.Type
}{
	{config.DnstapAuth, dnstap.AuthQuery, dnstap.AuthResponse},
	{config.DnstapClient, dnstap.ClientQuery, dnstap.ClientResponse},
	{config.DnstapResolver, dnstap.ResolverQuery, dnstap.ResolverResponse},
	{config.DnstapForwarder, dnstap.ForwarderQuery, dnstap.ForwarderResponse},
	{config.DnstapUpdate, dnstap.UpdateQuery, dnstap.UpdateResponse},
}

func options(c *config.Dnstap) dnstap.Options {
	o := dnstap.Options{Identity: c.Identity, Version: c.Version, Size: c.Size, Again: c.Reopen}
	for _, t := range tappedTypes {
		if c.Queries&t.kind != 0 {
			o.Types |= dnstap.Of(t.query)
		}
		if c.Responses&t.kind != 0 {
			o.Types |= dnstap.Of(t.response)
		}
	}
	if o.Types == 0 {
		return dnstap.Options{}
	}
	if o.Socket = c.Path; !c.Socket {
		o.Socket, o.Files = "", files{c.Path, c.Versions, c.SuffixTimestamp}
	}
	return o
}
