package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/spf13/pflag"

	"vpcdns/cmd/failover/zone"
)

const registerNotes = `Without --address the metadata service of the EC2 instance is asked (IMDSv2).
In the unit of a service:

  ExecStartPost=failover register --name app.example.com --zone-id Z012345
  ExecStopPost=failover deregister --name app.example.com --zone-id Z012345 \
      --parking 10.0.0.9

With --from the name is taken only from that address, as the parking address:
of two servers that start at the same time one gets it.
` + tellNotes

const tellNotes = `
Forwarders that --forwarder names get the address at once, as an override, as by
'failover switch'. It ends when the change is accepted and they give it; nobody
waits for INSYNC. One that cannot be reached is tried for 5 s after that, and is
told by status 7; the record is changed all the same. A BIND is flushed once.`

func registerVerb() verb {
	return verb{"register", "--name NAME [flags]", "Give a name this server's address", registerNotes, registerProgram}
}

// ownFlags are those of register and deregister.
type ownFlags struct {
	zone       zone.Settings
	change     zone.Change
	forwarders forwarderFlags
	address    netip.Addr
	ipv6       bool
	timeout    time.Duration
}

func (f *ownFlags) add(s *pflag.FlagSet) {
	zoneFlags(s, &f.zone)
	changeFlags(s, &f.change)
	f.forwarders.add(s)
	s.Var(addressValue{&f.address}, "address", "this server's `address`, in place of what the instance says")
	s.BoolVar(&f.ipv6, "ipv6", false, "ask the instance for its IPv6 address: an AAAA record")
	s.DurationVar(&f.timeout, "timeout", 30*time.Second, "`time` for all of it: less than the unit's TimeoutStartSec= and TimeoutStopSec=")
}

// run checks the flags, finds the own address, and does the rest.
func (f *ownFlags) run(ctx context.Context, args []string, rest func(context.Context) error) error {
	if err := errors.Join(noArguments(args), checkZoneFlags(f.zone)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	if err := f.ownAddress(ctx); err != nil {
		return err
	}
	return rest(ctx)
}

func (f *ownFlags) ownAddress(ctx context.Context) (err error) {
	if !f.address.IsValid() {
		f.address, err = zone.OwnAddress(ctx, f.zone, f.ipv6)
	}
	return err
}

func registerProgram() program {
	s := newVerbFlags("register")
	f := &ownFlags{}
	f.add(s)
	var from netip.Addr
	s.Var(addressValue{&from}, "from", "take the name only from this `address`")
	return program{s, func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		return f.run(ctx, args, func(ctx context.Context) error {
			if from.IsValid() {
				f.change.From = []netip.Addr{from}
			}
			return f.register(ctx, stdout, stderr)
		})
	}}
}

func (f *ownFlags) register(ctx context.Context, stdout, stderr io.Writer) error {
	c := f.change
	c.Name, c.Addresses, c.Comment = f.zone.Record, []netip.Addr{f.address}, fmt.Sprintf("failover register: %s", f.address)
	return f.apply(ctx, nil, c, stdout, stderr)
}

// apply makes a change in the zone, which is looked for if it is nil, and tells the
// forwarders if there are any.
func (f *ownFlags) apply(ctx context.Context, z *zone.Zone, c zone.Change, stdout, stderr io.Writer) error {
	sw := &switchFlags{zone: f.zone, opened: z, change: c, forwarders: f.forwarders, timeout: f.timeout, brief: true}
	if end, ok := ctx.Deadline(); ok {
		sw.timeout = time.Until(end)
	}
	if len(f.forwarders.hosts) > 0 {
		return sw.run(ctx, stdout, stderr)
	}
	z, err := sw.open(ctx, tellTo(stderr))
	if err != nil {
		return err
	}
	r, err := z.Switch(ctx, c)
	if err != nil {
		return err
	}
	tellResult(r, c.DryRun, stdout, stderr)
	return nil
}
