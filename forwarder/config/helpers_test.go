package config

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// opts writes an options block.
func opts(s string) string { return "options { " + s + " };" }

// load returns the Config of a configuration that must be good.
func load(t *testing.T, conf string) *Config {
	t.Helper()
	cfg, _, err := Load(writeConf(t, conf))
	if err != nil {
		t.Fatalf("Load(%q): %v", conf, err)
	}
	return cfg
}

func addrPorts(list ...string) (a []netip.AddrPort) {
	for _, s := range list {
		a = append(a, netip.MustParseAddrPort(s))
	}
	return a
}

// writeConf writes a configuration to a file and returns its path.
func writeConf(t *testing.T, conf string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "named.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// difference names the fields that differ.
func difference(got, want *Config) string {
	var b strings.Builder
	g, w := reflect.ValueOf(*got), reflect.ValueOf(*want)
	for i := range g.NumField() {
		if a, z := g.Field(i).Interface(), w.Field(i).Interface(); !reflect.DeepEqual(a, z) {
			b.WriteString(g.Type().Field(i).Name + " is ")
			b.WriteString(strings.TrimSpace(fmt.Sprint(a)) + ", want " + fmt.Sprint(z) + "\n")
		}
	}
	return b.String()
}

// namedCheckconf runs the peer on a configuration, and returns its exit code
// and what it prints with -p. Without the peer the test is skipped, but not
// where CI says that everything is there.
func namedCheckconf(t *testing.T, conf string) (code int, normal, messages string) {
	t.Helper()
	path, err := exec.LookPath("named-checkconf")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal("named-checkconf is missing: install bind9-utils (Debian) or bind (Red Hat)")
	} else if err != nil {
		t.Skip("named-checkconf is missing: install bind9-utils (Debian) or bind (Red Hat)")
	}
	file := writeConf(t, conf)
	out, err := exec.Command(path, "-p", file).CombinedOutput()
	exit := (*exec.ExitError)(nil)
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("running named-checkconf: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		if about, ok := strings.CutPrefix(line, file+":"); ok {
			messages += about
		} else {
			normal += line
		}
	}
	normal = noSpace.ReplaceAllString(normal, "dnstap-output $1 \"")
	return code, normal, messages
}

// noSpace is where named-checkconf forgets one.
var noSpace = regexp.MustCompile(`(?i)dnstap-output (file|unix)"`)

// ours does the same with Load and WriteNormal.
func ours(t *testing.T, conf string) (code int, normal, messages string) {
	t.Helper()
	path := writeConf(t, conf)
	_, report, _ := Load(path)
	var out strings.Builder
	for _, f := range report.Findings {
		out.WriteString(strings.TrimPrefix(f.String(), path+":") + "\n")
	}
	if report.Failed() {
		return 1, "", out.String()
	}
	var text strings.Builder
	if err := report.WriteNormal(&text); err != nil {
		t.Fatal(err)
	}
	return 0, text.String(), out.String()
}

// apartFromRoots drops what is said of the root servers that named would ask, and
// of validation: most examples have no forwarders, and none says what is not done.
func apartFromRoots(findings string) string {
	return without(without(findings, "named would ask the root servers"), byDefault)
}

// byDefault is part of what is said where dnssec-validation is missing.
const byDefault = "which BIND 9.18 does without 'dnssec-validation'"

// without drops the lines that have a text.
func without(findings, text string) string {
	var b strings.Builder
	for line := range strings.Lines(findings) {
		if !strings.Contains(line, text) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// normalOf returns the normal form even if there are errors of meaning.
func normalOf(t *testing.T, conf string) (normal, messages string) {
	_, report, _ := Load(writeConf(t, conf))
	var text strings.Builder
	if err := report.WriteNormal(&text); err != nil {
		t.Fatal(err)
	}
	return text.String(), fmt.Sprint(report.Findings)
}

// squeeze makes two layouts of the same statements equal.
func squeeze(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), " ;", ";")
}
