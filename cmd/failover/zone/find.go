package zone

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// Zone is a hosted zone. Safe for concurrent use.
type Zone struct {
	*Client
	ID   string
	Name string // with a final dot, "" where it was given by its ID
}

// Open connects, and finds the zone that the settings name.
func Open(ctx context.Context, s Settings) (*Zone, error) {
	if s.ID == "" && s.Zone == "" && s.Record == "" {
		return nil, refused("no zone is named")
	}
	c, err := Connect(ctx, s)
	if err != nil {
		return nil, err
	}
	if s.ID != "" {
		return c.byID(ctx, s)
	}
	return c.byName(ctx, s)
}

// String is how a message names the zone.
func (z *Zone) String() string {
	if z.Name == "" {
		return "zone " + z.ID
	}
	return fmt.Sprintf("zone %s (%s)", shown(z.Name), z.ID)
}

// byID takes the zone as it is named, and asks for its VPCs only if one is to be
// among them: a role may well be limited to records.
func (c *Client) byID(ctx context.Context, s Settings) (*Zone, error) {
	z := &Zone{Client: c, ID: bareID(s.ID)}
	if z.ID == "" || strings.ContainsFunc(z.ID, notInID) {
		return nil, refused("%q is no ID of a zone: it looks like Z0123456789ABCDEFGHIJ", s.ID)
	}
	if s.VPC == "" {
		return z, nil
	}
	found, err := c.describe(ctx, z.ID)
	if err != nil {
		return nil, err
	}
	if !found.hasVPC(s.VPC) {
		return nil, refused("zone %s does not belong to %s, but to %s", z.ID, s.VPC, found.vpcWords())
	}
	z.Name = found.name
	return z, nil
}

// bareID drops what the API has before an ID.
func bareID(id string) string {
	for _, kind := range []string{"hostedzone/", "change/"} {
		id = strings.TrimPrefix(strings.TrimPrefix(id, "/"), kind)
	}
	return id
}

func notInID(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// byName takes private zones only: a public one of the same name is another.
func (c *Client) byName(ctx context.Context, s Settings) (*Zone, error) {
	target, start, err := s.target()
	if err != nil {
		return nil, &failure{kind: ErrRefused, text: err.Error(), answered: true}
	}
	zones, public, err := c.list(ctx, start, func(name string) bool {
		return name == target || s.Zone == "" && isBelow(target, name)
	})
	if err != nil {
		return nil, err
	}
	candidates, err := c.inVPC(ctx, zones, s.VPC)
	if err != nil {
		return nil, err
	}
	longest := longestNames(candidates)
	switch {
	case len(longest) == 1:
		return &Zone{c, longest[0].id, longest[0].name}, nil
	case len(longest) > 1:
		return nil, c.ambiguous(ctx, longest)
	}
	return nil, s.notFound(target, zones, public)
}

// target is the name that is looked for, and where in the list of all zones it
// begins: "" is at its start, as a name's parents stand before it.
func (s Settings) target() (target, start string, err error) {
	if s.Zone != "" {
		target, err = canonical(s.Zone)
		return target, target, err
	}
	target, err = canonical(s.Record)
	return target, "", err
}

// hosted is a zone of a list; vpcs are nil until it is described.
type hosted struct {
	id, name, comment string
	vpcs              []string
}

func (h hosted) hasVPC(id string) bool {
	for _, v := range h.vpcs {
		if v == id {
			return true
		}
	}
	return false
}

func (h hosted) vpcWords() string {
	if len(h.vpcs) == 0 {
		return "no VPC"
	}
	return strings.Join(h.vpcs, ", ")
}

const (
	zonesPerPage = 100 // the API's most
	maxPages     = 20  // an account has 500 zones, unless AWS allows more
	maxAmbiguous = 20  // that are asked about
)

// list returns the private zones with a name that is wanted, and the IDs of public
// ones. Zones are in order of their names from the right, and so what follows those
// below start is of no use.
func (c *Client) list(ctx context.Context, start string, wanted func(name string) bool) (private []hosted, public []string, err error) {
	in := &route53.ListHostedZonesByNameInput{MaxItems: ptr(int32(zonesPerPage))}
	if start != "" {
		in.DNSName = &start
	}
	for range maxPages {
		out, err := call(ctx, c, "looking for the zone, as there is no --zone-id", c.api.ListHostedZonesByName, in)
		if err != nil {
			return nil, nil, err
		}
		if out.HostedZones == nil {
			return nil, nil, incomplete("looking for the zone")
		}
		past := false
		for _, z := range out.HostedZones {
			name, err := canonical(value(z.Name))
			past = err == nil && start != "" && !isBelow(name, start)
			switch {
			case err != nil || !wanted(name):
			case z.Config != nil && z.Config.PrivateZone:
				private = append(private, hosted{id: bareID(value(z.Id)), name: name, comment: value(z.Config.Comment)})
			default:
				public = append(public, bareID(value(z.Id)))
			}
		}
		if past || !out.IsTruncated {
			return private, public, nil
		}
		in.DNSName, in.HostedZoneId = out.NextDNSName, out.NextHostedZoneId
	}
	return nil, nil, refused("this account has more than %d zones: name the zone with --zone-id", maxPages*zonesPerPage)
}

// inVPC returns those that belong to the VPC, all if none is named.
func (c *Client) inVPC(ctx context.Context, zones []hosted, vpc string) (in []hosted, err error) {
	if vpc == "" {
		return zones, nil
	}
	if len(zones) > maxAmbiguous {
		return nil, refused("%d private zones could be meant: name one with --zone-id", len(zones))
	}
	for _, z := range zones {
		described, err := c.describe(ctx, z.id)
		if err != nil {
			return nil, err
		}
		if described.hasVPC(vpc) {
			in = append(in, described)
		}
	}
	return in, nil
}

// describe asks for a zone's VPCs.
func (c *Client) describe(ctx context.Context, id string) (hosted, error) {
	out, err := call(ctx, c, "asking about zone "+id, c.api.GetHostedZone, &route53.GetHostedZoneInput{Id: &id})
	if err != nil {
		return hosted{}, err
	}
	z := out.HostedZone
	if z == nil {
		return hosted{}, incomplete("asking about zone " + id)
	}
	h := hosted{id: id, vpcs: vpcIDs(out.VPCs)}
	if z.Config != nil {
		h.comment = value(z.Config.Comment)
	}
	h.name, err = canonical(value(z.Name))
	return h, err
}

func vpcIDs(vpcs []types.VPC) (ids []string) {
	for _, v := range vpcs {
		ids = append(ids, value(v.VPCId))
	}
	return ids
}

// longestNames are those nearest to the name of a record.
func longestNames(zones []hosted) (longest []hosted) {
	for _, z := range zones {
		switch {
		case len(longest) == 0 || len(z.name) > len(longest[0].name):
			longest = []hosted{z}
		case len(z.name) == len(longest[0].name):
			longest = append(longest, z)
		}
	}
	return longest
}

// ambiguous lists the zones that could be meant.
func (c *Client) ambiguous(ctx context.Context, zones []hosted) error {
	var b strings.Builder
	for _, z := range zones[:min(len(zones), maxAmbiguous)] {
		if described, err := c.describe(ctx, z.id); err == nil {
			z = described
		}
		fmt.Fprintf(&b, "\n  %s  %s  %s", z.id, z.vpcWords(), z.comment)
	}
	return refused("%d private zones are named %s: choose one with --zone-id, or with --vpc-id:%s", len(zones), shown(zones[0].name), b.String())
}

// notFound says what was looked for, and what there is.
func (s Settings) notFound(target string, others []hosted, public []string) error {
	what := "named " + shown(target)
	if s.Zone == "" {
		what = "that " + shown(target) + " belongs to"
	}
	switch {
	case len(others) > 0:
		return refused("there is no private zone %s in %s; zone %s is of another VPC", what, s.VPC, others[0].id)
	case len(public) > 0:
		return refused("there is no private zone %s; there is a public one, %s: if that is meant, name it with --zone-id", what, public[0])
	}
	return refused("there is no private zone %s in this account: see --profile and --role-arn", what)
}

// value is what a pointer of the SDK points at; nil is the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func ptr[T any](v T) *T { return &v }
