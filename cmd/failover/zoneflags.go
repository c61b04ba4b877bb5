package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/spf13/pflag"

	"vpcdns/cmd/failover/zone"
)

// awsFlags are those with which AWS's own tools find credentials.
func awsFlags(s *pflag.FlagSet, o *zone.Settings) {
	s.StringVar(&o.Profile, "profile", "", "`name` of a profile in ~/.aws")
	s.StringVar(&o.Region, "region", "", "`region`, which says the partition; Route 53 has none")
	s.StringVar(&o.RoleARN, "role-arn", "", "`ARN` of a role to take: that of another account's zone")
	s.StringVar(&o.ExternalID, "external-id", "", "`ID` that the role asks for")
	s.StringVar(&o.SessionName, "role-session-name", "failover", "`name` of the role's session, for AWS's log")
	s.DurationVar(&o.Timeout, "api-timeout", zone.DefaultTimeout, "`time` for each call of the API, with what is asked again")
}

// zoneFlags say which zone, and what name in it.
func zoneFlags(s *pflag.FlagSet, o *zone.Settings) {
	s.StringVar(&o.Record, "name", "", "`name` of the record")
	s.StringVar(&o.ID, "zone-id", "", "`ID` of the zone")
	s.StringVar(&o.Zone, "zone", "", "`name` of the private zone; without both it is the longest that the record's name ends with")
	s.StringVar(&o.VPC, "vpc-id", "", "`ID` of a VPC that the zone belongs to, where several have its name")
	awsFlags(s, o)
}

// changeFlags say how the record is to be, beside its address.
func changeFlags(s *pflag.FlagSet, c *zone.Change) {
	s.Uint32Var(&c.TTL, "ttl", 10, "of the record, in `seconds`")
	s.StringVar(&c.ProbeLabel, "probe-label", "now", "`label` of the probe's wildcard, *.LABEL.NAME, which changes with the name if it has a record of its own; \"\" leaves it alone")
	s.BoolVar(&c.DryRun, "dry-run", false, "say what would be changed, and do not")
}

// addressValue is a flag with an address.
type addressValue struct{ to *netip.Addr }

func (v addressValue) Type() string { return "address" }

func (v addressValue) String() string {
	if v.to == nil || !v.to.IsValid() {
		return ""
	}
	return v.to.String()
}

func (v addressValue) Set(text string) (err error) {
	if *v.to, err = netip.ParseAddr(text); err != nil {
		return errors.New("this is no address")
	}
	return nil
}

// checkZoneFlags refuses what contradicts itself.
func checkZoneFlags(o zone.Settings) error {
	switch {
	case o.Record == "":
		return usageError("--name is missing: which name?")
	case o.ID != "" && o.Zone != "":
		return usageError("--zone-id and --zone name one zone twice: give one of them")
	}
	return nil
}

// openZone finds the zone. What is asked again is told on stderr.
func openZone(ctx context.Context, o zone.Settings, stderr io.Writer) (*zone.Zone, error) {
	o.Tell = tellTo(stderr)
	return zone.Open(ctx, o)
}

func tellTo(w io.Writer) func(string) {
	return func(line string) { fmt.Fprintln(w, line) }
}

// tellResult says what became of a change.
func tellResult(r zone.Result, dryRun bool, stdout, stderr io.Writer) {
	for _, w := range r.Warnings {
		fmt.Fprintf(stderr, "warning: %s\n", w)
	}
	switch {
	case r.Already:
		fmt.Fprintf(stdout, "%s has %s already: nothing is to be done\n", r.Old.Name, r.Old)
	case dryRun:
		fmt.Fprintf(stdout, "%s has %s, and would get %s. This would be sent:\n%s\n", r.Old.Name, r.Old, r.New, r.Batch)
	default:
		fmt.Fprintf(stdout, "%s had %s, and gets %s: change %s is accepted\n", r.Old.Name, r.Old, r.New, r.ChangeID)
	}
}
