package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
	"github.com/spf13/pflag"

	"vpcdns/cmd/failover/pair"
	"vpcdns/cmd/failover/timeline"
	"vpcdns/cmd/failover/zone"
	"vpcdns/forwarder/control"
	"vpcdns/forwarder/host"
)

const switchNotes = `The forwarders get the new address as an override at the moment at which
Route 53 is asked for it, as a lease that ends unless the change is accepted.
What each server answers is watched until all gave only the new address for the
old TTL, and the change is INSYNC. A BIND among the forwarders is told by
flushname. --corporate is rndc:HOST[:PORT], unbound-control:HOST[@PORT] or
exec:COMMAND, which finds NAME, TYPE and ADDRESS in its environment.`

func switchVerb() verb {
	return verb{"switch", "--name NAME --address ADDRESS [flags]", "Give a name another address, and prove that it arrived", switchNotes, switchProgram}
}

type switchFlags struct {
	zone       zone.Settings
	change     zone.Change
	address    netip.Addr
	from       netip.Addr
	batch      string
	forwarders forwarderFlags
	noOverride bool
	corporate  []string
	verify     []string
	clients    bool
	json       bool
	plot       string
	timeout    time.Duration

	// brief is the way of register and deregister: it ends when the forwarders have
	// the address, and what is wrong with them keeps nothing from being changed.
	brief  bool
	opened *zone.Zone // nil: to be found
}

// times are how long all may take, and after that the last words to the forwarders.
func (f *switchFlags) times() (all, last time.Duration) {
	if !f.brief {
		return f.timeout, lastWords
	}
	last = min(lastWords, f.timeout/4)
	return f.timeout - last, last
}

// open finds the zone. What is asked again is told.
func (f *switchFlags) open(ctx context.Context, tell func(string)) (*zone.Zone, error) {
	if f.opened != nil {
		return f.opened, nil
	}
	o := f.zone
	o.Tell = tell
	return zone.Open(ctx, o)
}

// switchTimeout is twice what Route 53 takes at its slowest, and more.
const switchTimeout = 5 * time.Minute

// add are the flags that watch and drill have too.
func (f *switchFlags) add(s *pflag.FlagSet) {
	zoneFlags(s, &f.zone)
	changeFlags(s, &f.change)
	f.forwarders.add(s)
	s.BoolVar(&f.noOverride, "no-override", false, "flush and verify at the forwarders, and set no override")
	s.StringArrayVar(&f.corporate, "corporate", nil, "another `server` that is to forget the name; may be given again")
	s.StringArrayVar(&f.verify, "verify", nil, "`ADDRESS[:PORT]` of another DNS server that is to give the new address; may be given again")
}

func switchProgram() program {
	s := newVerbFlags("switch")
	f := &switchFlags{}
	s.Var(addressValue{&f.address}, "address", "the new `address`")
	s.Var(addressValue{&f.from}, "from", "change the name only if this is its `address` now")
	f.add(s)
	s.StringVar(&f.batch, "change-batch", "", "`file` with the change in place of --name, --address and --ttl, as 'aws route53 change-resource-record-sets' takes it")
	s.BoolVar(&f.clients, "clients", false, "name the clients that may hold the old address")
	s.BoolVar(&f.json, "json", false, "print one JSON document at the end")
	s.StringVar(&f.plot, "plot", "", "draw the timeline into this `file`, as SVG")
	s.DurationVar(&f.timeout, "timeout", switchTimeout, "`time` for all of it")
	return program{s, func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		if err := noArguments(args); err != nil {
			return err
		}
		if err := f.readBatch(); err != nil {
			return err
		}
		if err := f.check(); err != nil {
			return err
		}
		return f.run(ctx, stdout, stderr)
	}}
}

// readBatch takes name and addresses of a file.
func (f *switchFlags) readBatch() error {
	if f.batch == "" {
		return nil
	}
	if f.zone.Record != "" || f.address.IsValid() {
		return usageError("--change-batch says name and address: leave --name and --address out")
	}
	c, err := zone.ReadBatch(f.batch)
	if err != nil {
		return err
	}
	c.ProbeLabel, c.DryRun = f.change.ProbeLabel, f.change.DryRun
	f.change, f.zone.Record = c, c.Name
	return nil
}

// check completes the change, or says what lacks.
func (f *switchFlags) check() error {
	if err := checkZoneFlags(f.zone); err != nil {
		return err
	}
	if f.address.IsValid() {
		f.change.Addresses = []netip.Addr{f.address}
	}
	if f.from.IsValid() {
		f.change.From = []netip.Addr{f.from}
	}
	f.change.Name = f.zone.Record
	switch {
	case len(f.change.Addresses) == 0:
		return usageError("--address is missing: which address is %s to have?", f.zone.Record)
	case f.timeout <= 0:
		return usageError("--timeout %v is no time to wait", f.timeout)
	}
	return nil
}

// order is what the forwarders are told.
func (f *switchFlags) order() pair.Order {
	o := pair.Order{Name: strings.TrimSuffix(f.change.Name, "."), Type: "A", Token: rand.Text(), Set: time.Now()}
	for _, a := range f.change.Addresses {
		o.Data = append(o.Data, a.String())
	}
	if all := slices.Concat(f.change.Addresses, f.change.From); all[0].Is6() {
		o.Type = "AAAA"
	}
	return o
}

// run prepares all that is asked and told, and switches.
func (f *switchFlags) run(ctx context.Context, stdout, stderr io.Writer) error {
	targets, lost := f.forwarders.targets(ctx)
	switch {
	case lost != nil && !f.brief:
		return lost
	case lost != nil:
		lost = fmt.Errorf("%w: %v", errUnreachable, lost)
	}
	if f.change.DryRun {
		return f.dryRun(ctx, targets, stdout, stderr)
	}
	w := &switching{flags: f, order: f.order()}
	for _, text := range f.corporate {
		c, err := pair.ParseCorporate(ctx, text, f.forwarders.keys())
		if err != nil {
			return usageError("--corporate: %w", err)
		}
		w.corporate = append(w.corporate, c)
	}
	w.line = timeline.New(timeline.Spec{Name: w.order.Name, Type: w.order.Type, New: w.order.Data, TTL: time.Duration(f.change.TTL) * time.Second}, time.Now(), f.printer(stdout, stderr))
	rtype := dns.StringToType[w.order.Type]
	for _, t := range targets {
		w.follow(t, timeline.DNS(t.dns, w.order.Name, rtype))
	}
	for _, text := range f.verify {
		addr, err := control.Lookup(ctx, text, dnsPort)
		if err != nil {
			return usageError("--verify: %w", err)
		}
		w.observed = append(w.observed, observed{w.line.AddLane(host.Address(addr), timeline.Verified), timeline.DNS(addr, w.order.Name, rtype)})
	}
	return f.report(w, errors.Join(w.run(ctx), lost), stdout)
}

// printer is where the timeline is printed while it grows: where a document is to
// stand, only a terminal gets it.
func (f *switchFlags) printer(stdout, stderr io.Writer) *timeline.Printer {
	if !f.json {
		return timeline.NewPrinter(stdout)
	}
	if timeline.IsTerminal(stderr) {
		return timeline.NewPrinter(stderr)
	}
	return nil
}

// report writes the document, the table and the drawing.
func (f *switchFlags) report(w *switching, end error, stdout io.Writer) error {
	status, result := exitStatus(end), "done"
	text := w.proved()
	if end != nil {
		result = strings.NewReplacer(":\n  ", ": ", "\n", "; ").Replace(sentence(end))
		text = fmt.Sprintf("failed, exit status %d", status) // the program's last line says why
	}
	if errors.Is(end, context.Canceled) {
		text = fmt.Sprintf("stopped, exit status %d", status)
	}
	w.line.Note(timeline.Event{At: time.Now(), Kind: timeline.Ended, Text: text})
	d := w.line.Document(time.Now(), status, result)
	write := d.WriteTable
	if f.json {
		write = d.WriteJSON
	}
	return errors.Join(end, write(stdout), f.draw(d))
}

func (f *switchFlags) draw(d timeline.Document) error {
	if f.plot == "" {
		return nil
	}
	var b strings.Builder
	if err := d.WriteSVG(&b); err != nil {
		return fmt.Errorf("drawing: %w", err)
	}
	if err := os.WriteFile(f.plot, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("writing the drawing: %w", err)
	}
	return nil
}

// dryRun says what would be done.
func (f *switchFlags) dryRun(ctx context.Context, targets []target, stdout, stderr io.Writer) error {
	z, err := f.open(ctx, tellTo(stderr))
	if err != nil {
		return err
	}
	r, err := z.Switch(ctx, f.change)
	if err != nil {
		return err
	}
	tellResult(r, true, stdout, stderr)
	o := f.order()
	for _, t := range targets {
		what := fmt.Sprintf("override add %s %s %s", o.Name, o.Type, strings.Join(o.Data, " "))
		if f.noOverride {
			what = "flushname " + o.Name
		}
		fmt.Fprintf(stdout, "%s would be told: %s\n", t, what)
	}
	for _, text := range f.corporate {
		fmt.Fprintf(stdout, "%s would be told to forget %s\n", text, o.Name)
	}
	return errors.Join(each(targets, func(t target) error {
		if err := t.Null(ctx); err != nil {
			return fmt.Errorf("%w: %w", errUnreachable, err)
		}
		return nil
	})...)
}

// wayOut is the command that helps while Route 53's API does not.
func (f *switchFlags) wayOut(o pair.Order) string {
	words := []string{"failover override add", o.Name, o.Type, strings.Join(o.Data, " ")}
	for _, h := range f.forwarders.hosts {
		words = append(words, "--forwarder", h)
	}
	if len(f.forwarders.hosts) == 0 {
		words = append(words, "--forwarder HOST")
	}
	if f.forwarders.keyFile != "" {
		words = append(words, "--key", f.forwarders.keyFile)
	}
	return strings.Join(words, " ")
}
