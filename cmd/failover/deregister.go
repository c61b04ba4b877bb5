package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"vpcdns/cmd/failover/zone"
)

const deregisterNotes = `It changes the record only while that has this server's address: what another
server has registered stays. Of several addresses it takes away its own.

The parking address answers in place of a service, or refuses connections; it
may be one that nobody has. With --delete there is no record, and whoever asks
learns that there is none: the VPC's resolver keeps this for 300 s, so that the
next register stays unseen for so long. Forwarders are flushed then, and
get no override.
` + tellNotes

func deregisterVerb() verb {
	return verb{"deregister", "--name NAME --parking ADDRESS [flags]", "Take this server's address from a name", deregisterNotes, deregisterProgram}
}

func deregisterProgram() program {
	s := newVerbFlags("deregister")
	f := &ownFlags{}
	var parking netip.Addr
	s.Var(addressValue{&parking}, "parking", "`address` that the name gets in its place")
	remove := s.Bool("delete", false, "leave no record instead: it stays unseen for 300 s when it comes back")
	f.add(s)
	return program{s, func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		switch {
		case *remove && parking.IsValid():
			return usageError("--parking and --delete contradict each other")
		case !*remove && !parking.IsValid():
			return usageError("--parking is missing: without a record clients learn that there is none, and resolvers keep that for 300 s; with --delete that is done all the same")
		}
		return f.run(ctx, args, func(ctx context.Context) error {
			return f.deregister(ctx, parking, stdout, stderr)
		})
	}}
}

// deregister compares and swaps: nobody else's change is undone. Where somebody was
// quicker the record is looked at once more: it may not be ours any longer.
func (f *ownFlags) deregister(ctx context.Context, parking netip.Addr, stdout, stderr io.Writer) error {
	if parking == f.address {
		return usageError("the parking address is this server's own, %s", f.address)
	}
	z, err := openZone(ctx, f.zone, stderr)
	if err != nil {
		return err
	}
	err = f.takeAway(ctx, z, parking, stdout, stderr)
	if errors.Is(err, zone.ErrRefused) {
		return f.takeAway(ctx, z, parking, stdout, stderr)
	}
	return err
}

func (f *ownFlags) takeAway(ctx context.Context, z *zone.Zone, parking netip.Addr, stdout, stderr io.Writer) error {
	old, err := z.Read(ctx, f.zone.Record, recordType(f.address))
	if err != nil {
		return err
	}
	has := old.Addresses()
	if !slices.Contains(has, f.address) {
		fmt.Fprintf(stdout, "%s has %s, and not this server's %s: nothing is to be done\n", old.Name, old, f.address)
		return nil
	}
	c := f.change
	c.Name, c.From, c.Comment = f.zone.Record, has, fmt.Sprintf("failover deregister: %s", f.address)
	c.Addresses = slices.DeleteFunc(slices.Clone(has), func(a netip.Addr) bool { return a == f.address })
	if len(c.Addresses) == 0 && parking.IsValid() {
		c.Addresses = []netip.Addr{parking}
	}
	return f.apply(ctx, z, c, stdout, stderr)
}

func recordType(a netip.Addr) string {
	if a.Is6() {
		return "AAAA"
	}
	return "A"
}
