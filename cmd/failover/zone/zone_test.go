package zone

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vpcdns/cmd/failover/route53"
	"vpcdns/cmd/failover/route53/servicemodel"
)

const (
	apex  = "awslab.mycompany.corp"
	owner = "myservice.awslab.mycompany.corp"
	vpcA  = "vpc-0a1b2c3d"
)

// account is a stand-in for Route 53, which the SDK finds by the environment, and
// whose requests and replies are held against AWS's model.
type account struct {
	*route53.Server
	t  *testing.T
	mu sync.Mutex
	// told are the lines of Settings.Tell.
	told []string
}

func newAccount(t *testing.T, o route53.Options, records ...route53.RecordSet) *account {
	t.Helper()
	if o.Wrap == nil {
		model := servicemodel.Load(t)
		o.Wrap = func(h http.Handler) http.Handler { return model.Watch(t, h) }
	}
	a := &account{Server: route53.New(o), t: t}
	t.Cleanup(func() { _ = a.Close() })
	url, err := a.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	environment(t, map[string]string{"AWS_ENDPOINT_URL_ROUTE_53": url, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"})
	a.add(route53.Zone{ID: "ZPRIVATE", Name: apex, Comment: "the laboratory", VPCs: []route53.VPC{{VPCRegion: "eu-central-1", VPCId: vpcA}}, Records: records})
	return a
}

// environment is all that the SDK may find: nothing of the machine's own.
func environment(t *testing.T, vars map[string]string) {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_PROFILE": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_ROUTE_53": "",
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "HTTPS_PROXY": "", "HTTP_PROXY": "",
	} {
		t.Setenv(name, value)
	}
	for name, value := range vars {
		t.Setenv(name, value)
	}
}

func (a *account) add(z route53.Zone) {
	a.t.Helper()
	if _, err := a.AddZone(z); err != nil {
		a.t.Fatal(err)
	}
}

func (a *account) tell(line string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, line)
}

func (a *account) open(s Settings) (*Zone, error) {
	s.Tell = a.tell
	return Open(a.t.Context(), s)
}

func (a *account) byID() *Zone {
	a.t.Helper()
	z, err := a.open(Settings{ID: "ZPRIVATE"})
	if err != nil {
		a.t.Fatal(err)
	}
	return z
}

// addresses are what the zone has for a name, by our own reading.
func (a *account) addresses(name, rtype string) []string {
	a.t.Helper()
	r, err := a.byID().Read(a.t.Context(), name, rtype)
	if err != nil {
		a.t.Fatal(err)
	}
	return r.Values
}

// sent counts the requests of an action; "" is all.
func (a *account) sent(action string) int { return len(a.Requests(action)) }

func to(addresses ...string) Change {
	return Change{Name: owner, Addresses: parse(addresses), TTL: 10, ProbeLabel: "now"}
}

func parse(list []string) (addrs []netip.Addr) {
	for _, s := range list {
		addrs = append(addrs, netip.MustParseAddr(s))
	}
	return addrs
}

func simple(values ...string) route53.RecordSet { return route53.Simple(owner, "A", 10, values...) }

// wants fails unless the error is of the kind and says all these.
func wants(t *testing.T, err, kind error, texts ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error %v, want one of the kind %v", err, kind)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}

func TestSwitch(t *testing.T) {
	a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
	z, err := a.open(Settings{Zone: apex})
	if err != nil {
		t.Fatal(err)
	}
	r, err := z.Switch(t.Context(), to("10.0.0.2"))
	if err != nil || r.ChangeID == "" || r.Already || r.SubmittedAt.IsZero() || !slices.Equal(r.Old.Values, []string{"10.0.0.1"}) || len(r.Warnings) > 0 {
		t.Errorf("Switch = %+v, %v", r, err)
	}
	if got := a.addresses(owner, "A"); !slices.Equal(got, []string{"10.0.0.2"}) {
		t.Errorf("the zone has %v", got)
	}
	if err := z.Wait(t.Context(), r.ChangeID, nil); err != nil {
		t.Errorf("Wait = %v", err)
	}
	again, err := z.Switch(t.Context(), to("10.0.0.2"))
	if err != nil || !again.Already || again.ChangeID != "" || a.sent("ChangeResourceRecordSets") != 1 {
		t.Errorf("the second Switch = %+v, %v after %d changes, want none", again, err, a.sent("ChangeResourceRecordSets"))
	}
}

// Names are compared as DNS does, and escapes are those of Route 53.
func TestSwitchOfOddNames(t *testing.T) {
	a := newAccount(t, route53.Options{}, simple("10.0.0.1"), route53.Simple("*.wild."+apex, "A", 10, "10.0.0.1"))
	for _, name := range []string{"MyService.AWSlab.mycompany.corp.", "*.wild." + apex, `\052.wild.` + apex + "."} {
		c := to("10.0.0.1")
		c.Name = name
		if r, err := a.byID().Switch(t.Context(), c); err != nil || !r.Already {
			t.Errorf("Switch of %s = %+v, %v, want already right", name, r, err)
		}
	}
	wild := to("10.0.0.2")
	wild.Name = "*.wild." + apex
	if r, err := a.byID().Switch(t.Context(), wild); err != nil || r.New.Name != wild.Name {
		t.Errorf("Switch of a wildcard = %+v, %v", r, err)
	}
	if got := a.addresses(`\052.wild.`+apex, "A"); !slices.Equal(got, []string{"10.0.0.2"}) {
		t.Errorf("the wildcard has %v", got)
	}
}

func TestCanonical(t *testing.T) {
	for name, want := range map[string]string{
		"App.Example.com":                      "app.example.com.",
		"app.example.com.":                     "app.example.com.",
		"*.example.com":                        `\052.example.com.`,
		`\052.example.com`:                     `\052.example.com.`,
		`\*.example.com`:                       `\052.example.com.`,
		"0/25.2.0.192.in-addr":                 `0\05725.2.0.192.in-addr.`,
		`a\.b.example`:                         `a\056b.example.`,
		"xn--bcher-kva.test":                   "xn--bcher-kva.test.",
		"_sip._udp.test":                       "_sip._udp.test.",
		"bücher.test":                          "",
		"":                                     "",
		".":                                    "",
		"a..b":                                 "",
		`a\`:                                   "",
		`a\05`:                                 "",
		`a\999.b`:                              "",
		strings.Repeat("a", 64) + ".test":      "",
		strings.Repeat("abcdefg.", 32) + "com": "",
	} {
		got, err := canonical(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("canonical(%q) = %q, %v, want %q", name, got, err, want)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, name := range []string{"a.b", `\052.b`, `a\.b.`, "*"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		first, err := canonical(name)
		if err != nil {
			return
		}
		if second, err := canonical(shown(first)); err != nil || second != first {
			t.Errorf("canonical(%q) = %q, and of that %q, %v", name, first, second, err)
		}
	})
}

func TestKindsAreRefused(t *testing.T) {
	one := int64(1)
	yes := true
	set := func(change func(*route53.RecordSet)) route53.RecordSet {
		s := simple("10.0.0.1")
		s.SetIdentifier = "blue"
		change(&s)
		return s
	}
	for kind, s := range map[string]route53.RecordSet{
		"weighted": set(func(s *route53.RecordSet) { s.Weight = &one }),
		"failover": set(func(s *route53.RecordSet) {
			s.Failover = "PRIMARY"
			s.HealthCheckId = "abcdef11-2222-3333-4444-555555fedcba"
		}),
		"latency":     set(func(s *route53.RecordSet) { s.Region = "eu-central-1" }),
		"geolocation": set(func(s *route53.RecordSet) { s.GeoLocation = &route53.GeoLocation{CountryCode: "DE"} }),
		"multivalue":  set(func(s *route53.RecordSet) { s.MultiValueAnswer = &yes }),
		"alias":       route53.Alias(owner, "A", "ZPRIVATE", "other."+apex),
	} {
		a := newAccount(t, route53.Options{}, route53.Simple("other."+apex, "A", 10, "10.0.0.9"), s)
		_, err := a.byID().Switch(t.Context(), to("10.0.0.2"))
		wants(t, err, ErrRefused, kind, owner)
		if n := a.sent("ChangeResourceRecordSets"); n != 0 || MayHaveChanged(err) {
			t.Errorf("%s: %d changes were sent, may have changed: %v", kind, n, MayHaveChanged(err))
		}
	}
	a := newAccount(t, route53.Options{}, route53.Simple(owner, "CNAME", 10, "b."+apex))
	_, err := a.byID().Switch(t.Context(), to("10.0.0.2"))
	wants(t, err, ErrRefused, "CNAME of b."+apex)
}

func TestUselessChangesAreRefused(t *testing.T) {
	a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
	z := a.byID()
	for text, c := range map[string]Change{
		"no address":              {Name: owner},
		"records of their own":    to("10.0.0.1", "2001:db8::1"),
		"no address of a machine": to("0.0.0.0"),
		"can have":                to("fe80::1%eth0"),
		"no name":                 {Name: "a..b", Addresses: parse([]string{"10.0.0.1"})},
		"at most":                 {Name: owner, Addresses: parse([]string{"10.0.0.1"}), TTL: 1 << 31},
	} {
		_, err := z.Switch(t.Context(), c)
		wants(t, err, ErrRefused, text)
	}
	if n := a.sent(""); n != 0 {
		t.Errorf("%d requests were sent, want none", n)
	}
	gone, err := a.open(Settings{ID: "ZGONE"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = gone.Switch(t.Context(), to("10.0.0.2"))
	wants(t, err, ErrRefused, "no such zone", "ZGONE")
	named, err := a.open(Settings{Zone: apex})
	if err != nil {
		t.Fatal(err)
	}
	c := to("10.0.0.2")
	c.Name = "app.elsewhere.corp"
	_, err = named.Switch(t.Context(), c)
	wants(t, err, ErrRefused, "is not in zone "+apex)
	_, err = z.Switch(t.Context(), c) // whose name it does not know: Route 53 says it
	wants(t, err, ErrRefused, "AWS refuses it", "app.elsewhere.corp")
}

func TestWarnings(t *testing.T) {
	older := func(h http.Handler) http.Handler { return h } // a model may know no HTTPS yet
	a := newAccount(t, route53.Options{Wrap: older},
		route53.Simple(owner, "A", 300, "10.0.0.1"), route53.Simple(owner, "AAAA", 300, "2001:db8::1"),
		route53.Simple(owner, "HTTPS", 300, "1 . ipv4hint=10.0.0.1"))
	r, err := a.byID().Switch(t.Context(), to("10.0.0.2"))
	if all := strings.Join(r.Warnings, "\n"); err != nil || !strings.Contains(all, "AAAA") || !strings.Contains(all, "HTTPS") || !strings.Contains(all, "TTL of 300 s") {
		t.Errorf("Switch = %v, with the warnings\n%s", err, all)
	}
	c := to("10.0.0.2")
	c.Name = "typo." + apex
	r, err = a.byID().Switch(t.Context(), c)
	if err != nil || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "had no A record") {
		t.Errorf("Switch of a new name = %+v, %v", r, err)
	}
}

func TestDryRun(t *testing.T) {
	a := newAccount(t, route53.Options{}, simple("10.0.0.1"))
	c := to("10.0.0.2")
	c.DryRun = true
	r, err := a.byID().Switch(t.Context(), c)
	if err != nil || r.ChangeID != "" || a.sent("ChangeResourceRecordSets") != 0 {
		t.Errorf("Switch = %+v, %v, and %d changes", r, err, a.sent("ChangeResourceRecordSets"))
	}
	read, err := ReadBatch(r.Batch) // what it says can be given to us, and so to aws
	if err != nil || read.Name != owner || !slices.Equal(read.Addresses, c.Addresses) || read.TTL != 10 {
		t.Errorf("ReadBatch of %s = %+v, %v", r.Batch, read, err)
	}
}

// A change is PENDING until all servers have it.
func TestWait(t *testing.T) {
	a := newAccount(t, route53.Options{Delays: []time.Duration{time.Millisecond, 2 * time.Second}}, simple("10.0.0.1"))
	r, err := a.byID().Switch(t.Context(), to("10.0.0.2"))
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	if err := a.byID().Wait(t.Context(), "/change/"+r.ChangeID, func(s string) { seen = append(seen, s) }); err != nil {
		t.Errorf("Wait = %v", err)
	}
	if len(seen) < 2 || seen[0] != "PENDING" || seen[len(seen)-1] != "INSYNC" {
		t.Errorf("the statuses were %v", seen)
	}
}

func TestWaitEnds(t *testing.T) {
	a := newAccount(t, route53.Options{Delays: []time.Duration{time.Hour}}, simple("10.0.0.1"))
	z := a.byID()
	r, err := z.Switch(t.Context(), to("10.0.0.2"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	wants(t, z.Wait(ctx, r.ChangeID, nil), ErrNotInsync, "still PENDING", "failover wait "+r.ChangeID)
	wants(t, z.Wait(t.Context(), "CUNKNOWN", nil), ErrAPI, "knows no change")
	wants(t, z.Wait(t.Context(), "no id", nil), ErrRefused, "no ID")
	stopped, stop := context.WithCancel(t.Context())
	stop()
	wants(t, z.Wait(stopped, r.ChangeID, nil), context.Canceled)
}
