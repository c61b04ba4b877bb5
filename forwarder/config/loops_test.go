package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A forwarder that is this server itself is an error where listen-on names its address,
// or this host has it; where the file may be for another host it is a change.
func TestLoops(t *testing.T) {
	own := func(*Config) []netip.AddrPort { return []netip.AddrPort{netip.MustParseAddrPort("10.79.1.10:53")} }
	for name, tc := range map[string]struct {
		conf   string
		loader Loader
		want   string // "", error or change
	}{
		"named":                 {`options { listen-on { 10.79.1.11; }; forwarders { 10.79.1.11; }; };`, Loader{}, "error"},
		"named in a list":       {`acl me { 10.79.1.11; }; options { listen-on { me; }; forwarders { 10.79.1.11; }; };`, Loader{Elsewhere: true}, "error"},
		"of a zone":             {`options { listen-on { 10.79.1.11; }; }; zone "a.test" { type forward; forwarders { 10.79.0.2; 10.79.1.11; }; };`, Loader{}, "error"},
		"another port":          {`options { listen-on port 5353 { 10.79.1.11; }; forwarders { 10.79.1.11; }; };`, Loader{}, ""},
		"negated":               {`options { listen-on { !10.79.1.11; any; }; forwarders { 10.79.1.11; }; };`, Loader{Own: own}, ""},
		"of this host":          {`options { forwarders { 10.79.1.10; }; };`, Loader{Own: own}, "error"},
		"of this host, perhaps": {`options { forwarders { 10.79.1.10; }; };`, Loader{Own: own, Elsewhere: true}, "change"},
		"not looked at":         {`options { forwarders { 10.79.1.10; }; };`, Loader{}, ""},
	} {
		path := filepath.Join(t.TempDir(), "named.conf")
		if err := os.WriteFile(path, []byte(tc.conf), 0o600); err != nil {
			t.Fatal(err)
		}
		_, report, err := tc.loader.Load(path)
		got := ""
		for _, f := range report.Findings {
			if strings.Contains(f.Message, "a loop") {
				got = f.Severity.String()
			}
		}
		if got != tc.want || (err != nil) != (tc.want == "error") {
			t.Errorf("%s: %q, %v, want %q: %v", name, got, err, tc.want, report.Findings)
		}
	}
}
