package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"vpcdns/cmd/failover/pair"
	"vpcdns/cmd/failover/zone"
	"vpcdns/forwarder/control"
	"vpcdns/forwarder/watch"
)

const overrideNotes = `This needs no AWS: it is the way out while the API of Route 53 does not answer.
An override ends by itself once the forwarder's upstream agreed for twice the
old TTL, or steadily says a third thing, and after 24 h at most. With delete
upstream speaks at once, also while it still says the old address: 'failover
status' shows what it says.`

func overrideVerb() verb {
	return verb{"override", "add NAME [TYPE] ADDR... | delete NAME [TYPE] | list [flags]", "Give a name an address at the forwarders alone", overrideNotes, overrideProgram}
}

type overrideFlags struct {
	forwarders forwarderFlags
	lasts      time.Duration
	json       bool
	dryRun     bool
}

func overrideProgram() program {
	s := newVerbFlags("override")
	f := &overrideFlags{}
	f.forwarders.add(s)
	s.DurationVar(&f.lasts, "for", 0, "`time` after which an override ends, 24 h at most")
	s.BoolVar(&f.json, "json", false, "list as JSON")
	s.BoolVar(&f.dryRun, "dry-run", false, "say what the forwarders would be told, and do not")
	return program{s, f.run}
}

func (f *overrideFlags) run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(f.forwarders.hosts) == 0 {
		return usageError("--forwarder is missing: which forwarders?")
	}
	if len(args) == 0 {
		return usageError("add, delete or list?")
	}
	targets, lost, err := f.forwarders.found(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f.do(ctx, targets, args, stdout), lost)
}

func (f *overrideFlags) do(ctx context.Context, targets []target, args []string, stdout io.Writer) error {
	switch word, rest := args[0], args[1:]; word {
	case "add":
		return f.add(ctx, targets, rest, stdout)
	case "delete":
		return f.delete(ctx, targets, rest, stdout)
	case "list":
		if err := noArguments(rest); err != nil {
			return err
		}
		return f.list(ctx, targets, stdout)
	default:
		return usageError("%q is not add, delete or list", word)
	}
}

// parseOverride reads NAME [TYPE] ADDRESS...
func parseOverride(args []string) (o pair.Order, err error) {
	if len(args) < 2 {
		return o, usageError("a name and its address are wanted: override add app.example.com 10.0.0.2")
	}
	o = pair.Order{Name: args[0], Set: time.Now()}
	args = args[1:]
	if t := strings.ToUpper(args[0]); t == "A" || t == "AAAA" {
		o.Type, args = t, args[1:]
	}
	for _, text := range args {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return o, usageError("%q is no address", text)
		}
		rtype := "A"
		if a.Is6() {
			rtype = "AAAA"
		}
		if o.Type == "" {
			o.Type = rtype
		}
		if o.Type != rtype {
			return o, usageError("%s is no address for a record of type %s", a, o.Type)
		}
		o.Data = append(o.Data, a.String())
	}
	if len(o.Data) == 0 {
		return o, usageError("%s has no address", o.Name)
	}
	return o, nil
}

func (f *overrideFlags) add(ctx context.Context, targets []target, args []string, stdout io.Writer) error {
	o, err := parseOverride(args)
	if err != nil {
		return err
	}
	o.For = f.lasts
	what := fmt.Sprintf("%s %s has %s", o.Name, o.Type, strings.Join(o.Data, ", "))
	return f.tell(targets, what, stdout, func(t target) error { return t.Add(ctx, o, false) })
}

func (f *overrideFlags) delete(ctx context.Context, targets []target, args []string, stdout io.Writer) error {
	if len(args) == 0 || len(args) > 2 {
		return usageError("a name is wanted, and perhaps a type: override delete app.example.com")
	}
	rtype := strings.Join(args[1:], "")
	what := strings.TrimSpace(args[0]+" "+rtype) + " has no override now"
	return f.tell(targets, what, stdout, func(t target) error {
		if err := t.Delete(ctx, args[0], rtype); !errors.Is(err, control.ErrNotFound) {
			return err
		}
		return nil // as it is to be
	})
}

// tell does something at all forwarders, and says how each took it.
func (f *overrideFlags) tell(targets []target, what string, stdout io.Writer, do func(target) error) error {
	if f.dryRun {
		for _, t := range targets {
			fmt.Fprintf(stdout, "%s would be told: %s\n", t, what)
		}
		return nil
	}
	errs := each(targets, do)
	for i, err := range errs {
		if err == nil {
			fmt.Fprintf(stdout, "%s: %s\n", targets[i], what)
		}
		errs[i] = ofPair(err)
	}
	return errors.Join(errs...)
}

// ofPair gives an error of a forwarder its exit status.
func ofPair(err error) error {
	var refused *control.Refusal
	switch {
	case errors.Is(err, control.ErrUnreachable):
		return fmt.Errorf("%w: %w", errUnreachable, err)
	case errors.As(err, &refused):
		return fmt.Errorf("%w: %w", zone.ErrRefused, err)
	}
	return err
}

// overridesOf is what a forwarder has.
type overridesOf struct {
	Forwarder string                 `json:"forwarder"`
	Error     string                 `json:"error,omitempty"`
	Overrides []watch.OverrideStatus `json:"overrides"`

	err error
}

func (f *overrideFlags) list(ctx context.Context, targets []target, stdout io.Writer) error {
	all := each(targets, func(t target) overridesOf {
		list, err := t.Overrides(ctx)
		o := overridesOf{Forwarder: t.String(), Overrides: list, err: ofPair(err)}
		if err != nil {
			o.Error, o.Overrides = err.Error(), []watch.OverrideStatus{}
		}
		return o
	})
	var errs []error
	for _, o := range all {
		errs = append(errs, o.err)
		if !f.json && o.err == nil {
			writeOverrides(stdout, o)
		}
	}
	if f.json {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		errs = append(errs, e.Encode(all))
	}
	return errors.Join(errs...)
}

func writeOverrides(w io.Writer, o overridesOf) {
	if len(o.Overrides) == 0 {
		fmt.Fprintf(w, "%s: no override\n", o.Forwarder)
	}
	for _, v := range o.Overrides {
		writeLine(w, 0, "%s: %s", o.Forwarder, overrideWords(v))
	}
}

func overrideWords(v watch.OverrideStatus) string {
	text := fmt.Sprintf("%s %s has %s by %s, set %s", v.Name, v.Type, strings.Join(v.Data, ", "), v.By, v.Set.Local().Format(stampFormat))
	if v.Lease != nil {
		text += ", ends at " + v.Lease.Local().Format(time.TimeOnly) + " unless it is confirmed"
	}
	text += ", ends "
	if need := time.Duration(v.Need).Seconds(); need > 0 {
		text += fmt.Sprintf("when upstream has agreed for %.0f s (%.0f s so far), ", need, time.Duration(v.Agreed).Seconds())
	}
	return text + v.Expires.Local().Format(stampFormat) + " at the latest"
}
