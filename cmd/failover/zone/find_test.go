package zone

import (
	"fmt"
	"strings"
	"testing"

	"vpcdns/cmd/failover/route53"
)

func private(id, name string, vpcs ...string) route53.Zone {
	z := route53.Zone{ID: id, Name: name, Comment: "comment of " + id}
	for _, v := range vpcs {
		z.VPCs = append(z.VPCs, route53.VPC{VPCRegion: "eu-central-1", VPCId: v})
	}
	return z
}

func TestFind(t *testing.T) {
	a := newAccount(t, route53.Options{})
	for _, z := range []route53.Zone{
		{ID: "ZPUBLIC", Name: apex},
		{ID: "ZONLYPUBLIC", Name: "public.corp"},
		private("ZCHILD", "deep."+apex, vpcA),
		private("ZSISTER", "other.mycompany.corp", vpcA),
		private("ZTWIN1", "twin.corp", "vpc-1"),
		private("ZTWIN2", "twin.corp", "vpc-2"),
		private("ZTOP", "corp", "vpc-top"),
	} {
		a.add(z)
	}
	for _, tt := range []struct {
		s    Settings
		want string // an ID, or what the refusal says
	}{
		{Settings{ID: "ZPUBLIC"}, "ZPUBLIC"},
		{Settings{ID: "/hostedzone/ZPRIVATE"}, "ZPRIVATE"},
		{Settings{ID: "ZPRIVATE", VPC: vpcA}, "ZPRIVATE"},
		{Settings{ID: "ZPRIVATE", VPC: "vpc-9"}, "does not belong to vpc-9, but to " + vpcA},
		{Settings{ID: "ZGONE", VPC: "vpc-9"}, "no such zone"},
		{Settings{ID: "../change"}, "no ID of a zone"},
		{Settings{ID: "no id"}, "no ID of a zone"},
		{Settings{Zone: apex}, "ZPRIVATE"},
		{Settings{Zone: "AWSLAB.mycompany.corp."}, "ZPRIVATE"},
		{Settings{Zone: apex, VPC: vpcA}, "ZPRIVATE"},
		{Settings{Zone: apex, VPC: "vpc-9"}, "in vpc-9; zone ZPRIVATE is of another VPC"},
		{Settings{Zone: "public.corp"}, "a public one, ZONLYPUBLIC"},
		{Settings{Zone: "nowhere.corp"}, "no private zone named nowhere.corp"},
		{Settings{Zone: "a..b"}, "no name"},
		{Settings{Zone: "twin.corp"}, "ZTWIN2  vpc-2  comment of ZTWIN2"},
		{Settings{Zone: "twin.corp", VPC: "vpc-2"}, "ZTWIN2"},
		{Settings{Record: owner}, "ZPRIVATE"},
		{Settings{Record: "a.b.deep." + apex}, "ZCHILD"},
		{Settings{Record: "xdeep." + apex}, "ZPRIVATE"},
		{Settings{Record: "*." + apex}, "ZPRIVATE"},
		{Settings{Record: "app.twin.corp", VPC: "vpc-1"}, "ZTWIN1"},
		{Settings{Record: "app.twin.corp", VPC: "vpc-top"}, "ZTOP"},
		{Settings{Record: "app.elsewhere.example"}, "no private zone that app.elsewhere.example belongs to"},
		{Settings{}, "no zone is named"},
	} {
		z, err := a.open(tt.s)
		switch {
		case err != nil:
			wants(t, err, ErrRefused, tt.want)
		case z.ID != tt.want:
			t.Errorf("Open(%+v) = %s, want %s", tt.s, z, tt.want)
		}
	}
}

// A long list comes in pages.
func TestFindAmongMany(t *testing.T) {
	a := newAccount(t, route53.Options{})
	for i := range 230 {
		a.add(private(fmt.Sprintf("ZMANY%03d", i), fmt.Sprintf("z%03d.corp", i), vpcA))
	}
	if z, err := a.open(Settings{Record: "app.z229.corp"}); err != nil || z.ID != "ZMANY229" {
		t.Errorf("Open = %v, %v", z, err)
	}
	if n := a.sent("ListHostedZonesByName"); n < 2 || n > 3 {
		t.Errorf("%d lists were asked for, want 3 pages at most", n)
	}
	if z, err := a.open(Settings{Zone: "z000.corp"}); err != nil || z.ID != "ZMANY000" {
		t.Errorf("Open = %v, %v", z, err)
	}
}

// Who may not list zones is told of the way without.
func TestFindIsDenied(t *testing.T) {
	a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
	a.Break(route53.Fault{Action: "ListHostedZonesByName", Code: "AccessDenied"})
	_, err := a.open(Settings{Zone: apex})
	wants(t, err, ErrAPI, "AWS denies it", "--zone-id")
	if n := len(a.Requests("ListHostedZonesByName")); n != 1 || len(a.told) > 0 {
		t.Errorf("it was asked %d times, told %v; want once", n, a.told)
	}
	if _, err := a.open(Settings{ID: "ZPRIVATE"}); err != nil {
		t.Errorf("Open by ID = %v", err)
	}
}

func TestZoneString(t *testing.T) {
	a := newAccount(t, route53.Options{})
	z, err := a.open(Settings{Zone: apex})
	if err != nil || z.String() != "zone "+apex+" (ZPRIVATE)" || !strings.HasPrefix(a.byID().String(), "zone ZPRIVATE") {
		t.Errorf("zones %v and %v, %v", z, a.byID(), err)
	}
}
