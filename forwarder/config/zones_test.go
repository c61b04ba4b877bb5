package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestForwardZones(t *testing.T) {
	const conf = `
		options { port 5300; forwarders port 54 { 192.0.2.1; 2001:db8::1 port 55; }; };
		zone "EXAMPLE.com" { type forward; forwarders { 192.0.2.2; 192.0.2.3 port 010; }; };
		zone a\.b._x.example. { type forward; };
		zone "\097.example" { type forward; forwarders { }; };`
	want := []ForwardZone{
		{".", addrPorts("192.0.2.1:54", "[2001:db8::1]:55")},
		{"example.com.", addrPorts("192.0.2.2:5300", "192.0.2.3:10")},
		{`a\.b._x.example.`, nil},
		{"a.example.", nil},
	}
	if got := load(t, conf).Zones; !reflect.DeepEqual(got, want) {
		t.Errorf("Zones = %v, want %v", got, want)
	}
}

// TestEmptyZones checks which of the built-in zones are left out; named 9.18
// does the same but where noted.
func TestEmptyZones(t *testing.T) {
	const all = 100
	for _, c := range []struct {
		name, conf string
		served     int
		gone       string // a name that is not served
	}{
		{"nothing", "", all, ""},
		{"forward only", opts("forward only; forwarders { 192.0.2.1; };"), 0, "10.in-addr.arpa."},
		{"forward first", opts("forward first; forwarders { 192.0.2.1; };"), all, ""},
		{"forwarders alone", opts("forwarders { 192.0.2.1; };"), all, ""},
		{"root zone", `zone "." { type forward; forward only; forwarders { 192.0.2.1; }; };`, 0, "home.arpa."},
		{"recursion no", opts("recursion no;"), 0, "10.in-addr.arpa."},
		{"recursion no but enabled", opts("recursion no; empty-zones-enable yes;"), all, ""},
		{"disabled", opts(`disable-empty-zone "10.IN-ADDR.ARPA"; disable-empty-zone d.f.ip6.arpa.;`), all - 2, "d.f.ip6.arpa."},
		{"disabled elsewhere", opts(`disable-empty-zone "1.10.in-addr.arpa";`), all, ""},
		{"zone forward only", `zone "10.in-addr.arpa" { type forward; forward only; forwarders { 192.0.2.1; }; };`, all - 1, "10.in-addr.arpa."},
		{"zone above", `zone "in-addr.arpa" { type forward; forward only; forwarders { 192.0.2.1; }; };`, 11, "10.in-addr.arpa."},
		{"zone below", `zone "1.10.in-addr.arpa" { type forward; forward only; forwarders { 192.0.2.1; }; };`, all, ""},
		{"zone without forwarders", `zone "10.in-addr.arpa" { type forward; forwarders { }; };`, all, ""},
		{"zone below forward only without forwarders", opts("forward only; forwarders { 192.0.2.1; };") +
			` zone "10.in-addr.arpa" { type forward; };`, 1, "16.172.in-addr.arpa."},
		{"zone forward first, which named does not forward", `zone "10.in-addr.arpa" { type forward; forwarders { 192.0.2.1; }; };`,
			all - 1, "10.in-addr.arpa."},
	} {
		t.Run(c.name, func(t *testing.T) {
			var names []string
			for _, z := range load(t, c.conf).Local {
				names = append(names, z.Name)
			}
			if len(names) != c.served || slices.Contains(names, c.gone) {
				t.Errorf("%d empty zones are served, want %d without %q: %v", len(names), c.served, c.gone, names)
			}
		})
	}
}

func TestEmptyZoneRecords(t *testing.T) {
	cfg := load(t, opts(`empty-server "NS.example"; empty-contact "root.example.";`))
	i := slices.IndexFunc(cfg.Local, func(z LocalZone) bool { return z.Name == "10.in-addr.arpa." })
	var got []string
	for _, rr := range cfg.Local[i].Records {
		got = append(got, rr.String())
	}
	want := []string{
		"10.in-addr.arpa.\t86400\tIN\tSOA\tns.example. root.example. 0 28800 7200 604800 86400",
		"10.in-addr.arpa.\t0\tIN\tNS\tns.example.",
	}
	if !slices.Equal(got, want) || !cfg.Local[i].Empty {
		t.Errorf("10.in-addr.arpa = %q, want %q", got, want)
	}
}

// TestForwardedInSpiteOfEmptyZone is about forward zones that named answers by
// itself.
func TestForwardedInSpiteOfEmptyZone(t *testing.T) {
	const zone = `zone "1.10.in-addr.arpa" { type forward; %sforwarders { 192.0.2.1; }; };`
	for _, c := range []struct {
		name, conf string
		warned     bool
	}{
		{"no policy", fmt.Sprintf(zone, ""), true},
		{"only", fmt.Sprintf(zone, "forward only; "), false},
		{"global only", fmt.Sprintf(zone, "") + opts("forward only; forwarders { 192.0.2.1; };"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, findings := ours(t, c.conf)
			if got := strings.Contains(findings, "empty zone '10.in-addr.arpa'"); got != c.warned {
				t.Errorf("warned of %q: %t, want %t; findings: %s", c.conf, got, c.warned, findings)
			}
		})
	}
}

const soaAndNS = "$TTL 1h\n@ IN SOA ns root 1 1h 1h 1w 1h\n@ IN NS ns\n"

func TestPrimaryZone(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       string // part of the error; "" is none
		records    int
	}{
		{"good", soaAndNS + "ns A 192.0.2.1\nwww CNAME ns\n* TXT \"x\"\n", "", 5},
		{"include", soaAndNS + "$INCLUDE more.zone\n", "", 3},
		{"generate", soaAndNS + "$GENERATE 1-3 h$ A 192.0.2.$\n", "", 5},
		{"empty", "", "has 0 SOA records", 0},
		{"no NS", "$TTL 1h\n@ IN SOA ns root 1 1h 1h 1w 1h\n", "has no NS records", 0},
		{"two SOA", soaAndNS + "@ IN SOA ns root 2 1h 1h 1w 1h\n", "has 2 SOA records", 0},
		{"SOA below", soaAndNS + "x IN SOA ns root 2 1h 1h 1w 1h\n", "SOA not at top of zone", 0},
		{"elsewhere", soaAndNS + "www.example.net. A 192.0.2.1\n", "www.example.net.: out of zone", 0},
		{"class", soaAndNS + "www CH TXT x\n", "class CH is not IN", 0},
		{"two CNAME", soaAndNS + "www CNAME a\nwww CNAME b\n", "multiple CNAME records", 0},
		{"CNAME and A", soaAndNS + "www A 192.0.2.1\nwww CNAME b\n", "CNAME and other data", 0},
		{"syntax", soaAndNS + "www A 192.0.2.\n", "line: 4", 0},
		{"no TTL", "@ IN SOA ns root 1 1h 1h 1w 1h\n", "TTL", 0},
		{"too many records", soaAndNS + "$GENERATE 1-60000 a$ A 192.0.2.1\n$GENERATE 1-60000 b$ A 192.0.2.1\n", "more than 100000 records", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"a.zone": c.file, "more.zone": "ns A 192.0.2.1\n"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, _, err := Load(writeConf(t, opts(`directory "`+dir+`"; empty-zones-enable no;`)+
				` zone "example.com" { type primary; file "a.zone"; allow-query { none; }; };`))
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("zone file %q: %v, want %q", c.file, err, c.want)
			}
		})
	}
}

func TestPrimaryZoneConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.zone")
	if err := os.WriteFile(path, []byte(soaAndNS+"ns A 192.0.2.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	conf := opts("empty-zones-enable no;") + ` zone "Example.COM" { type primary; file "` + path + `"; allow-query { none; }; };`
	got := load(t, conf)
	if len(got.Local) != 1 {
		t.Fatalf("%d local zones, want 1", len(got.Local))
	}
	z := got.Local[0]
	if z.Name != "example.com." || z.AllowQuery.String() != "{ none; }" || len(z.Records) != 3 || z.Empty {
		t.Errorf("Local = %+v, want example.com. with 3 records for nobody", z)
	}
	if a, ok := z.Records[2].(*dns.A); !ok || a.Hdr.Name != "ns.example.com." {
		t.Errorf("third record = %v, want the A of ns.example.com.", z.Records[2])
	}
}

func TestZoneFileIsNotOne(t *testing.T) {
	for name, want := range map[string]string{"/dev/zero": "not a regular file", "/": "not a regular file", "/nonexistent": "no such file"} {
		_, _, err := Load(writeConf(t, `zone "example" { type primary; file "`+name+`"; };`))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("zone file %s: %v, want %q", name, err, want)
		}
	}
}
