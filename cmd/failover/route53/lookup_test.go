package route53

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func ptr[T any](v T) *T { return &v }

// routed is a set with a policy, made by change.
func routed(id, value string, change func(*RecordSet)) RecordSet {
	r := Simple("routed."+apex, "A", 10, value)
	r.SetIdentifier = id
	change(&r)
	return r
}

// addresses asks the first server.
func (s *site) addresses(vpc, owner string) string {
	return said(s.Authority(vpc).Lookup(0, owner, dns.TypeA, 0))
}

// said is a reply in short.
func said(reply *dns.Msg) string {
	if reply == nil {
		return "no zone"
	}
	var list []string
	for _, rr := range reply.Answer {
		list = append(list, strings.Join(strings.Fields(rr.String())[3:], " "))
	}
	slices.Sort(list)
	return strings.Join(append(list, dns.RcodeToString[reply.Rcode]), ", ")
}

func TestLookup(t *testing.T) {
	s := newSite(t, Options{})
	s.add(Zone{ID: "ZPUBLIC", Name: apex, Records: []RecordSet{Simple(name, "A", 60, "198.51.100.1")}})
	s.add(Zone{ID: "ZCORP", Name: "mycompany.corp", Records: []RecordSet{Simple("*.corp.mycompany.corp", "A", 60, "198.51.100.2")}})
	if err := s.Put("ZPRIVATE",
		Simple("www."+apex, "CNAME", 60, "MyService.awslab.mycompany.corp"),
		Simple("*.wild."+apex, "A", 60, "10.0.0.1"), Simple("x.below.wild."+apex, "A", 60, "10.0.0.2"),
		Alias("alias."+apex, "A", "ZPRIVATE", name), Alias("*.now."+name, "A", "ZPRIVATE", "alias."+apex),
		Alias("elsewhere."+apex, "A", "ZELB", "elb.amazonaws.com"),
		Simple(`a\052b.`+apex, "A", 60, "10.0.0.3"),
	); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ vpc, owner, want string }{
		{vpcA, name, "A 10.79.252.13, NOERROR"}, {"", name, "A 198.51.100.1, NOERROR"}, {"vpc-none", name, "A 198.51.100.1, NOERROR"},
		{vpcA, "MYSERVICE.awslab.mycompany.corp", "A 10.79.252.13, NOERROR"},
		{vpcA, "www." + apex, "CNAME MyService.awslab.mycompany.corp., NOERROR"},
		{vpcA, "a.wild." + apex, "A 10.0.0.1, NOERROR"}, {vpcA, "a.b.wild." + apex, "A 10.0.0.1, NOERROR"},
		{vpcA, "*.wild." + apex, "A 10.0.0.1, NOERROR"},
		{vpcA, "y.below.wild." + apex, "NXDOMAIN"}, {vpcA, "below.wild." + apex, "NOERROR"}, {vpcA, "wild." + apex, "NOERROR"},
		{vpcA, "alias." + apex, "A 10.79.252.13, NOERROR"}, {vpcA, "r7.now." + name, "A 10.79.252.13, NOERROR"},
		{vpcA, "elsewhere." + apex, "NOERROR"}, {vpcA, "none." + apex, "NXDOMAIN"},
		{vpcA, "x.corp.mycompany.corp.", "A 198.51.100.2, NOERROR"}, {vpcA, "example.com.", "no zone"}, {vpcA, ".", "no zone"},
		{vpcA, "a*b." + apex, "A 10.0.0.3, NOERROR"},
	} {
		if got := s.addresses(tt.vpc, tt.owner); got != tt.want {
			t.Errorf("%q asks for %s: %s, want %s", tt.vpc, tt.owner, got, tt.want)
		}
	}
	denial := s.Authority(vpcA).Lookup(0, "none."+apex, dns.TypeA, 0)
	if len(denial.Ns) != 1 || denial.Ns[0].Header().Name != apex || !denial.Authoritative {
		t.Errorf("a denial is %v, want the zone's SOA and AA", denial)
	}
	public := s.Authority("").Lookup(0, "none."+apex, dns.TypeA, 0)
	if a, b := denial.Ns[0].Header().Ttl, public.Ns[0].Header().Ttl; a != 300 || b != 900 {
		t.Errorf("denials last %d s from a private zone and %d s from a public one, want 300 and 900", a, b)
	}
	if owner := s.Authority(vpcA).Lookup(0, "R7.now."+name, dns.TypeA, 0).Answer[0].Header().Name; owner != "R7.now."+name {
		t.Errorf("the owner of what a wildcard gives is %s", owner)
	}
}

func TestAliasCircle(t *testing.T) {
	s := newSite(t, Options{})
	if err := s.Put("ZPRIVATE", Simple("a."+apex, "A", 1, "10.0.0.1"), Alias("b."+apex, "A", "ZPRIVATE", "a."+apex)); err != nil {
		t.Fatal(err)
	}
	if err := s.Put("ZPRIVATE", Alias("a."+apex, "A", "ZPRIVATE", "b."+apex)); err != nil {
		t.Fatal(err)
	}
	if got := s.addresses(vpcA, "a."+apex); got != "NOERROR" {
		t.Errorf("an alias of its own alias = %s, want no records", got)
	}
}

func TestRoutingPolicies(t *testing.T) {
	weight := func(w int64) func(*RecordSet) { return func(r *RecordSet) { r.Weight = &w } }
	failover := func(role string) func(*RecordSet) { return func(r *RecordSet) { r.Failover = role } }
	many := func(r *RecordSet) { r.MultiValueAnswer = ptr(true) }
	region := func(name string) func(*RecordSet) { return func(r *RecordSet) { r.Region = name } }
	var ten []RecordSet
	for _, digit := range strings.Split("0123456789", "") {
		ten = append(ten, routed(digit, "10.0.0."+digit, many))
	}
	for _, tt := range []struct {
		title string
		sets  []RecordSet
		want  string // all answers of many
	}{
		{"weighted", []RecordSet{routed("a", "10.0.0.1", weight(3)), routed("b", "10.0.0.2", weight(1)), routed("c", "10.0.0.3", weight(0))}, "A 10.0.0.1, NOERROR|A 10.0.0.2, NOERROR"},
		{"weighing nothing", []RecordSet{routed("a", "10.0.0.1", weight(0)), routed("b", "10.0.0.2", weight(0))}, "A 10.0.0.1, NOERROR|A 10.0.0.2, NOERROR"},
		{"failover", []RecordSet{routed("a", "10.0.0.1", failover("SECONDARY")), routed("b", "10.0.0.2", failover("PRIMARY"))}, "A 10.0.0.2, NOERROR"},
		{"latency", []RecordSet{routed("a", "10.0.0.1", region("eu-central-1")), routed("b", "10.0.0.2", region("us-east-1"))}, "A 10.0.0.1, NOERROR"},
		{"multivalue", []RecordSet{routed("a", "10.0.0.1", many), routed("b", "10.0.0.2", many)}, "A 10.0.0.1, A 10.0.0.2, NOERROR"},
	} {
		s := newSite(t, Options{})
		if err := s.Put("ZPRIVATE", tt.sets...); err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for range 200 {
			found[s.addresses(vpcA, "routed."+apex)] = true
		}
		var all []string
		for answer := range found {
			all = append(all, answer)
		}
		slices.Sort(all)
		if got := strings.Join(all, "|"); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.title, got, tt.want)
		}
	}
	s := newSite(t, Options{})
	if err := s.Put("ZPRIVATE", ten...); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(s.addresses(vpcA, "routed."+apex), "A "); got != 8 {
		t.Errorf("of ten multivalue sets %d are given, want 8", got)
	}
}
