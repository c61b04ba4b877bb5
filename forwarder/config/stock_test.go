package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vpcdns/forwarder/local"
	"vpcdns/forwarder/namedconf"
)

// A stock file goes on working when the package of BIND is gone, with the files
// that it includes and those of their zones: the zones are the same.
func TestStockFilesWithoutBIND(t *testing.T) {
	for _, release := range []string{"amazon-linux-2", "amazon-linux-2023"} {
		t.Run(release, func(t *testing.T) {
			before, after := t.TempDir(), t.TempDir()
			for _, dir := range []string{release, "amazon-linux"} {
				if err := os.CopyFS(before, os.DirFS("../../testdata/named.conf/"+dir)); err != nil {
					t.Fatal(err)
				}
			}
			want := loadStock(t, before, before)
			got := loadStock(t, before, after)
			if g, w := zonesOf(got), zonesOf(want); g != w || strings.Count(w, " soa ") != 5 {
				t.Errorf("without BIND the zones are\n%s\nwant\n%s", g, w)
			}
		})
	}
}

// loadStock loads the named.conf below one root with what it includes below
// another, and wants nothing but changes that are there anyway.
func loadStock(t *testing.T, root, rest string) *Config {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "etc/named.conf"))
	if err != nil {
		t.Fatal(err)
	}
	conf := strings.NewReplacer(`"/etc/`, `"`+rest+`/etc/`, `"/var/named"`, `"`+rest+`/var/named"`).Replace(string(text))
	cfg, report, err := Load(writeConf(t, conf))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Severity != namedconf.Harmless && apartFromRoots(f.String()) != "" &&
			!strings.Contains(f.Message, "dnssec-validation") && !strings.Contains(f.Message, "directory") {
			t.Errorf("below %s: %v: %v", rest, f.Severity, f)
		}
	}
	return cfg
}

// zonesOf lists the zones that are not built in, with their records.
func zonesOf(cfg *Config) string {
	var lines []string
	for _, z := range cfg.Local {
		if z.Empty {
			continue
		}
		for _, rr := range z.Records {
			lines = append(lines, strings.Join(strings.Fields(strings.ToLower(rr.String())), " "))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// What is built in for a stock zone is a whole zone.
func TestStockRecords(t *testing.T) {
	for apex := range stockZones {
		if _, err := local.NewZone(apex, stockRecords(apex)); err != nil {
			t.Errorf("NewZone(%s) = %v", apex, err)
		}
	}
}

// Only these files may be missing.
func TestMissingIncludes(t *testing.T) {
	for path, found := range map[string]bool{
		"/nonexistent/named.rfc1912.zones":                   true,
		"/nonexistent/named.root.key":                        true,
		"/nonexistent/crypto-policies/back-ends/bind.config": true,
		"/nonexistent/etc/bind/named.conf.default-zones":     true,
		"/nonexistent/bind.config":                           false,
		"/nonexistent/my-named.root.key":                     false,
		"/nonexistent/etc/bind/named.conf.local":             false,
	} {
		_, report, err := Load(writeConf(t, fmt.Sprintf("include %q;", path)))
		if (err == nil) != found {
			t.Errorf("include of missing %s: %v", path, report.Findings)
		}
	}
}

// What is only in a zone's journal would be lost in silence.
func TestJournal(t *testing.T) {
	dir := t.TempDir()
	zone := func(name string) string {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(soaAndNS), 0o600); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("zone %q { type primary; file %q; };\n", name, name)
	}
	conf := opts(fmt.Sprintf("directory %q;", dir)) + "\n" + zone("a.test") + zone("b.test")
	if err := os.WriteFile(filepath.Join(dir, "b.test.jnl"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, got := ours(t, conf)
	if want := "3:36: zone 'b.test': the changes in its journal 'b.test.jnl' are not read"; !strings.Contains(got, want) || strings.Contains(got, "a.test.jnl") {
		t.Errorf("findings %q lack %q", got, want)
	}
}
