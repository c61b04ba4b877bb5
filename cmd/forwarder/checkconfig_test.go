package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// plainConf is a configuration of which there is nothing to say; more are
// options beside.
func plainConf(more string) string {
	return "options { listen-on { 127.0.0.1; }; listen-on-v6 { none; }; dnssec-validation no; " +
		"forward only; forwarders { 10.79.0.2; }; " + more + " };\n"
}

// plainServes is what is said of it at last.
const plainServes = "would serve 127.0.0.1#53; forwards everything to 10.79.0.2#53\n"

// checked runs --check-config on a file and returns what it writes, with F for
// the file's path.
func checked(t *testing.T, conf string, flags ...string) (status int, stdout, stderr string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "named.conf")
	if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	status = run(append(append([]string{"--check-config"}, flags...), path), &out, &errs)
	return status, strings.ReplaceAll(out.String(), path, "F"), strings.ReplaceAll(errs.String(), path, "F")
}

func TestCheckConfig(t *testing.T) {
	const harmless = "notify yes; interface-interval 5;"
	for _, test := range []struct {
		name, conf, flags string
		status            int
		stdout, stderr    string
	}{
		{name: "good", conf: plainConf(""), stdout: plainServes},
		{
			name: "printed", conf: plainConf("recursion 1;"), flags: "-p",
			stdout: "options {\n\tlisten-on {\n\t\t127.0.0.1/32;\n\t};\n\tlisten-on-v6 {\n\t\t\"none\";\n\t};\n\tdnssec-validation no;\n" +
				"\trecursion yes;\n\tforward only;\n\tforwarders {\n\t\t10.79.0.2;\n\t};\n};\n",
			stderr: plainServes,
		},
		{
			name: "one change, two harmless", conf: plainConf("sortlist { any; }; " + harmless),
			stdout: "F:1:124: change: option 'sortlist' is ignored: clients get every address, in the order of rrset-order\n" +
				"2 options have no effect here; -v lists them\n" + plainServes,
		},
		{
			name: "all", conf: plainConf(harmless + "sortlist { any; };"), flags: "-v",
			stdout: "F:1:157: change: option 'sortlist' is ignored: clients get every address, in the order of rrset-order\n" +
				"F:1:124: harmless: option 'notify' is ignored: there are no NOTIFYs: secondaries learn nothing from here\n" +
				"F:1:136: harmless: option 'interface-interval' is ignored: interfaces are watched all the time\n" + plainServes,
		},
		{
			name: "zone without its file", conf: plainConf("") + `zone "a.test" { type primary; file "/nonexistent"; };`, flags: "-p",
			status: 1,
			stderr: "F:2:36: zone 'a.test' is not loaded: its names are answered SERVFAIL, or, after a reload, as before. Mend the file, and reload\n" +
				"/nonexistent: zone 'a.test': no such file or directory\n" +
				"would serve 127.0.0.1#53; forwards everything to 10.79.0.2#53\n",
		},
		{
			name: "errors come first and hide the normal form", conf: plainConf("sortlist { any; }; frob yes;"), flags: "-p",
			status: 1,
			stderr: "F:1:143: unknown option 'frob'\n" +
				"F:1:124: change: option 'sortlist' is ignored: clients get every address, in the order of rrset-order\n" +
				"would not start: 1 error\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, stdout, stderr := checked(t, test.conf, strings.Fields(test.flags)...)
			if status != test.status || stdout != test.stdout || stderr != test.stderr {
				t.Errorf("--check-config %s of %q = %d with\n%s\nand\n%s\nwant %d with\n%s\nand\n%s", test.flags, test.conf,
					status, stdout, stderr, test.status, test.stdout, test.stderr)
			}
		})
	}
}

// The last line is what the file comes to on this host.
func TestWouldServe(t *testing.T) {
	const here = "options { listen-on { 127.0.0.1; }; listen-on-v6 { none; }; dnssec-validation no; "
	const zones = `zone "a.test" { type forward; forward only; forwarders { 10.79.0.3 port 5300; }; };
		zone "b.test" { type forward; forward only; forwarders { 10.79.0.3; }; };`
	for _, test := range []struct{ conf, want string }{
		{here + "};", "would serve 127.0.0.1#53; refuses everything else"},
		{here + "};" + zones, "would serve 127.0.0.1#53; forwards 2 zones, refuses everything else"},
		{plainConf("") + zones, "would serve 127.0.0.1#53; forwards 2 zones and everything else to 10.79.0.2#53"},
		{
			"options { listen-on port 54 { 127.0.0.1; }; listen-on-v6 { ::1; }; forwarders { 10.79.0.2; fd00::2 port 54; }; };",
			"would serve 127.0.0.1#54, ::1#53; forwards everything to 10.79.0.2#53, fd00::2#54",
		},
		{
			plainConf("recursion no;") + zones + `zone "localhost" { type primary; file "/nonexistent"; };`,
			"would serve 127.0.0.1#53; answers for 1 zone of its own, forwards nothing, as no client may recurse",
		},
		{
			"options { listen-on { 192.0.2.1; }; listen-on-v6 { none; }; forwarders { 10.79.0.2; }; };",
			"would serve no address: listen-on matches none of this host; forwards everything to 10.79.0.2#53",
		},
	} {
		_, stdout, _ := checked(t, test.conf)
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		if got := lines[len(lines)-1]; got != test.want {
			t.Errorf("--check-config of %q ends with\n%s\nwant\n%s", test.conf, got, test.want)
		}
	}
}

func TestCheckConfigMissingFile(t *testing.T) {
	var out, errs strings.Builder
	if status := run([]string{"--check-config", filepath.Join(t.TempDir(), "none")}, &out, &errs); status != 1 || out.Len() == 0 {
		t.Errorf("--check-config of a missing file = %d with %q, want 1 with a reason", status, &out)
	}
}
