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
		{name: "nothing", served: all},
		{name: "forward only", conf: opts("forward only; forwarders { 192.0.2.1; };"), gone: "10.in-addr.arpa."},
		{name: "forward first", conf: opts("forward first; forwarders { 192.0.2.1; };"), served: all},
		{name: "forwarders alone", conf: opts("forwarders { 192.0.2.1; };"), served: all},
		{name: "root zone", conf: `zone "." { type forward; forward only; forwarders { 192.0.2.1; }; };`, gone: "home.arpa."},
		{name: "recursion no", conf: opts("recursion no;"), gone: "10.in-addr.arpa."},
		{name: "recursion no but enabled", conf: opts("recursion no; empty-zones-enable yes;"), served: all},
		{name: "disabled", conf: opts(`disable-empty-zone "10.IN-ADDR.ARPA"; disable-empty-zone d.f.ip6.arpa.;`), served: all - 2, gone: "d.f.ip6.arpa."},
		{name: "disabled elsewhere", conf: opts(`disable-empty-zone "1.10.in-addr.arpa";`), served: all},
		{name: "zone forward only", conf: `zone "10.in-addr.arpa" { type forward; forward only; forwarders { 192.0.2.1; }; };`, served: all - 1, gone: "10.in-addr.arpa."},
		{name: "zone above", conf: `zone "in-addr.arpa" { type forward; forward only; forwarders { 192.0.2.1; }; };`, served: 11, gone: "10.in-addr.arpa."},
		{name: "zone below", conf: `zone "1.10.in-addr.arpa" { type forward; forward only; forwarders { 192.0.2.1; }; };`, served: all},
		{name: "zone without forwarders", conf: `zone "10.in-addr.arpa" { type forward; forwarders { }; };`, served: all},
		{name: "zone below forward only without forwarders", conf: opts("forward only; forwarders { 192.0.2.1; };") +
			` zone "10.in-addr.arpa" { type forward; };`, served: 1, gone: "16.172.in-addr.arpa."},
		{name: "zone forward first, which named does not forward", conf: `zone "10.in-addr.arpa" { type forward; forwarders { 192.0.2.1; }; };`, served: all - 1, gone: "10.in-addr.arpa."},
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

const soaAndNS = "$TTL 1h\n@ IN SOA ns root 1 1h 1h 1w 1h\n@ IN NS ns\nns A 192.0.2.53\n"

// A zone whose file is wrong costs no other. Load tells of it as of an error, and yet
// returns a Config.
func TestPrimaryZone(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       string // part of the findings; "" is none
		records    int    // 0: it is not loaded
	}{
		{name: "good", file: soaAndNS + "www CNAME ns\n", records: 4},
		{name: "include", file: soaAndNS + "$INCLUDE more.zone\n", records: 4},
		{name: "warning", file: soaAndNS + "www.example.net. A 192.0.2.1\n", want: "a.zone:5: zone 'example.com': ignoring out-of-zone data", records: 3},
		{name: "syntax", file: soaAndNS + "www A 192.0.2.\n", want: "a.zone:5: zone 'example.com': www.example.com: A: bad"},
		{name: "in an included file", file: soaAndNS + "$INCLUDE bad.zone\n", want: "bad.zone:2: zone 'example.com': unknown RR type 'B'"},
		{name: "empty", want: "a.zone: zone 'example.com': has no NS records"},
		{name: "missing", file: "-", want: "a.zone: zone 'example.com': no such file or directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			files := map[string]string{"a.zone": c.file, "b.zone": soaAndNS, "more.zone": "x A 192.0.2.1\n", "bad.zone": "x A 192.0.2.1\na B c\n"}
			for name, text := range files {
				if text == "-" {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cfg, report, err := Load(writeConf(t, opts(`directory "`+dir+`"; empty-zones-enable no; dnssec-validation no; forward only; forwarders { 192.0.2.53; };`)+`
				zone "example.com" { type primary; file "a.zone"; };
				zone "example.net" { type primary; file "b.zone"; };`))
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(report.Findings); c.want == "" && len(report.Findings) > 0 || !strings.Contains(got, c.want) {
				t.Errorf("findings are %s, want %q", got, c.want)
			}
			failed := c.records == 0
			if z := cfg.Local[0]; len(z.Records) != c.records || (z.Err != nil) != failed || report.Failed() != failed {
				t.Errorf("%d records, error %v, failed %v, want %d", len(z.Records), z.Err, report.Failed(), c.records)
			}
			if z := cfg.Local[1]; len(z.Records) != 3 || z.Err != nil {
				t.Errorf("the other zone has %d records, %v", len(z.Records), z.Err)
			}
		})
	}
}

// What is checked of a zone is said for all, and for one.
func TestZoneChecks(t *testing.T) {
	const file = soaAndNS + "a_b A 192.0.2.1\nmail MX 10 ns.sub\nsub NS ns.sub\n"
	for _, c := range []struct {
		name, options, zone string
		loaded              bool
		findings            int
	}{
		{"defaults", "", "", false, 2}, // the name, and that the zone is not loaded
		{"all warn", "check-names primary warn;", "", true, 2},
		{"of secondaries", "check-names secondary warn;", "", false, 2},
		{"old word", "check-names MASTER Ignore;", "", true, 1},
		{"one ignores", "", "check-names ignore;", true, 1}, // the glue
		{"one fails", "check-names primary ignore;", "check-names fail;", false, 2},
		{"no integrity", "check-integrity no;", "check-names warn;", true, 1},
		{"integrity of one", "check-integrity no;", "check-names ignore; check-integrity yes;", true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.zone")
			if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg, report, err := Load(writeConf(t, opts("empty-zones-enable no; dnssec-validation no; forward only; forwarders { 192.0.2.53; };"+c.options)+` zone "example.com" { type primary; file "`+path+`"; `+c.zone+` };`))
			if err != nil {
				t.Fatal(err)
			}
			if loaded := cfg.Local[0].Err == nil; loaded != c.loaded || len(report.Findings) != c.findings {
				t.Errorf("loaded: %v, with %v, want %v with %d findings", loaded, report.Findings, c.loaded, c.findings)
			}
		})
	}
}

// Below a delegation of a zone its own forwarders are asked.
func TestPrimaryZoneForwarders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.zone")
	if err := os.WriteFile(path, []byte(soaAndNS), 0o600); err != nil {
		t.Fatal(err)
	}
	conf := opts("forwarders { 192.0.2.1; };") + fmt.Sprintf(`
		zone "a.example" { type primary; file %q; };
		zone "b.example" { type primary; file %q; forwarders { 192.0.2.2; }; };
		zone "c.example" { type primary; file %q; forwarders { }; };`, path, path, path)
	want := []ForwardZone{{".", addrPorts("192.0.2.1:53")}, {"b.example.", addrPorts("192.0.2.2:53")}, {"c.example.", nil}}
	if got := load(t, conf).Zones; !reflect.DeepEqual(got, want) {
		t.Errorf("Zones = %v, want %v", got, want)
	}
}

func TestPrimaryZoneConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.zone")
	if err := os.WriteFile(path, []byte(soaAndNS), 0o600); err != nil {
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
