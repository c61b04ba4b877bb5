package route53

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
)

// Most items of a page.
const (
	maxSets  = 300
	maxZones = 100
)

type recordSetPage struct {
	ResourceRecordSets   recordSets
	IsTruncated          bool
	NextRecordName       string `xml:",omitempty"`
	NextRecordType       string `xml:",omitempty"`
	NextRecordIdentifier string `xml:",omitempty"`
	MaxItems             string
}

type recordSets struct{ ResourceRecordSet []RecordSet }

func (s *Server) listRecordSets(c *call) (any, *Error) {
	z := s.zone(c.id)
	if z == nil {
		return nil, noSuchZone(c.id)
	}
	size, e := c.pageSize(maxSets)
	if e != nil {
		return nil, e
	}
	sets := z.sorted()
	begin, e := c.start(sets)
	if e != nil {
		return nil, e
	}
	sets = sets[begin:]
	page := recordSetPage{MaxItems: strconv.Itoa(size), IsTruncated: len(sets) > size}
	if page.IsTruncated {
		next := sets[size]
		page.NextRecordName, page.NextRecordType, page.NextRecordIdentifier = next.Name, next.Type, next.SetIdentifier
		sets = sets[:size]
	}
	page.ResourceRecordSets.ResourceRecordSet = sets
	return page, nil
}

// start finds the first set that is not before the start in the query.
func (c *call) start(sets []RecordSet) (int, *Error) {
	name, rrtype, id := c.query.Get("name"), c.query.Get("type"), c.query.Get("identifier")
	switch {
	case name == "" && rrtype != "":
		return 0, invalidInput("The input is not valid: a record type without a record name")
	case rrtype == "" && id != "":
		return 0, invalidInput("The input is not valid: a record identifier without a record type")
	case rrtype != "" && !slices.Contains(types, rrtype):
		return 0, invalidInput("1 validation error detected: Value '%s' at 'type' failed to satisfy constraint: Member must satisfy enum value set", rrtype)
	case name == "":
		return 0, nil
	}
	normal, err := normalName(name)
	if err != nil {
		return 0, invalidInput("FATAL problem: %v encountered with '%s'", err, name)
	}
	begin, _ := slices.BinarySearchFunc(sets, RecordSet{Name: normal, Type: rrtype, SetIdentifier: id}, compareSets)
	return begin, nil
}

// HostedZone is what the API shows of a zone.
type HostedZone struct {
	Id                     string
	Name                   string
	CallerReference        string
	Config                 hostedZoneConfig
	ResourceRecordSetCount int
}

type hostedZoneConfig struct {
	Comment     string `xml:",omitempty"`
	PrivateZone bool
}

func (z *zone) hostedZone() HostedZone {
	return HostedZone{"/hostedzone/" + z.ID, z.Name, "stand-in " + z.ID, hostedZoneConfig{z.Comment, z.private()}, len(z.now().sets)}
}

type getZoneReply struct {
	HostedZone    HostedZone
	DelegationSet *delegationSet `xml:",omitempty"`
	VPCs          *vpcs          `xml:",omitempty"`
}

type vpcs struct{ VPC []VPC }

type delegationSet struct {
	NameServers []string `xml:"NameServers>NameServer"`
}

func (s *Server) getZone(c *call) (any, *Error) {
	z := s.zone(c.id)
	if z == nil {
		return nil, noSuchZone(c.id)
	}
	reply := getZoneReply{HostedZone: z.hostedZone()}
	if z.private() {
		reply.VPCs = &vpcs{z.VPCs}
	} else {
		reply.DelegationSet = &delegationSet{nameServers}
	}
	return reply, nil
}

type hostedZones struct{ HostedZone []HostedZone }

type zonePage struct {
	HostedZones hostedZones
	Marker      string
	IsTruncated bool
	NextMarker  string `xml:",omitempty"`
	MaxItems    string
}

// listZones lists by age.
func (s *Server) listZones(c *call) (any, *Error) {
	size, e := c.pageSize(maxZones)
	if e != nil {
		return nil, e
	}
	marker := c.query.Get("marker")
	begin := 0
	if marker != "" {
		if begin = slices.IndexFunc(s.zones, func(z *zone) bool { return z.ID == marker }); begin < 0 {
			return nil, invalidInput("The specified marker is not valid: %s", marker)
		}
	}
	zones := s.zones[begin:]
	page := zonePage{Marker: marker, MaxItems: strconv.Itoa(size), IsTruncated: len(zones) > size}
	if page.IsTruncated {
		page.NextMarker = zones[size].ID
		zones = zones[:size]
	}
	page.HostedZones = shown(zones)
	return page, nil
}

func shown(zones []*zone) hostedZones {
	var list hostedZones
	for _, z := range zones {
		list.HostedZone = append(list.HostedZone, z.hostedZone())
	}
	return list
}

type zonesByNamePage struct {
	HostedZones      hostedZones
	DNSName          string `xml:",omitempty"`
	HostedZoneId     string `xml:",omitempty"`
	IsTruncated      bool
	NextDNSName      string `xml:",omitempty"`
	NextHostedZoneId string `xml:",omitempty"`
	MaxItems         string
}

// listZonesByName lists from a name on; it filters nothing.
func (s *Server) listZonesByName(c *call) (any, *Error) {
	size, e := c.pageSize(maxZones)
	if e != nil {
		return nil, e
	}
	page := zonesByNamePage{DNSName: c.query.Get("dnsname"), HostedZoneId: c.query.Get("hostedzoneid"), MaxItems: strconv.Itoa(size)}
	zones := slices.SortedFunc(slices.Values(s.zones), compareZones)
	if page.DNSName != "" {
		name, err := normalName(page.DNSName)
		if err != nil {
			return nil, &Error{Code: "InvalidDomainName", Message: err.Error()}
		}
		begin, _ := slices.BinarySearchFunc(zones, &zone{Zone: Zone{Name: name, ID: page.HostedZoneId}}, compareZones)
		zones = zones[begin:]
	}
	if page.IsTruncated = len(zones) > size; page.IsTruncated {
		page.NextDNSName, page.NextHostedZoneId = zones[size].Name, zones[size].ID
		zones = zones[:size]
	}
	page.HostedZones = shown(zones)
	return page, nil
}

func compareZones(a, b *zone) int {
	return cmp.Or(compareNames(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}

type zonesByVPCPage struct {
	HostedZoneSummaries zoneSummaries
	MaxItems            string
	NextToken           string `xml:",omitempty"`
}

type zoneSummaries struct{ HostedZoneSummary []zoneSummary }

type zoneSummary struct {
	HostedZoneId string
	Name         string
	Owner        struct{ OwningAccount string }
}

func (s *Server) listZonesByVPC(c *call) (any, *Error) {
	size, e := c.pageSize(maxZones)
	if e != nil {
		return nil, e
	}
	vpc := VPC{VPCRegion: c.query.Get("vpcregion"), VPCId: c.query.Get("vpcid")}
	if vpc.VPCId == "" || vpc.VPCRegion == "" {
		return nil, invalidInput("1 validation error detected: Value null at 'vpc' failed to satisfy constraint: Member must not be null")
	}
	zones := s.zonesOf(vpc)
	begin, e := c.token(len(zones))
	if e != nil {
		return nil, e
	}
	zones = zones[begin:]
	page := zonesByVPCPage{MaxItems: strconv.Itoa(size)}
	if len(zones) > size {
		page.NextToken = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(begin + size)))
		zones = zones[:size]
	}
	for _, z := range zones {
		summary := zoneSummary{HostedZoneId: z.ID, Name: z.Name}
		summary.Owner.OwningAccount = s.options.Account
		page.HostedZoneSummaries.HostedZoneSummary = append(page.HostedZoneSummaries.HostedZoneSummary, summary)
	}
	return page, nil
}

func (s *Server) zonesOf(vpc VPC) []*zone {
	return slices.DeleteFunc(slices.Clone(s.zones), func(z *zone) bool { return !slices.Contains(z.VPCs, vpc) })
}

// token reads where the next page begins.
func (c *call) token(most int) (int, *Error) {
	text := c.query.Get("nexttoken")
	if text == "" {
		return 0, nil
	}
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	begin, notNumber := strconv.Atoi(string(decoded))
	if err != nil || notNumber != nil || begin < 0 || begin > most {
		return 0, &Error{Code: "InvalidPaginationToken", Message: "The value that you specified to get the second or subsequent page of results is invalid."}
	}
	return begin, nil
}

type tag struct{ Key, Value string }

type tagSet struct {
	ResourceType string
	ResourceId   string
	Tags         *tags `xml:",omitempty"`
}

type tags struct{ Tag []tag }

func (s *Server) listTags(c *call) (any, *Error) {
	z := s.zone(c.id)
	if z == nil {
		return nil, noSuchZone(c.id)
	}
	set := tagSet{ResourceType: "hostedzone", ResourceId: z.ID}
	if len(z.Tags) > 0 {
		set.Tags = &tags{z.tags()}
	}
	return struct{ ResourceTagSet tagSet }{set}, nil
}

func (z *zone) tags() []tag {
	var list []tag
	for name, value := range z.Tags {
		list = append(list, tag{name, value})
	}
	slices.SortFunc(list, func(a, b tag) int { return cmp.Compare(a.Key, b.Key) })
	return list
}
