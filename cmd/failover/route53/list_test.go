package route53

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestListRecordSets(t *testing.T) {
	s := newSite(t, Options{})
	for _, owner := range []string{"*.now.myservice", "b", "a.b", "B-1", "*", "a!b", "z"} {
		if err := s.Put("ZPRIVATE", Simple(owner+"."+apex, "A", 10, "10.0.0.1")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Put("ZPRIVATE", Simple("b."+apex, "TXT", 10, `"x"`), Simple(apex, "A", 10, "10.0.0.2")); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b", "c"} {
		if err := s.Put("ZPRIVATE", routed(id, "10.0.0.1", func(r *RecordSet) { r.Weight = ptr(int64(1)) })); err != nil {
			t.Fatal(err)
		}
	}
	// The dot after each label decides: '*' < '.', and '-' < '.', too.
	all := []string{
		apex + " A", apex + " NS", apex + " SOA", `\052.` + apex + " A", `a\041b.` + apex + " A",
		"b-1." + apex + " A", "b." + apex + " A", "b." + apex + " TXT", "a.b." + apex + " A",
		name + " A", `\052.now.` + name + " A",
		"routed." + apex + " A a", "routed." + apex + " A b", "routed." + apex + " A c", "z." + apex + " A",
	}
	if got := s.pages(t, "300"); !slices.Equal(got, all) {
		t.Errorf("the list is\n%q, want\n%q", got, all)
	}
	for _, size := range []string{"1", "2", "5", "11"} {
		if got := s.pages(t, size); !slices.Equal(got, all) {
			t.Errorf("in pages of %s the list is\n%q, want\n%q", size, got, all)
		}
	}
	for query, want := range map[string]string{
		"?name=" + name: name + " A 10.79.252.13", "?name=MYSERVICE." + strings.TrimSuffix(apex, "."): name + " A 10.79.252.13",
		"?name=" + url.QueryEscape("*.now."+name): `\052.now.` + name + " A 10.0.0.1", "?name=" + url.QueryEscape(`\052.now.`+name): `\052.now.` + name + " A 10.0.0.1",
		"?name=b." + apex + "&type=TXT": "b." + apex + ` TXT "x"`, "?name=b." + apex + "&type=MX": "b." + apex + ` TXT "x"`, "?name=c." + apex: name + " A 10.79.252.13",
	} {
		if got := s.list("ZPRIVATE", query+"&maxitems=1"); len(got) != 1 || got[0] != want {
			t.Errorf("list from %s = %q, want %q", query, got, want)
		}
	}
	if got := s.list("ZPRIVATE", "?name=zz."+apex); len(got) != 0 {
		t.Errorf("list from behind the last = %q, want none", got)
	}
}

// pages reads the whole list, in pages of that size.
func (s *site) pages(t *testing.T, size string) []string {
	t.Helper()
	var all []string
	for query := ""; ; {
		var page struct {
			Sets                                                 []RecordSet `xml:"ResourceRecordSets>ResourceRecordSet"`
			IsTruncated                                          bool
			NextRecordName, NextRecordType, NextRecordIdentifier string
		}
		if failure := s.get("hostedzone/ZPRIVATE/rrset?maxitems="+size+query, &page); failure != "" {
			t.Fatal(failure)
		}
		for _, r := range page.Sets {
			all = append(all, strings.TrimSpace(r.Name+" "+r.Type+" "+r.SetIdentifier))
		}
		if !page.IsTruncated {
			return all
		}
		query = fmt.Sprintf("&name=%s&type=%s", url.QueryEscape(page.NextRecordName), page.NextRecordType)
		if page.NextRecordIdentifier != "" {
			query += "&identifier=" + page.NextRecordIdentifier
		}
	}
}

func TestListRefusesBadStarts(t *testing.T) {
	s := newSite(t, Options{})
	s.api = s.Server // the model refuses most of these as well
	for _, query := range []string{"?type=A", "?name=" + name + "&identifier=a", "?name=" + name + "&type=NONE", "?name=a..b", "?maxitems=0", "?maxitems=x"} {
		if got := s.get("hostedzone/ZPRIVATE/rrset"+query, nil); !strings.HasPrefix(got, "InvalidInput: ") {
			t.Errorf("list%s = %q, want InvalidInput", query, got)
		}
	}
}

func TestZoneListsRefuseBadQueries(t *testing.T) {
	s := newSite(t, Options{})
	s.api = s.Server // the model refuses some of these as well
	for path, want := range map[string]string{
		"hostedzone?maxitems=-1": "InvalidInput", "hostedzone?marker=ZNONE": "InvalidInput", "hostedzonesbyname?maxitems=x": "InvalidInput",
		"hostedzonesbyname?dnsname=a..b": "InvalidDomainName", "hostedzonesbyvpc?vpcid=vpc-1": "InvalidInput", "hostedzonesbyvpc?vpcregion=us-east-1": "InvalidInput",
		"hostedzonesbyvpc?vpcid=v&vpcregion=r&maxitems=0": "InvalidInput", "hostedzonesbyvpc?vpcid=v&vpcregion=r&nexttoken=x": "InvalidPaginationToken",
	} {
		if got := s.get(path, nil); !strings.HasPrefix(got, want+": ") {
			t.Errorf("%s = %q, want %s", path, got, want)
		}
	}
}

// zoneSite has private and public zones of one name, and others around them.
func zoneSite(t *testing.T) *site {
	s := newSite(t, Options{})
	s.add(Zone{ID: "ZPUBLIC", Name: apex, Comment: "not this one", Tags: map[string]string{"stage": "live", "owner": "net"}})
	s.add(Zone{ID: "ZOTHERVPC", Name: apex, VPCs: []VPC{{"us-east-1", "vpc-other"}}})
	s.add(Zone{ID: "ZABOVE", Name: "mycompany.corp", VPCs: []VPC{{"eu-central-1", vpcA}, {"us-east-1", "vpc-other"}}})
	s.add(Zone{ID: "ZBELOW", Name: "a." + apex})
	s.add(Zone{ID: "ZCOM", Name: "example.com"})
	return s
}

type zoneList struct {
	Zones []struct {
		Id, Name string
		Config   struct{ PrivateZone bool }
	} `xml:"HostedZones>HostedZone"`
	Summaries                                            []struct{ HostedZoneId string } `xml:"HostedZoneSummaries>HostedZoneSummary"`
	IsTruncated                                          bool
	NextMarker, NextDNSName, NextHostedZoneId, NextToken string
}

// ids are the zones, "!" behind private ones.
func (l zoneList) ids() string {
	var ids []string
	for _, z := range l.Zones {
		mark := ""
		if z.Config.PrivateZone {
			mark = "!"
		}
		ids = append(ids, strings.TrimPrefix(z.Id, "/hostedzone/")+mark)
	}
	for _, z := range l.Summaries {
		ids = append(ids, z.HostedZoneId)
	}
	return strings.Join(ids, " ")
}

func TestListZones(t *testing.T) {
	s := zoneSite(t)
	for _, tt := range []struct{ path, want string }{
		{"hostedzone", "ZPRIVATE! ZPUBLIC ZOTHERVPC! ZABOVE! ZBELOW ZCOM"},
		{"hostedzonesbyname", "ZCOM ZABOVE! ZOTHERVPC! ZPRIVATE! ZPUBLIC ZBELOW"},
		{"hostedzonesbyname?dnsname=" + apex, "ZOTHERVPC! ZPRIVATE! ZPUBLIC ZBELOW"},
		{"hostedzonesbyname?dnsname=awslab.mycompany.corp&hostedzoneid=ZPUBLIC", "ZPUBLIC ZBELOW"},
		{"hostedzonesbyname?dnsname=zz.corp", ""},
		{"hostedzonesbyvpc?vpcid=" + vpcA + "&vpcregion=eu-central-1", "ZPRIVATE ZABOVE"},
		{"hostedzonesbyvpc?vpcid=vpc-other&vpcregion=us-east-1", "ZOTHERVPC ZABOVE"},
		{"hostedzonesbyvpc?vpcid=vpc-other&vpcregion=us-east-2", ""},
	} {
		var list zoneList
		if failure := s.get(tt.path, &list); failure != "" || list.ids() != tt.want {
			t.Errorf("%s = %s %q, want %q", tt.path, failure, list.ids(), tt.want)
		}
	}
}

func TestZonePages(t *testing.T) {
	s := zoneSite(t)
	next := map[string]func(zoneList) string{
		"hostedzone?":        func(l zoneList) string { return "&marker=" + l.NextMarker },
		"hostedzonesbyname?": func(l zoneList) string { return "&dnsname=" + l.NextDNSName + "&hostedzoneid=" + l.NextHostedZoneId },
		"hostedzonesbyvpc?vpcregion=eu-central-1&vpcid=" + vpcA + "&": func(l zoneList) string { return "&nexttoken=" + l.NextToken },
	}
	for path, next := range next {
		var whole zoneList
		s.get(path, &whole)
		var ids []string
		for query := ""; ; {
			var page zoneList
			if failure := s.get(path+"maxitems=1"+query, &page); failure != "" {
				t.Fatalf("%s: %s", path+query, failure)
			}
			ids = append(ids, page.ids())
			if !page.IsTruncated && page.NextToken == "" {
				break
			}
			query = next(page)
		}
		if got := strings.Join(ids, " "); got != whole.ids() {
			t.Errorf("%s in pages = %q, want %q", path, got, whole.ids())
		}
	}
}

func TestGetZone(t *testing.T) {
	s := zoneSite(t)
	type reply struct {
		HostedZone struct {
			Name, Id               string
			ResourceRecordSetCount int
		}
		VPCs  []VPC    `xml:"VPCs>VPC"`
		Hosts []string `xml:"DelegationSet>NameServers>NameServer"`
	}
	var private, public reply
	s.get("hostedzone/ZABOVE", &private)
	s.get("hostedzone/ZPUBLIC", &public)
	if private.HostedZone.Name != "mycompany.corp." || len(private.VPCs) != 2 || private.VPCs[1].VPCId != "vpc-other" || len(private.Hosts) != 0 {
		t.Errorf("the private zone is %+v", private)
	}
	if public.HostedZone.Id != "/hostedzone/ZPUBLIC" || public.HostedZone.ResourceRecordSetCount != 2 || len(public.VPCs) != 0 || len(public.Hosts) != 4 {
		t.Errorf("the public zone is %+v", public)
	}
	var tags struct {
		Tags []tag `xml:"ResourceTagSet>Tags>Tag"`
	}
	s.get("tags/hostedzone/ZPUBLIC", &tags)
	if want := []tag{{"owner", "net"}, {"stage", "live"}}; !slices.Equal(tags.Tags, want) {
		t.Errorf("its tags are %v, want %v", tags.Tags, want)
	}
}

func TestBadZones(t *testing.T) {
	for _, z := range []Zone{{Name: ""}, {Name: "a..b"}, {Name: "example.com", Records: []RecordSet{Simple("www.example.org", "A", 1, "10.0.0.1")}}} {
		if id, err := New(Options{}).AddZone(z); err == nil {
			t.Errorf("AddZone(%+v) = %s, want an error", z, id)
		}
	}
	s := newSite(t, Options{})
	if id, err := s.AddZone(Zone{ID: "ZPRIVATE", Name: "example.com"}); err == nil {
		t.Errorf("AddZone with an ID that is taken = %s, want an error", id)
	}
	if err := New(Options{}).Put("ZNONE"); err == nil {
		t.Error("Put into no zone = nil, want an error")
	}
}
