package main

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

const rateLimitConf = `
controls { };
options {
    directory "{dir}";
    pid-file none;
    session-keyfile none;
    listen-on port {port} { {address}; };
    listen-on-v6 { none; };
    dnssec-validation no;
    recursion no;
    allow-query { any; };
    minimal-responses yes;
    rate-limit { responses-per-second 2; nxdomains-per-second 2; nodata-per-second 2; errors-per-second 2; MORE };
};
zone "open.test" { type primary; file "zone"; };
logging {
    channel all { file "log"; print-category yes; print-severity yes; };
    category rate-limit { all; };
    channel rest { file "rest"; };
    category default { rest; };
};
`

// TestRateLimitLines floods BIND and the forwarder alike, and reloads them: both
// say in the same words when they begin to limit, and when they forget.
func TestRateLimitLines(t *testing.T) {
	t.Parallel()
	named, ours := workbench.Need(t, "named"), lab.BuildForwarder(t)
	for _, more := range []string{"", "log-only yes;"} {
		t.Run(more, func(t *testing.T) {
			want, got := rateLimitLines(t, named, more), rateLimitLines(t, ours, more)
			if !slices.Equal(got, want) {
				t.Errorf("the forwarder logs\n%s\nBIND logs\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if len(want) < 2 {
				t.Errorf("BIND logs %q, want lines to compare with", want)
			}
		})
	}
}

// bindHash is BIND's hash of a name, behind it.
var bindHash = regexp.MustCompile(`  \([0-9a-f]+\)$`)

// rateLimitLines are what a server that is flooded and reloaded logs, but for the
// lines about single responses, sorted.
func rateLimitLines(t *testing.T, program, more string) []string {
	t.Helper()
	addr := freeAddr(t)
	conf := writeConf(t, strings.Replace(rateLimitConf, "MORE", more, 1), addr)
	dir := filepath.Dir(conf)
	write(t, filepath.Join(dir, "zone"), deniedZone)
	cmd := exec.Command(program, "-f", "-c", conf)
	if filepath.Base(program) != "named" {
		cmd.Args = append(cmd.Args, "--metrics-address=")
	}
	p := lab.Start(t, filepath.Base(program), cmd)
	waitFor(t, "log of "+program, func() bool { return strings.Contains(readIfAny(filepath.Join(dir, "rest")), "running\n") })
	for _, q := range []dns.Question{
		{Name: "www.open.test.", Qtype: dns.TypeA},
		{Name: "no.open.test.", Qtype: dns.TypeA},
		{Name: "www.open.test.", Qtype: dns.TypeMX},
		{Name: "other.test.", Qtype: dns.TypeA},
	} {
		flood(t, netip.MustParseAddr("127.0.0.2"), addr, q)
	}
	log := filepath.Join(dir, "log")
	p.Signal(t, syscall.SIGHUP)
	waitFor(t, "reload of "+program, func() bool { return strings.Contains(readIfAny(log), "stop limiting") })
	p.End(t)
	var lines []string
	for line := range strings.Lines(readIfAny(log)) {
		if line = bindHash.ReplaceAllString(strings.TrimSuffix(line, "\n"), ""); !strings.Contains(line, "client @") {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

func readIfAny(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

// flood asks often at once, and waits for the first reply.
func flood(t *testing.T, client netip.Addr, server netip.AddrPort, q dns.Question) {
	t.Helper()
	conn, err := dial(server, probe{source: client}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	m := new(dns.Msg).SetQuestion(q.Name, q.Qtype)
	for range 30 {
		if err := (&dns.Conn{Conn: conn}).WriteMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := (&dns.Conn{Conn: conn}).ReadMsg(); err != nil {
		t.Fatal(err)
	}
}
