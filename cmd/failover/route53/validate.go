package route53

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// What a batch may hold: Developer Guide, quotas.
const (
	maxChanges = 1000
	maxLetters = 32000 // of all values; those of an UPSERT count twice
	maxComment = 256
)

// types are those that a set may have.
var types = []string{"SOA", "A", "TXT", "NS", "CNAME", "MX", "NAPTR", "PTR", "SRV", "SPF", "AAAA", "CAA", "DS"}

// wellFormed finds what the API calls InvalidInput: elements that are missing
// or not known, before it looks at the zone.
func wellFormed(request changeRequest) *Error {
	batch := request.ChangeBatch
	if e := unknown(request.Unknown, batch.Unknown); e != nil {
		return e
	}
	if len(batch.Changes) == 0 {
		return invalidInput("Invalid XML ; cvc-complex-type.2.4.b: The content of element 'Changes' is not complete. One of '{Change}' is expected.")
	}
	if len(batch.Comment) > maxComment {
		return invalidInput("1 validation error detected: Value at 'changeBatch.comment' failed to satisfy constraint: Member must have length less than or equal to 256")
	}
	for _, c := range batch.Changes {
		if e := wellFormedChange(c); e != nil {
			return e
		}
	}
	return withinQuotas(batch.Changes)
}

func wellFormedChange(c batchChange) *Error {
	r := c.ResourceRecordSet
	if e := unknown(c.Unknown, r.Unknown); e != nil {
		return e
	}
	where := fmt.Sprintf("in Change with [Action=%s, Name=%s, Type=%s, SetIdentifier=%s]", c.Action, r.Name, r.Type, orNull(r.SetIdentifier))
	switch {
	case !slices.Contains([]string{"CREATE", "DELETE", "UPSERT"}, c.Action):
		return invalidInput("Invalid XML ; cvc-enumeration-valid: Value '%s' is not facet-valid with respect to enumeration '[CREATE, DELETE, UPSERT]'.", c.Action)
	case !slices.Contains(types, r.Type):
		return invalidInput("Invalid XML ; cvc-enumeration-valid: Value '%s' is not facet-valid with respect to enumeration '[SOA, A, TXT, NS, CNAME, MX, NAPTR, PTR, SRV, SPF, AAAA, CAA, DS]'.", r.Type)
	case r.AliasTarget == nil && r.TTL == nil && r.ResourceRecords == nil:
		return invalidInput("Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none %s", where)
	case r.AliasTarget != nil && (r.TTL != nil || r.ResourceRecords != nil):
		return invalidInput("Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found more than one %s", where)
	case r.AliasTarget == nil && r.TTL == nil:
		return invalidInput("Invalid request: Missing field 'TTL' %s", where)
	case r.AliasTarget == nil && r.ResourceRecords == nil:
		return invalidInput("Invalid request: Missing field 'ResourceRecords' %s", where)
	case r.policy() != "" && r.SetIdentifier == "":
		return invalidInput("Invalid request: Missing field 'SetIdentifier' %s", where)
	case r.policy() == "" && r.SetIdentifier != "":
		return invalidInput("Invalid request: Expected exactly one of [Weight, Region, Failover, GeoLocation, MultiValueAnswer, or CidrRoutingConfig], but found none %s", where)
	case r.TTL != nil && (*r.TTL < 0 || *r.TTL > 1<<31-1):
		return invalidInput("Invalid XML ; cvc-maxInclusive-valid: Value '%d' is not facet-valid for type 'TTL'.", *r.TTL)
	}
	return nil
}

func unknown(lists ...[]element) *Error {
	for _, e := range slices.Concat(lists...) {
		return invalidInput("Invalid XML ; cvc-complex-type.2.4.a: Invalid content was found starting with element '%s'.", e.XMLName.Local)
	}
	return nil
}

func withinQuotas(changes []batchChange) *Error {
	records, letters := 0, 0
	for _, c := range changes {
		times := 1
		if c.Action == "UPSERT" {
			times = 2
		}
		records += times * max(1, len(c.ResourceRecordSet.ResourceRecords))
		for _, r := range c.ResourceRecordSet.ResourceRecords {
			letters += times * len(r.Value)
		}
	}
	switch {
	case records > maxChanges:
		return &Error{Code: "InvalidChangeBatch", Messages: []string{fmt.Sprintf("Number of records limit of %d exceeded.", maxChanges)}}
	case letters > maxLetters:
		return &Error{Code: "InvalidChangeBatch", Messages: []string{fmt.Sprintf("RDATA character limit of %d exceeded.", maxLetters)}}
	}
	return nil
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

// normalise writes the set's name as the API keeps it, and returns what is
// wrong with the set by itself.
func (z *zone) normalise(r *RecordSet) string {
	name, err := normalName(r.Name)
	switch {
	case err != nil:
		return fmt.Sprintf("FATAL problem: %v encountered with '%s'", err, r.Name)
	case !within(name, z.Name):
		return fmt.Sprintf("RRSet with DNS name %s is not permitted in zone %s", name, z.Name)
	case r.Type == "CNAME" && name == z.Name:
		return fmt.Sprintf("RRSet of type CNAME with DNS name %s is not permitted at apex in zone %s", name, z.Name)
	}
	r.Name = name
	if r.AliasTarget != nil {
		return r.normaliseAlias()
	}
	return r.invalidValue()
}

func (r *RecordSet) normaliseAlias() string {
	target := *r.AliasTarget
	name, err := normalName(target.DNSName)
	if err != nil {
		return fmt.Sprintf("FATAL problem: %v encountered with '%s'", err, target.DNSName)
	}
	target.DNSName = name
	r.AliasTarget = &target
	return ""
}

// invalidValue looks at each value as at a line of a master file.
func (r RecordSet) invalidValue() string {
	seen := map[string]bool{}
	for _, v := range r.values() {
		switch problem := invalidData(r.Type, v); {
		case problem != "":
			return fmt.Sprintf("Invalid Resource Record: 'FATAL problem: %s encountered with '%s''", problem, v)
		case seen[v]:
			return fmt.Sprintf("Invalid Resource Record: 'FATAL problem: DuplicateResourceRecord (Duplicate Resource Record: '%s')'", v)
		}
		seen[v] = true
	}
	if (r.Type == "CNAME" || r.Type == "SOA") && len(r.ResourceRecords) > 1 {
		return fmt.Sprintf("Invalid Resource Record: 'FATAL problem: MoreThanOneRecord (%s records must have exactly one value)'", r.Type)
	}
	return ""
}

func invalidData(rrtype, value string) string {
	addr, err := netip.ParseAddr(value)
	switch {
	case rrtype == "A" && (err != nil || !addr.Is4()):
		return "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"
	case rrtype == "AAAA" && (err != nil || !addr.Is6() || addr.Zone() != ""):
		return "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)"
	case (rrtype == "TXT" || rrtype == "SPF") && !strings.HasPrefix(value, `"`):
		return "InvalidCharacterString (Value should be enclosed in quotation marks)"
	}
	if _, err := parseRR("name.", rrtype, 0, value); err != nil {
		return fmt.Sprintf("InvalidRData (Value is not a valid %s record)", rrtype)
	}
	return ""
}

// parseRR makes a record of one value. Names in values are absolute whether or
// not they end in a dot.
func parseRR(owner, rrtype string, ttl int64, value string) (dns.RR, error) {
	rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", owner, ttl, rrtype, value))
	if err == nil && rr == nil {
		err = fmt.Errorf("reading %q: no record", value)
	}
	return rr, err
}

// conflicts finds what may not stand beside r, which the batch puts so many
// times, in the new state.
func (z *zone) conflicts(next *state, r RecordSet, times int) []string {
	if times > 1 {
		return []string{fmt.Sprintf("The request contains an invalid set of changes for a resource record set '%s %s'", r.Type, r.Name)}
	}
	for k, other := range next.sets {
		switch {
		case k == keyOf(r) || k.name != r.Name:
		case (k.rrtype == "CNAME") != (r.Type == "CNAME"):
			return []string{fmt.Sprintf("RRSet of type %s with DNS name %s is not permitted because a conflicting RRSet of type %s with the same DNS name already exists in zone %s", r.Type, r.Name, k.rrtype, z.Name)}
		case k.rrtype == r.Type && other.policy() != r.policy():
			return []string{fmt.Sprintf("RRSet with DNS name %s, type %s, SetIdentifier %s, and routing policy %s cannot be created as another RRSet exists with the same name and type but a different routing policy", r.Name, r.Type, orNull(r.SetIdentifier), orNull(r.policy()))}
		}
	}
	return z.aliasTarget(next, r)
}

// aliasTarget finds an alias to a set of this zone that is not there.
func (z *zone) aliasTarget(next *state, r RecordSet) []string {
	if r.AliasTarget == nil || r.AliasTarget.HostedZoneId != z.ID {
		return nil
	}
	target := r.AliasTarget.DNSName
	if !within(target, z.Name) {
		return []string{fmt.Sprintf("Tried to create an alias that targets %s, type %s in zone %s, but the alias target name does not lie within the target zone", target, r.Type, z.ID)}
	}
	for k := range next.sets {
		if k.name == target && (k.rrtype == r.Type || k.rrtype == "CNAME") {
			return nil
		}
	}
	return []string{fmt.Sprintf("Tried to create an alias that targets %s, type %s in zone %s, but that target was not found", target, r.Type, z.ID)}
}

// essentials are what a zone cannot be without.
func (z *zone) essentials(next *state) []string {
	var messages []string
	if _, ok := next.sets[key{z.Name, "SOA", ""}]; !ok {
		messages = append(messages, "A HostedZone must contain exactly one SOA record.")
	}
	if _, ok := next.sets[key{z.Name, "NS", ""}]; !ok {
		messages = append(messages, "A HostedZone must contain at least one NS record for the zone itself.")
	}
	return messages
}
