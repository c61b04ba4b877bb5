package local

import (
	goflag "flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/forwarder/workbench"
)

var update = goflag.Bool("update", false, "write the golden file")

const (
	masterFiles = "../../testdata/zones/masterfiles.txt"
	golden      = "../../testdata/zones/masterfiles.golden"
)

// headRecords are what most files start with.
const headRecords = "@ 300 IN SOA ns.@ admin.@ 1 3600 600 86400 60\n@ 300 IN NS ns.@\nns.@ 300 IN A 10.1.0.1\n"

// TestMasterFiles loads all kinds of files. That named loads the same records is
// tested beside it.
func TestMasterFiles(t *testing.T) {
	dir := t.TempDir()
	var got strings.Builder
	for _, f := range workbench.MasterFiles(t, masterFiles, dir) {
		if !f.IsInclude() {
			records, problems := Load(File{Apex: f.Name + ".test.", Path: f.Name, Dir: dir, Checks: DefaultChecks()})
			text := strings.ReplaceAll(describe(records, problems), dir+"/", "")
			text = strings.ReplaceAll(text, f.Name+".test.", "@")
			got.WriteString("=== " + f.Name + "\n" + strings.Replace(text, headRecords, "%head\n", 1))
		}
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	compareSections(t, got.String(), string(want))
}

func compareSections(t *testing.T, got, want string) {
	t.Helper()
	g, w := strings.Split(got, "=== "), strings.Split(want, "=== ")
	if len(g) != len(w) {
		t.Fatalf("%d files, the golden file has %d", len(g), len(w))
	}
	for i := range g {
		if g[i] != w[i] {
			t.Errorf("loaded:\n%swant:\n%s", g[i], w[i])
		}
	}
}

// describe writes what was loaded.
func describe(records []dns.RR, problems []Problem) string {
	var b strings.Builder
	for _, p := range problems {
		severity := "error"
		if p.Warning {
			severity = "warning"
		}
		fmt.Fprintf(&b, "%s:%d: %s: %s\n", filepath.Base(p.Path), p.Line, severity, p.Message)
	}
	for _, rr := range records {
		b.WriteString(strings.Join(strings.Fields(rr.String()), " ") + "\n")
	}
	return b.String()
}

func writeFile(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// loadText loads a zone of this text.
func loadText(t *testing.T, apex, text string, c Checks) ([]dns.RR, []Problem) {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, dir, "zone", text)
	return Load(File{Apex: apex, Path: filepath.Join(dir, "zone"), Checks: c})
}

const soaAndNS = "$TTL 300\n@ IN SOA ns admin 1 3600 600 86400 60\n@ NS ns\nns A 10.1.0.1\n"

// Line ends of other systems are line ends.
func TestLineEnds(t *testing.T) {
	for name, end := range map[string]string{"LF": "\n", "CR LF": "\r\n", "CR": "\r"} {
		text := strings.ReplaceAll(soaAndNS+"x TXT ( \"a\"\n \"b\" ) ; comment\n\ny A 10.0.0.1\n", "\n", end)
		if name == "CR" {
			text = strings.ReplaceAll(text, "; comment", "") // which goes up to the next LF
		}
		records, problems := loadText(t, "z.test.", text, DefaultChecks())
		problems = slices.DeleteFunc(problems, func(p Problem) bool { return p.Message == "file does not end with newline" })
		if len(records) != 5 || len(problems) != 0 {
			t.Errorf("with %s: %v %v, want 5 records", name, records, problems)
		}
	}
}

// What a check does is configured.
func TestChecks(t *testing.T) {
	const names = "a_b A 10.0.0.1\n"
	const mx = "m MX 10 10.0.0.1\n"
	const mxAlias = "m MX 10 c\nc CNAME ns\n"
	const srvAlias = "s SRV 0 0 0 c\nc CNAME ns\n"
	const dnameMX = "m MX 10 x.d\nd DNAME e\n"
	const spf = "s SPF \"v=spf1 -all\"\n"
	const wildcard = "a.*.b TXT a\n"
	const sibling = "a NS ns.b\nb NS ns.else.\n"
	const glue = "a NS ns.a\n"
	for _, test := range []struct {
		name, text string
		change     func(*Checks)
		want       string // the problem; "" is none
	}{
		{"names", names, func(c *Checks) {}, "error a_b.z.test: bad owner name (check-names)"},
		{"names", names, func(c *Checks) { c.Names = Warn }, "warning a_b.z.test: bad owner name (check-names)"},
		{"names", names, func(c *Checks) { c.Names = Ignore }, ""},
		{"mx", mx, func(c *Checks) { c.MX, c.Integrity = Fail, false }, "error '10.0.0.1': MX is an address"},
		{"mx", mx, func(c *Checks) { c.MX, c.Integrity = Ignore, false }, ""},
		{"mx alias", mxAlias, func(c *Checks) {}, "warning m.z.test/MX 'c.z.test' is a CNAME (illegal)"},
		{"mx alias", mxAlias, func(c *Checks) { c.MXCNAME = Fail }, "error m.z.test/MX 'c.z.test' is a CNAME (illegal)"},
		{"mx alias", mxAlias, func(c *Checks) { c.MXCNAME = Ignore }, ""},
		{"mx dname", dnameMX, func(c *Checks) { c.MXCNAME = Fail }, "error m.z.test/MX 'x.d.z.test' is below a DNAME 'd.z.test' (illegal)"},
		{"srv alias", srvAlias, func(c *Checks) { c.SRVCNAME = Fail }, "error s.z.test/SRV 'c.z.test' is a CNAME (illegal)"},
		{"srv alias", srvAlias, func(c *Checks) { c.SRVCNAME = Ignore }, ""},
		{"spf", spf, func(c *Checks) { c.SPF = false }, ""},
		{"wildcard", wildcard, func(c *Checks) { c.Wildcard = false }, ""},
		{"sibling", sibling, func(c *Checks) {}, "warning a.z.test/NS 'ns.b.z.test' has no SIBLING GLUE address records (A or AAAA)"},
		{"sibling", sibling, func(c *Checks) { c.Sibling = false }, ""},
		{"glue", glue, func(c *Checks) { c.Sibling = false }, "warning a.z.test/NS 'ns.a.z.test' has no REQUIRED GLUE address records (A or AAAA)"},
		{"glue", glue, func(c *Checks) { c.Integrity = false }, ""},
	} {
		c := DefaultChecks()
		test.change(&c)
		records, problems := loadText(t, "z.test.", soaAndNS+test.text, c)
		got := ""
		for _, p := range problems {
			got = map[bool]string{true: "warning ", false: "error "}[p.Warning] + p.Message
		}
		if got != test.want || (records == nil) != strings.HasPrefix(got, "error") {
			t.Errorf("%s with %+v: %d records, %q, want %q", test.name, c, len(records), got, test.want)
		}
	}
}

// Who answers for addresses names hosts, but not for service discovery.
func TestReverseNames(t *testing.T) {
	const text = "$TTL 300\n@ SOA ns.else. admin.else. 1 2 3 4 5\n@ NS ns.else.\n"
	for _, test := range []struct {
		apex, record string
		good         bool
	}{
		{"10.in-addr.arpa.", "1 PTR a_b.else.", false},
		{"10.in-addr.arpa.", "1 PTR ab.else.", true},
		{"10.in-addr.arpa.", "lb._dns-sd._udp.1 PTR a_b.else.", true},
		{"8.b.d.0.1.0.0.2.ip6.arpa.", "1 PTR a_b.else.", false},
		{"z.test.", "1 PTR a_b.else.", true},
	} {
		if records, problems := loadText(t, test.apex, text+test.record+"\n", DefaultChecks()); (records != nil) != test.good {
			t.Errorf("%s in %s: %v, want good: %v", test.record, test.apex, problems, test.good)
		}
	}
}

func TestFileIsNotOne(t *testing.T) {
	for path, want := range map[string]string{"/dev/zero": "not a regular file", "/": "not a regular file", "/nonexistent": "no such file or directory"} {
		_, problems := Load(File{Apex: "z.test.", Path: path})
		if len(problems) != 1 || problems[0].Warning || problems[0].Message != want || problems[0].Path != path {
			t.Errorf("Load(%s) = %v, want %q", path, problems, want)
		}
	}
}

// Warnings without end are cut, and errors are not.
func TestManyWarnings(t *testing.T) {
	_, problems := loadText(t, "z.test.", soaAndNS+"$GENERATE 1-100 a$.else. A 10.0.0.1\nx FOO\n", DefaultChecks())
	if n := len(problems); n != maxProblems+2 || problems[maxProblems].Message != "there are more warnings" || problems[n-1].Warning {
		t.Errorf("%d problems, the last %+v, want %d and an error", n, problems[n-1], maxProblems+2)
	}
}

func FuzzLoad(f *testing.F) {
	for _, m := range workbench.MasterFiles(f, masterFiles, "") {
		f.Add(m.Text)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToUpper(text), "$GENERATE") {
			t.Skip("a line that may make a million of records")
		}
		writeFile(t, dir, "zone", text)
		records, problems := Load(File{Apex: "z.test.", Path: filepath.Join(dir, "zone"), Dir: dir, Checks: DefaultChecks()})
		failed := slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning })
		if failed != (records == nil) {
			t.Fatalf("%d records with %v", len(records), problems)
		}
		if _, err := NewZone("z.test.", records); err != nil && !failed {
			t.Fatalf("what was loaded is no zone: %v", err)
		}
		for _, rr := range records {
			if _, err := dns.PackRR(rr, make([]byte, 1<<17), 0, nil, false); err != nil {
				t.Fatalf("%v cannot be sent: %v", rr, err)
			}
		}
	})
}
