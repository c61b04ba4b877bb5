package main

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// deniedConf lets in 127.0.0.1 only, by one list or another.
const deniedConf = `
controls { };
options {
    directory "{dir}";
    pid-file none;
    session-keyfile none;
    listen-on port {port} { {address}; };
    listen-on-v6 { none; };
    dnssec-validation no;
    recursion yes;
    forwarders { 127.0.0.1 port 9; };
    forward only;
    LISTS
};
zone "open.test" { type primary; file "zone"; };
zone "closed.test" { type primary; file "zone"; allow-query { 127.0.0.1; }; };
logging {
    channel all { file "log"; print-category yes; print-severity yes; };
    category security { all; };
    channel rest { file "rest"; };
    category default { rest; };
};
`

const deniedZone = "@ 60 SOA . . 1 60 60 60 60\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\nalias CNAME www.example.\n"

// TestDeniedLines asks BIND and the forwarder as a client that the access lists
// exclude. Where BIND says nothing of a list, or nothing at all, the forwarder
// says which it was.
func TestDeniedLines(t *testing.T) {
	t.Parallel()
	named, ours := workbench.Need(t, "named"), lab.BuildForwarder(t)
	const cache = "security: info: (NAME): query (cache) 'NAME/A/IN' denied (allow-query-cache did not match)"
	for _, test := range []struct {
		lists       string
		name        string
		class       uint16
		named, ours string
	}{
		{lists: "allow-query { 127.0.0.1; };", name: "a.example.", named: cache, ours: cache},
		{lists: "allow-query-cache { 127.0.0.1; };", name: "b.example.", named: cache, ours: cache},
		{lists: "allow-recursion { 127.0.0.1; };", name: "c.example.", named: cache, ours: cache},
		{lists: "allow-recursion { 127.0.0.1; }; allow-query-cache { any; };", name: "d.example.",
			ours: "security: info: (NAME): query (cache) 'NAME/A/IN' denied (allow-recursion did not match)"},
		{lists: "allow-query { 127.0.0.1; };", name: "www.open.test.",
			named: "security: info: (NAME): query 'NAME/A/IN' denied",
			ours:  "security: info: (NAME): query 'NAME/A/IN' denied (allow-query did not match)"},
		{lists: "allow-query { any; };", name: "www.closed.test.",
			named: "security: info: (NAME): query 'NAME/A/IN' denied",
			ours:  "security: info: (NAME): query 'NAME/A/IN' denied (allow-query of the zone did not match)"},
		{lists: "allow-query-cache { 127.0.0.1; };", name: "alias.open.test.",
			named: "security: info: (NAME): query (cache) 'www.example/A/IN' denied (allow-query-cache did not match)",
			ours:  "security: info: (NAME): query (cache) 'www.example/A/IN' denied (allow-query-cache did not match)"},
		{lists: "allow-query { 127.0.0.1; };", name: "version.bind.", class: dns.ClassCHAOS,
			named: "security: info: (NAME): query 'NAME/TXT/CH' denied",
			ours:  "security: info: (NAME): query 'NAME/TXT/CH' denied (allow-query did not match)"},
	} {
		t.Run(test.lists+" "+test.name, func(t *testing.T) {
			q := new(dns.Msg).SetQuestion(test.name, dns.TypeA)
			if test.class != 0 {
				q.Question[0] = dns.Question{Name: test.name, Qtype: dns.TypeTXT, Qclass: test.class}
			}
			for _, server := range []struct{ who, program, want string }{{"named", named, test.named}, {"ours", ours, test.ours}} {
				want := strings.ReplaceAll(server.want, "NAME", strings.TrimSuffix(test.name, "."))
				if got := deniedLine(t, server.program, test.lists, q); got != want {
					t.Errorf("%s logs %q, want %q", server.who, got, want)
				}
			}
		})
	}
}

var clientOfLine = regexp.MustCompile(`client @0x[0-9a-f]+ 127\.0\.0\.2#\d+ `)

// deniedLine is what a server logs when 127.0.0.2 asks q, without who asked.
func deniedLine(t *testing.T, program, lists string, q *dns.Msg) string {
	t.Helper()
	addr := freeAddr(t)
	conf := writeConf(t, strings.Replace(deniedConf, "LISTS", lists, 1), addr)
	dir := filepath.Dir(conf)
	write(t, filepath.Join(dir, "zone"), deniedZone)
	cmd := exec.Command(program, "-f", "-c", conf)
	if filepath.Base(program) != "named" {
		cmd.Args = append(cmd.Args, "--metrics-address=")
	}
	p := lab.Start(t, filepath.Base(program), cmd)
	waitFor(t, "log of "+program, func() bool { // BIND serves before
		return strings.Contains(readIfAny(filepath.Join(dir, "rest")), "running\n")
	})
	if r := exchange(packed(t, q).packet, addr, probe{source: netip.MustParseAddr("127.0.0.2")}, 10*time.Second); r.msg == nil {
		t.Fatalf("%s does not answer", program)
	}
	p.End(t) // all is written
	text, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	return clientOfLine.ReplaceAllString(strings.TrimSpace(string(text)), "")
}
