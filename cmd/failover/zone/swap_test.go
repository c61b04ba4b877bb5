package zone

import (
	"slices"
	"strings"
	"testing"

	"vpcdns/cmd/failover/route53"
)

func swapTo(to, from string) Change {
	return Change{Name: owner, Addresses: parse([]string{to}), From: parse([]string{from}), TTL: 10, ProbeLabel: "now"}
}

func TestCompareAndSwap(t *testing.T) {
	a := newAccount(t, route53.Options{}, route53.Simple(owner, "A", 60, "10.0.0.1"))
	z := a.byID()
	if r, err := z.Switch(t.Context(), swapTo("10.0.0.2", "10.0.0.1")); err != nil || r.ChangeID == "" {
		t.Errorf("Switch = %+v, %v", r, err)
	}
	_, err := z.Switch(t.Context(), swapTo("10.0.0.3", "10.0.0.1"))
	wants(t, err, ErrRefused, owner, "has 10.0.0.2, and not 10.0.0.1")
	r, err := z.Switch(t.Context(), swapTo("10.0.0.2", "10.0.0.1"))
	if err != nil || !r.Already {
		t.Errorf("Switch to what it has = %+v, %v", r, err)
	}
	if got := a.addresses(owner, "A"); !slices.Equal(got, []string{"10.0.0.2"}) || a.sent("ChangeResourceRecordSets") != 1 {
		t.Errorf("the zone has %v after %d changes", got, a.sent("ChangeResourceRecordSets"))
	}
	none := swapTo("10.0.0.2", "10.0.0.1")
	none.Name = "none." + apex
	_, err = z.Switch(t.Context(), none)
	wants(t, err, ErrRefused, "has no A record")
}

// Addresses are compared as sets, and IPv6 ones in any spelling.
func TestCompareIsOfSets(t *testing.T) {
	a := newAccount(t, route53.Options{}, simple("10.0.0.2", "10.0.0.1"), route53.Simple(owner, "AAAA", 10, "2001:DB8:0::1"))
	for _, c := range []Change{
		{Name: owner, Addresses: parse([]string{"10.0.0.9"}), From: parse([]string{"10.0.0.1", "10.0.0.2"}), TTL: 10},
		{Name: owner, Addresses: parse([]string{"2001:db8::9"}), From: parse([]string{"2001:db8::1"}), TTL: 10},
	} {
		if r, err := a.byID().Switch(t.Context(), c); err != nil || r.ChangeID == "" {
			t.Errorf("Switch = %+v, %v", r, err)
		}
	}
}

// The TTL changed between reading and changing: the values are the same, so it is
// tried once more. With another address it is refused.
func TestSwapIsTriedOnceMore(t *testing.T) {
	a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
	a.Break(route53.Fault{Action: "ChangeResourceRecordSets", Code: "InvalidChangeBatch", Times: 1})
	r, err := a.byID().Switch(t.Context(), swapTo("10.0.0.2", "10.0.0.1"))
	if err != nil || r.ChangeID == "" || a.sent("ListResourceRecordSets") < 2 {
		t.Errorf("Switch = %+v, %v", r, err)
	}
	a.Break(route53.Fault{Action: "ChangeResourceRecordSets", Code: "InvalidChangeBatch"})
	_, err = a.byID().Switch(t.Context(), swapTo("10.0.0.3", "10.0.0.2"))
	wants(t, err, ErrRefused, "changing "+owner)
	if n := a.sent("ChangeResourceRecordSets"); n != 4 {
		t.Errorf("%d changes were sent, want two for each", n)
	}
}

// The change is made, its reply is lost, and it is asked for again: Route 53 refuses
// the second, and the record is right.
func TestLostReplyOfASwap(t *testing.T) {
	for _, wrap := range []bool{false, true} {
		a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
		a.Break(route53.Fault{Action: "ChangeResourceRecordSets", Half: true, Done: true, Times: 1, Wrap: wrap})
		r, err := a.byID().Switch(t.Context(), swapTo("10.0.0.2", "10.0.0.1"))
		if err != nil || !r.Already || !strings.Contains(strings.Join(r.Warnings, " "), "reply to our request was lost") {
			t.Errorf("Switch = %+v, %v", r, err)
		}
		if got := a.addresses(owner, "A"); !slices.Equal(got, []string{"10.0.0.2"}) {
			t.Errorf("the zone has %v", got)
		}
	}
}

func TestDelete(t *testing.T) {
	probe := "*.now." + owner
	a := newAccount(t, route53.Options{}, simple("10.0.0.1"), route53.Simple(probe, "A", 10, "10.0.0.1"))
	gone := Change{Name: owner, From: parse([]string{"10.0.0.1"}), ProbeLabel: "now"}
	if r, err := a.byID().Switch(t.Context(), gone); err != nil || r.ChangeID == "" {
		t.Errorf("Switch = %+v, %v", r, err)
	}
	if got := append(a.addresses(owner, "A"), a.addresses(probe, "A")...); got != nil {
		t.Errorf("the zone has %v, want neither record", got)
	}
	if r, err := a.byID().Switch(t.Context(), gone); err != nil || !r.Already {
		t.Errorf("the second Switch = %+v, %v", r, err)
	}
}

func TestProbeFollows(t *testing.T) {
	probe := "*.now." + owner
	own := func(v ...string) route53.RecordSet { return route53.Simple(probe, "A", 5, v...) }
	weighted := own("10.0.0.1")
	weighted.SetIdentifier, weighted.Weight = "blue", new(int64)
	for _, tt := range []struct {
		name  string
		probe route53.RecordSet
		want  string // the probe's value then, "" is not looked at
		warns string
	}{
		{"of the old address", own("10.0.0.1"), "10.0.0.2", ""},
		{"of the new address", own("10.0.0.2"), "10.0.0.2", ""},
		{"of another address", own("10.0.0.9"), "10.0.0.9", "has 10.0.0.9, which " + owner + " did not have"},
		{"alias", route53.Alias(probe, "A", "ZPRIVATE", owner), "", ""},
		{"weighted", weighted, "", "weighted"},
		{"of another type", route53.Simple(probe, "TXT", 5, `"x"`), "", ""},
	} {
		a := newAccount(t, route53.Options{}, simple("10.0.0.1"), tt.probe)
		r, err := a.byID().Switch(t.Context(), to("10.0.0.2"))
		if warned := strings.Join(r.Warnings, "\n"); err != nil || !strings.Contains(warned, tt.warns) || tt.warns == "" && warned != "" {
			t.Errorf("%s: Switch = %+v, %v, want the warning %q", tt.name, r, err, tt.warns)
		}
		if a.sent("ChangeResourceRecordSets") != 1 {
			t.Errorf("%s: %d changes, want one", tt.name, a.sent("ChangeResourceRecordSets"))
		}
		if tt.want == "" {
			continue
		}
		if got := a.addresses(probe, "A"); !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s: the probe has %v, want %s", tt.name, got, tt.want)
		}
	}
}

// Label and swap hold for the probe too; many names between it and the name do not hide it.
func TestProbeOfAnotherLabel(t *testing.T) {
	records := []route53.RecordSet{simple("10.0.0.1"), route53.Simple("*.jetzt."+owner, "A", 10, "10.0.0.1"), route53.Simple("*.now."+owner, "A", 10, "10.0.0.1")}
	for _, label := range strings.Split(strings.Repeat("a", 120), "") {
		records = append(records, route53.Simple(label+strings.Repeat("b", len(records)%60)+strings.Repeat("c", len(records)/60)+"."+owner, "A", 10, "10.0.0.7"))
	}
	a := newAccount(t, route53.Options{}, records...)
	c := swapTo("10.0.0.2", "10.0.0.1")
	c.ProbeLabel = "jetzt"
	if r, err := a.byID().Switch(t.Context(), c); err != nil || len(r.Warnings) > 0 {
		t.Errorf("Switch = %+v, %v", r, err)
	}
	if got, now := a.addresses("*.jetzt."+owner, "A"), a.addresses("*.now."+owner, "A"); !slices.Equal(got, []string{"10.0.0.2"}) || !slices.Equal(now, []string{"10.0.0.1"}) {
		t.Errorf("*.jetzt has %v, *.now %v", got, now)
	}
}

// What the record has beside its values stays, as AWS itself would keep it.
func TestHealthCheckStays(t *testing.T) {
	s := simple("10.0.0.1")
	s.HealthCheckId = "abcdef11-2222-3333-4444-555555fedcba"
	a := newAccount(t, route53.Options{}, s)
	c := to("10.0.0.2")
	c.DryRun = true
	if r, err := a.byID().Switch(t.Context(), c); err != nil || !strings.Contains(r.Batch, s.HealthCheckId) {
		t.Errorf("Switch = %+v, %v", r, err)
	}
}
