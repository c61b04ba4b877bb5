package route53

import (
	"encoding/xml"
	"slices"
	"strings"
)

// RecordSet is a resource record set, in the API's own terms. Pointers are nil,
// and strings empty, where the set has no such element.
type RecordSet struct {
	Name                    string
	Type                    string
	SetIdentifier           string       `xml:",omitempty"` // tells sets of one name and type apart
	Weight                  *int64       `xml:",omitempty"`
	Region                  string       `xml:",omitempty"` // of latency records
	GeoLocation             *GeoLocation `xml:",omitempty"`
	Failover                string       `xml:",omitempty"` // PRIMARY or SECONDARY
	MultiValueAnswer        *bool        `xml:",omitempty"`
	TTL                     *int64       `xml:",omitempty"` // s
	ResourceRecords         Records
	AliasTarget             *AliasTarget       `xml:",omitempty"`
	HealthCheckId           string             `xml:",omitempty"`
	TrafficPolicyInstanceId string             `xml:",omitempty"`
	CidrRoutingConfig       *CidrRoutingConfig `xml:",omitempty"`
	Unknown                 []element          `xml:",any"`
}

// Records are a set's values: none in an alias.
type Records []Record

// recordList is how they are written.
type recordList struct{ ResourceRecord []Record }

// MarshalXML writes no element at all if there are none.
func (r Records) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if len(r) == 0 {
		return nil
	}
	return e.EncodeElement(recordList{r}, start)
}

// UnmarshalXML reads an element of them.
func (r *Records) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	var list recordList
	err := d.DecodeElement(&list, &start)
	*r = list.ResourceRecord
	return err
}

// Record is one value, as in a master file.
type Record struct{ Value string }

// AliasTarget is where an alias gets its records from.
type AliasTarget struct {
	HostedZoneId         string
	DNSName              string
	EvaluateTargetHealth bool
}

// GeoLocation is where the clients are that get a set.
type GeoLocation struct {
	ContinentCode   string `xml:",omitempty"`
	CountryCode     string `xml:",omitempty"`
	SubdivisionCode string `xml:",omitempty"`
}

// CidrRoutingConfig is which networks get a set.
type CidrRoutingConfig struct{ CollectionId, LocationName string }

// element is one that a request has and the API does not know.
type element struct{ XMLName xml.Name }

// Simple returns a set without a routing policy: Simple("www.example.com", "A",
// 10, "10.0.0.1").
func Simple(name, rrtype string, ttl int64, values ...string) RecordSet {
	r := RecordSet{Name: name, Type: rrtype, TTL: &ttl}
	for _, v := range values {
		r.ResourceRecords = append(r.ResourceRecords, Record{v})
	}
	return r
}

// Alias returns a set that gives the records of target, which is in the zone
// with that ID.
func Alias(name, rrtype, zoneID, target string) RecordSet {
	return RecordSet{Name: name, Type: rrtype, AliasTarget: &AliasTarget{HostedZoneId: zoneID, DNSName: target}}
}

// values are those of the set, sorted.
func (r RecordSet) values() []string {
	var list []string
	for _, record := range r.ResourceRecords {
		list = append(list, record.Value)
	}
	slices.Sort(list)
	return list
}

// policy names the routing policy; "" is simple.
func (r RecordSet) policy() string {
	switch {
	case r.Weight != nil:
		return "weighted"
	case r.Region != "":
		return "latency"
	case r.GeoLocation != nil:
		return "geolocation"
	case r.Failover != "":
		return "failover"
	case r.MultiValueAnswer != nil:
		return "multivalue"
	case r.CidrRoutingConfig != nil:
		return "CIDR"
	}
	return ""
}

// equal reports whether a DELETE of want may delete r: all that the API shows
// must be the same, values in any order.
func (r RecordSet) equal(want RecordSet) bool {
	return r.SetIdentifier == want.SetIdentifier && same(r.Weight, want.Weight) && r.Region == want.Region &&
		r.Failover == want.Failover && same(r.MultiValueAnswer, want.MultiValueAnswer) && same(r.TTL, want.TTL) &&
		slices.Equal(r.values(), want.values()) && same(r.AliasTarget, want.AliasTarget) &&
		r.HealthCheckId == want.HealthCheckId && same(r.GeoLocation, want.GeoLocation) &&
		same(r.CidrRoutingConfig, want.CidrRoutingConfig)
}

// same compares what two pointers, which may be nil, point to.
func same[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// compareSets is the order of ListResourceRecordSets.
func compareSets(a, b RecordSet) int {
	if c := compareNames(a.Name, b.Name); c != 0 {
		return c
	}
	if c := strings.Compare(a.Type, b.Type); c != 0 {
		return c
	}
	return strings.Compare(a.SetIdentifier, b.SetIdentifier)
}
