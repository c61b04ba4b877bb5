package config

import (
	"strings"
	"testing"

	"vpcdns/forwarder/namedconf"
)

// Where validation ends, clients notice; where named has none either, nobody does.
func TestValidationEnds(t *testing.T) {
	const (
		servers = "forward only; forwarders { 10.79.0.2; };"
		anchors = `trust-anchors { . initial-ds 20326 8 2 "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"; };`
	)
	for _, c := range []struct {
		conf     string
		says     bool
		severity namedconf.Severity
	}{
		{opts(servers), true, namedconf.Change},
		{opts("dnssec-validation auto; " + servers), true, namedconf.Change},
		{opts("dnssec-validation yes; "+servers) + anchors, true, namedconf.Change},
		{opts("dnssec-validation yes; " + servers), true, namedconf.Harmless},
		{opts("dnssec-validation auto; recursion no; " + servers), true, namedconf.Harmless},
		{opts("dnssec-enable no; dnssec-validation auto; " + servers), true, namedconf.Harmless},
		{opts("dnssec-enable no; " + servers), false, 0},
		{opts("dnssec-validation no; " + servers), false, 0},
		{"", false, 0}, // nothing is asked for
	} {
		_, report, err := Load(writeConf(t, c.conf))
		if err != nil {
			t.Fatal(err)
		}
		said := false
		for _, f := range report.Findings {
			if strings.Contains(f.Message, "dnssec-validation") {
				said = true
				if f.Severity != c.severity {
					t.Errorf("Load(%q) finds %v: %v, want %v", c.conf, f.Severity, f, c.severity)
				}
			}
		}
		if said != c.says {
			t.Errorf("Load(%q) finds %v, want something of validation: %t", c.conf, report.Findings, c.says)
		}
	}
}

// What is about zones is noticed only where there are some.
func TestSeverityOfZoneOptions(t *testing.T) {
	t.Chdir("../../testdata/named.conf")
	const option = "allow-transfer { any; };"
	for zone, want := range map[string]namedconf.Severity{
		"": namedconf.Harmless,
		`zone "localhost" { type primary; file "al2/named.localhost"; };`:            namedconf.Harmless,
		`zone "corp.example" { type master; file "al2/named.empty"; };`:              namedconf.Change,
		`view v { zone "corp.example" { type primary; file "al2/named.empty"; }; };`: namedconf.Change,
		`zone "corp.example" { type forward; forwarders { 10.79.0.2; }; };`:          namedconf.Harmless,
	} {
		_, report, _ := Load(writeConf(t, opts(option)+zone))
		found := false
		for _, f := range report.Findings {
			if strings.Contains(f.Message, "'allow-transfer'") {
				found = true
				if f.Severity != want {
					t.Errorf("with %q, %v is %v, want %v", zone, f, f.Severity, want)
				}
			}
		}
		if !found {
			t.Errorf("with %q nothing is said of allow-transfer: %v", zone, report.Findings)
		}
	}
}
