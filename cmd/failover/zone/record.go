package zone

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// Record is a simple record set.
type Record struct {
	Name   string   // as people write it, without a final dot
	Type   string   // A, AAAA and so on
	TTL    uint32   // s
	Values []string // as the zone has them; none if there is no such record
	set    types.ResourceRecordSet
}

// Exists reports whether the zone has the record.
func (r Record) Exists() bool { return len(r.Values) > 0 }

// Addresses are those of an A or AAAA record.
func (r Record) Addresses() (list []netip.Addr) {
	for _, v := range r.Values {
		if a, err := netip.ParseAddr(v); err == nil {
			list = append(list, a)
		}
	}
	return list
}

// String has the record's values.
func (r Record) String() string {
	if !r.Exists() {
		return "no " + r.Type + " record"
	}
	return strings.Join(r.Values, ", ")
}

// Read returns the record of a name and type; if there is none one without values.
// A record that is more than a simple set is refused by the name of its kind.
func (z *Zone) Read(ctx context.Context, name, rtype string) (Record, error) {
	owner, err := z.owner(name)
	if err != nil {
		return Record{}, err
	}
	sets, err := z.sets(ctx, owner)
	if err != nil {
		return Record{}, err
	}
	return z.simple(owner, types.RRType(strings.ToUpper(rtype)), sets)
}

// owner is the canonical form of a name that is to be in the zone.
func (z *Zone) owner(name string) (string, error) {
	owner, err := canonical(name)
	if err != nil {
		return "", &failure{kind: ErrRefused, text: err.Error(), answered: true}
	}
	if z.Name != "" && !isBelow(owner, z.Name) {
		return "", refused("%s is not in %s", shown(owner), z)
	}
	return owner, nil
}

const (
	setsPerPage = 100
	maxSets     = 10 // pages of one name: a name and type has 100 sets at most
)

// sets returns all record sets of a name.
func (z *Zone) sets(ctx context.Context, owner string) (sets []types.ResourceRecordSet, err error) {
	in := &route53.ListResourceRecordSetsInput{HostedZoneId: &z.ID, StartRecordName: &owner, MaxItems: ptr(int32(setsPerPage))}
	for range maxSets {
		out, err := call(ctx, z.Client, fmt.Sprintf("reading %s in %s", shown(owner), z), z.api.ListResourceRecordSets, in)
		if err != nil {
			return nil, err
		}
		if out.ResourceRecordSets == nil {
			return nil, incomplete("reading " + shown(owner))
		}
		for _, s := range out.ResourceRecordSets {
			if name, err := canonical(value(s.Name)); err == nil && name == owner {
				sets = append(sets, s)
			}
		}
		if next, _ := canonical(value(out.NextRecordName)); !out.IsTruncated || next != owner {
			return sets, nil
		}
		in.StartRecordName, in.StartRecordType, in.StartRecordIdentifier = out.NextRecordName, out.NextRecordType, out.NextRecordIdentifier
	}
	return nil, refused("%s has more than %d record sets", shown(owner), maxSets*setsPerPage)
}

// simple returns the one record of a type among the sets of its owner.
func (z *Zone) simple(owner string, rtype types.RRType, sets []types.ResourceRecordSet) (Record, error) {
	r := Record{Name: shown(owner), Type: string(rtype)}
	for _, s := range sets {
		if s.Type != rtype {
			continue
		}
		if kind := kindOf(s); kind != "" {
			return r, refused("%s %s in %s is %s: only a simple record can be switched", r.Name, r.Type, z, kind)
		}
		r.set, r.TTL = s, uint32(value(s.TTL))
		for _, v := range s.ResourceRecords {
			r.Values = append(r.Values, value(v.Value))
		}
	}
	return r, nil
}

// kindOf names the kind of a record set that is not simple, "" if it is.
func kindOf(s types.ResourceRecordSet) string {
	kind := ""
	switch {
	case s.TrafficPolicyInstanceId != nil:
		kind = "made by a traffic policy"
	case s.Weight != nil:
		kind = "a weighted record"
	case s.Failover != "":
		kind = "a failover record"
	case s.Region != "":
		kind = "a latency record"
	case s.GeoLocation != nil:
		kind = "a geolocation record"
	case s.GeoProximityLocation != nil:
		kind = "a geoproximity record"
	case s.CidrRoutingConfig != nil:
		kind = "a CIDR (IP-based) record"
	case value(s.MultiValueAnswer):
		kind = "a multivalue answer record"
	case s.AliasTarget != nil:
		kind = "an alias of " + shown(value(s.AliasTarget.DNSName))
	case s.SetIdentifier != nil:
		kind = "one of several records"
	}
	if kind != "" && s.SetIdentifier != nil {
		kind += fmt.Sprintf(" (set identifier %s)", *s.SetIdentifier)
	}
	return kind
}
