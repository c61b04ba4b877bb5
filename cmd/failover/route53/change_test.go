package route53

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/failover/route53/servicemodel"
)

func TestChangeIsInSyncWhenTheLastServerHasIt(t *testing.T) {
	s := newSite(t, Options{Delays: []time.Duration{10 * time.Second, 40 * time.Second, 20 * time.Second, 30 * time.Second}})
	begun := s.now
	id, failure := s.change("ZPRIVATE", one("UPSERT", "MyService.awslab.mycompany.corp", "A", 10, "10.79.252.14"))
	if failure != "" {
		t.Fatal(failure)
	}
	if got, want := s.list("ZPRIVATE", ""), []string{name + " A 10.79.252.14"}; !slices.Equal(got, want) {
		t.Errorf("the API shows %q at once, want %q", got, want)
	}
	for _, step := range []struct {
		after  time.Duration
		status string
		has    string // the last digit of each server's answer
	}{
		{0, "PENDING", "3333"}, {9999 * time.Millisecond, "PENDING", "3333"}, {10 * time.Second, "PENDING", "4333"},
		{20 * time.Second, "PENDING", "4343"}, {30 * time.Second, "PENDING", "4344"}, {39 * time.Second, "PENDING", "4344"}, {40 * time.Second, "INSYNC", "4444"},
	} {
		s.now = begun.Add(step.after)
		if got := s.status(id); got != step.status {
			t.Errorf("after %v: %s, want %s", step.after, got, step.status)
		}
		if got := s.lastDigits(); got != step.has {
			t.Errorf("after %v: the servers answer …%s, want …%s", step.after, got, step.has)
		}
	}
	if got, want := s.status("CNONE"), "NoSuchChange: Could not find resource with ID: CNONE"; got != want {
		t.Errorf("GetChange = %s, want %s", got, want)
	}
}

// lastDigits are those of the address that each server has for the name.
func (s *site) lastDigits() string {
	digits := ""
	for i := range s.Servers() {
		text := s.Authority(vpcA).Lookup(i, name, dns.TypeA, 0).Answer[0].String()
		digits += text[len(text)-1:]
	}
	return digits
}

// A server never has a later change before an earlier one, and shows each
// state for as long as it was there.
func TestChangesReachAServerInTheirOrder(t *testing.T) {
	s := newSite(t, Options{Delays: []time.Duration{40 * time.Second, 0}})
	begun := s.now
	first, _ := s.change("ZPRIVATE", one("UPSERT", name, "A", 10, "10.79.252.14"))
	s.SetDelays(5*time.Second, 0)
	s.now = begun.Add(10 * time.Second)
	second, _ := s.change("ZPRIVATE", one("UPSERT", name, "A", 10, "10.79.252.15"))
	if got := s.lastDigits(); got != "35" {
		t.Errorf("after 10 s the servers answer …%s, want …35", got)
	}
	s.now = begun.Add(39 * time.Second)
	if got := s.lastDigits() + s.status(first) + s.status(second); got != "35PENDINGPENDING" {
		t.Errorf("after 39 s: %s, want 35PENDINGPENDING", got)
	}
	s.now = begun.Add(40 * time.Second)
	if got := s.lastDigits() + s.status(first) + s.status(second); got != "55INSYNCINSYNC" {
		t.Errorf("after 40 s: %s, want 55INSYNCINSYNC", got)
	}
	for ago, want := range map[time.Duration]string{0: "5", 31 * time.Second: "4", 41 * time.Second: "3"} {
		if got := s.Authority(vpcA).Lookup(1, name, dns.TypeA, ago).Answer[0].String(); !strings.HasSuffix(got, want) {
			t.Errorf("%v ago it had %s, want …%s", ago, got, want)
		}
	}
}

func TestBatches(t *testing.T) {
	weighted := func(action, id string, weight int) string {
		return fmt.Sprintf("<Change><Action>%s</Action><ResourceRecordSet><Name>w.%s</Name><Type>A</Type><SetIdentifier>%s</SetIdentifier><Weight>%d</Weight><TTL>10</TTL><ResourceRecords><ResourceRecord><Value>10.0.0.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change>", action, apex, id, weight)
	}
	alias := func(action, owner, target string) string {
		return fmt.Sprintf("<Change><Action>%s</Action><ResourceRecordSet><Name>%s</Name><Type>A</Type><AliasTarget><HostedZoneId>ZPRIVATE</HostedZoneId><DNSName>%s</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget></ResourceRecordSet></Change>", action, owner, target)
	}
	const was = name + " A 10.79.252.13"
	many := make([]string, 501)
	for i := range many {
		many[i] = one("UPSERT", fmt.Sprintf("n%d.%s", i, apex), "A", 10, "10.0.0.1")
	}
	var long []string // five sets of 13 strings of 255 letters; an UPSERT counts twice
	for i := range 5 {
		long = append(long, one("UPSERT", fmt.Sprintf("t%d.%s", i, apex), "TXT", 10, strings.TrimSpace(strings.Repeat(`"`+strings.Repeat("x", 255)+`" `, 13))))
	}
	tests := []struct {
		title   string
		changes []string
		failure string // part of it; "" is accepted
		has     []string
	}{
		{"create what is there", []string{one("CREATE", "other."+apex, "A", 10, "10.0.0.9"), one("CREATE", name, "A", 10, "10.79.252.14")},
			"InvalidChangeBatch: Tried to create resource record set [name='" + name + "', type='A'] but it already exists", []string{was}},
		{"delete what is not there", []string{one("DELETE", "no."+apex, "A", 10, "10.0.0.1")},
			"Tried to delete resource record set [name='no." + apex + "', type='A'] but it was not found", []string{was}},
		{"delete another value", []string{one("DELETE", name, "A", 10, "10.79.252.99")},
			"Tried to delete resource record set [name='" + name + "', type='A'] but the values provided do not match the current values", []string{was}},
		{"delete another TTL", []string{one("DELETE", name, "A", 11, "10.79.252.13")}, "do not match the current values", []string{was}},
		{"two faults", []string{one("DELETE", "no."+apex, "A", 10, "10.0.0.1"), one("CREATE", name, "A", 1, "10.0.0.1")}, " | ", []string{was}},
		{"compare and swap", []string{one("DELETE", name, "A", 10, "10.79.252.13"), one("CREATE", name, "A", 10, "10.79.252.14")}, "", []string{name + " A 10.79.252.14"}},
		{"upsert of two", []string{one("UPSERT", name, "A", 10, "10.79.252.14"), one("UPSERT", "*.now."+name, "A", 10, "10.79.252.14")},
			"", []string{name + " A 10.79.252.14", `\052.now.` + name + " A 10.79.252.14"}},
		{"the same twice", []string{one("UPSERT", name, "A", 10, "10.0.0.1"), one("UPSERT", name, "A", 10, "10.0.0.2")},
			"The request contains an invalid set of changes for a resource record set 'A " + name + "'", []string{was}},
		{"another zone's name", []string{one("UPSERT", "www.example.com", "A", 10, "10.0.0.1")},
			"RRSet with DNS name www.example.com. is not permitted in zone " + apex, []string{was}},
		{"bad address", []string{one("UPSERT", name, "A", 10, "10.0.0")},
			"Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '10.0.0''", []string{was}},
		{"IPv4 as AAAA", []string{one("UPSERT", name, "AAAA", 10, "10.0.0.1")}, "AAAARRDATAIllegalIPv6Address", []string{was}},
		{"bad MX", []string{one("UPSERT", name, "MX", 10, "mail")}, "InvalidRData", []string{was}},
		{"bare TXT", []string{one("UPSERT", name, "TXT", 10, "x")}, "InvalidCharacterString (Value should be enclosed in quotation marks) encountered with 'x'", []string{was}},
		{"the same value twice", []string{one("UPSERT", name, "A", 10, "10.0.0.1", "10.0.0.1")}, "DuplicateResourceRecord", []string{was}},
		{"CNAME beside A", []string{one("CREATE", name, "CNAME", 10, "x."+apex)}, "conflicting RRSet of type A", []string{was}},
		{"CNAME at the apex", []string{one("CREATE", apex, "CNAME", 10, "x."+apex)}, "is not permitted at apex in zone", []string{was}},
		{"no SOA", []string{one("DELETE", apex, "SOA", 900, "ns-0.awsdns-00.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400")},
			"A HostedZone must contain exactly one SOA record.", []string{was}},
		{"empty label", []string{one("UPSERT", "a.."+apex, "A", 10, "10.0.0.1")}, "DomainLabelEmpty", []string{was}},
		{"weighted sets", []string{weighted("CREATE", "a", 1), weighted("CREATE", "b", 0)}, "", []string{was, "w." + apex + " A 10.0.0.1", "w." + apex + " A 10.0.0.1"}},
		{"weighted beside simple", []string{weighted("CREATE", "a", 1), one("CREATE", "w."+apex, "A", 10, "10.0.0.2")}, "different routing policy", []string{was}},
		{"the same weighted", []string{weighted("CREATE", "a", 1), weighted("CREATE", "a", 2)}, "", []string{was}},
		{"alias", []string{alias("UPSERT", "*.now."+name, strings.ToUpper(name))}, "", []string{was, `\052.now.` + name + " A"}},
		{"alias to nothing", []string{alias("UPSERT", "*.now."+name, "no."+apex)}, "but that target was not found", []string{was}},
		{"unknown action", []string{one("REPLACE", name, "A", 10, "10.0.0.1")}, "InvalidInput: ", []string{was}},
		{"unknown type", []string{one("UPSERT", name, "B", 10, "10.0.0.1")}, "InvalidInput: ", []string{was}},
		{"more than 32000 letters", long, "RDATA character limit of 32000 exceeded.", []string{was}},
		{"two targets of a CNAME", []string{one("CREATE", "c."+apex, "CNAME", 10, "a."+apex, "b."+apex)}, "MoreThanOneRecord", []string{was}},
		{"no change", nil, "InvalidInput: ", []string{was}},
		{"more than 1000 records", many, "Number of records limit of 1000 exceeded.", []string{was}},
		{"1000 records", many[:500], "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.title, func(t *testing.T) {
			s := newSite(t, Options{})
			if strings.HasPrefix(tt.failure, "InvalidInput") {
				s.api = s.Server // the model refuses the request as well
			}
			_, failure := s.change("ZPRIVATE", tt.changes...)
			if tt.title == "the same weighted" {
				tt.failure = "Tried to create resource record set [name='w." + apex + "', type='A', set-identifier='a'] but it already exists"
			}
			if !strings.Contains(failure, tt.failure) || tt.failure == "" && failure != "" {
				t.Errorf("change = %q, want %q", failure, tt.failure)
			}
			if got := s.list("ZPRIVATE", ""); tt.has != nil && !slices.Equal(got, tt.has) {
				t.Errorf("the zone has %q, want %q", got, tt.has)
			}
		})
	}
}

// What lacks an element, or has one too many, is refused before the zone is
// looked at, and says which.
func TestInvalidInput(t *testing.T) {
	const (
		values = "<ResourceRecords><ResourceRecord><Value>10.0.0.1</Value></ResourceRecord></ResourceRecords>"
		alias  = "<AliasTarget><HostedZoneId>ZPRIVATE</HostedZoneId><DNSName>" + name + "</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget>"
	)
	for elements, want := range map[string]string{
		"":                        "but found none in Change with [Action=UPSERT, Name=" + name + ", Type=A, SetIdentifier=null]",
		"<TTL>10</TTL>":           "Missing field 'ResourceRecords'",
		values:                    "Missing field 'TTL'",
		"<TTL>10</TTL>" + alias:   "but found more than one",
		"<TTL>-1</TTL>" + values:  "Value '-1' is not facet-valid",
		"<TTL>ten</TTL>" + values: "Invalid XML",
		"<TTL>10</TTL><Weight>1</Weight>" + values:               "Missing field 'SetIdentifier'",
		"<TTL>10</TTL><SetIdentifier>a</SetIdentifier>" + values: "Expected exactly one of [Weight, Region, Failover",
		"<TTL>10</TTL><Wait>1</Wait>" + values:                   "Invalid content was found starting with element 'Wait'",
	} {
		s := newSite(t, Options{})
		s.api = s.Server // the model refuses some of these as well
		_, got := s.change("ZPRIVATE", "<Change><Action>UPSERT</Action><ResourceRecordSet><Name>"+name+"</Name><Type>A</Type>"+elements+"</ResourceRecordSet></Change>")
		if !strings.HasPrefix(got, "InvalidInput: ") || !strings.Contains(got, want) {
			t.Errorf("a set with %q = %q, want InvalidInput: %s", elements, got, want)
		}
	}
}

func TestNoSuchZone(t *testing.T) {
	s := newSite(t, Options{})
	const want = "NoSuchHostedZone: No hosted zone found with ID: ZNONE"
	if _, got := s.change("ZNONE", one("UPSERT", name, "A", 10, "10.0.0.1")); got != want {
		t.Errorf("change = %s, want %s", got, want)
	}
	for _, path := range []string{"hostedzone/ZNONE", "hostedzone/ZNONE/rrset", "tags/hostedzone/ZNONE"} {
		if got := s.get(path, nil); got != want {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
}

func TestPriorRequestNotComplete(t *testing.T) {
	s := newSite(t, Options{Prepare: 2 * time.Second})
	s.add(Zone{ID: "ZOTHER", Name: "example.com"})
	if _, failure := s.change("ZPRIVATE", one("UPSERT", name, "A", 10, "10.0.0.1")); failure != "" {
		t.Fatal(failure)
	}
	const want = "PriorRequestNotComplete: The request was rejected because Route 53 was still processing a prior request."
	if _, got := s.change("ZPRIVATE", one("UPSERT", name, "A", 10, "10.0.0.2")); got != want {
		t.Errorf("second change = %s, want %s", got, want)
	}
	if _, got := s.change("ZOTHER", one("UPSERT", "www.example.com", "A", 10, "10.0.0.2")); got != "" {
		t.Errorf("another zone's change = %s, want none", got)
	}
	s.now = s.now.Add(2 * time.Second)
	if _, got := s.change("ZPRIVATE", one("UPSERT", name, "A", 10, "10.0.0.2")); got != "" {
		t.Errorf("change after 2 s = %s, want none", got)
	}
}

// A zone forgets what nobody can ask for any more.
func TestMemory(t *testing.T) {
	s := newSite(t, Options{Delays: []time.Duration{0, time.Minute}})
	for i := range 100 {
		s.now = s.now.Add(time.Minute)
		if _, failure := s.change("ZPRIVATE", one("UPSERT", name, "A", 10, fmt.Sprintf("10.0.0.%d", i))); failure != "" {
			t.Fatal(failure)
		}
	}
	if got := len(s.zone("ZPRIVATE").states); got > 14 {
		t.Errorf("the zone knows %d states, want those of 10 minutes", got)
	}
	for ago, want := range map[time.Duration]string{0: "A 10.0.0.99, NOERROR", 10 * time.Minute: "A 10.0.0.89, NOERROR"} {
		reply := s.Authority(vpcA).Lookup(0, name, dns.TypeA, ago)
		if got := said(reply); got != want {
			t.Errorf("%v ago: %s, want %s", ago, got, want)
		}
	}
}

// Whatever is sent, the reply is one that AWS's model knows, and the zone has
// what no zone can be without.
func FuzzChange(f *testing.F) {
	model := servicemodel.Load(f)
	const whole = `<ChangeResourceRecordSetsRequest xmlns="` + namespace + `"><ChangeBatch><Changes>%s</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`
	for _, seed := range []string{
		one("UPSERT", name, "A", 10, "10.0.0.1"), one("DELETE", name, "A", 10, "10.79.252.13") + one("CREATE", name, "TXT", 1<<31, `"\"`),
		one("DELETE", apex, "NS", 172800, nameServers...), "<Change/>", "<Change><Action>CREATE</Action><ResourceRecordSet><Weight>x</Weight></ResourceRecordSet></Change>",
		"<Change><Action>UPSERT</Action><ResourceRecordSet><Name>a." + apex + "</Name><Type>A</Type><AliasTarget><HostedZoneId>ZPRIVATE</HostedZoneId><DNSName>a." + apex + "</DNSName></AliasTarget></ResourceRecordSet></Change>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, changes string) {
		s := New(Options{Unsigned: true})
		if _, err := s.AddZone(Zone{ID: "ZPRIVATE", Name: apex, Records: []RecordSet{Simple(name, "A", 10, "10.79.252.13")}}); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/2013-04-01/hostedzone/ZPRIVATE/rrset", strings.NewReader(fmt.Sprintf(whole, changes)))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if problems := model.Reply(r.Method, r.URL, w.Code, w.Body.Bytes()); problems != nil {
			t.Errorf("the reply %s: %q", w.Body, problems)
		}
		for _, rrtype := range []uint16{dns.TypeSOA, dns.TypeNS} {
			if got := s.Authority("").Lookup(0, apex, rrtype, 0); len(got.Answer) == 0 {
				t.Errorf("the zone is without %s", dns.TypeToString[rrtype])
			}
		}
		s.Authority("").Lookup(0, "a."+apex, dns.TypeA, 0) // an alias of itself ends
	})
}
