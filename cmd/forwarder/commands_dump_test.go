package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/workbench"
)

// dumpRecords are in the upstream of both.
var dumpRecords = []string{
	"one.awslab.mycompany.corp. 300 IN A 10.1.1.1", "two.awslab.mycompany.corp. 300 IN A 10.1.1.1\ntwo.awslab.mycompany.corp. 300 IN A 10.1.1.2",
	"alias.awslab.mycompany.corp. 200 IN CNAME two.awslab.mycompany.corp.", "far.awslab.mycompany.corp. 200 IN CNAME alias.awslab.mycompany.corp.",
	`txt.awslab.mycompany.corp. 100 IN TXT "a; b" "c\"d"`, "mx.awslab.mycompany.corp. 100 IN MX 10 one.awslab.mycompany.corp.",
	`\@odd\.dot.awslab.mycompany.corp. 100 IN A 10.1.1.3`, "short.awslab.mycompany.corp. 1 IN A 10.1.1.4",
	"lost.awslab.mycompany.corp. 100 IN CNAME gone.awslab.mycompany.corp.",
	"_sip._tcp.awslab.mycompany.corp. 100 IN SRV 1 2 5060 one.awslab.mycompany.corp.",
}

var dumpQuestions = map[string]uint16{
	"one.awslab.mycompany.corp.": dns.TypeA, "far.awslab.mycompany.corp.": dns.TypeA, "txt.awslab.mycompany.corp.": dns.TypeTXT,
	"mx.awslab.mycompany.corp.": dns.TypeMX, `\@odd\.dot.awslab.mycompany.corp.`: dns.TypeA, "none.awslab.mycompany.corp.": dns.TypeA,
	"two.awslab.mycompany.corp.": dns.TypeTXT, "alias.awslab.mycompany.corp.": dns.TypeAAAA, "short.awslab.mycompany.corp.": dns.TypeA,
	"lost.awslab.mycompany.corp.": dns.TypeA, "_sip._tcp.awslab.mycompany.corp.": dns.TypeSRV,
}

// TestDumpAgainstNamed asks BIND and the forwarder the same: their dumps have the same
// records, with TTLs that are no longer.
func TestDumpAgainstNamed(t *testing.T) {
	c := startCommanded(t, `stale-cache-enable yes; dump-file "dump";`)
	if err := c.resolver.Set(dumpRecords...); err != nil {
		t.Fatal(err)
	}
	named := startNamedWithChannel(t, c, `stale-cache-enable yes; stale-answer-enable no; dump-file "dump"; dnssec-validation no; session-keyfile none;`)
	for name, qtype := range dumpQuestions {
		c.ask(name, qtype)
		if _, err := dns.Exchange(new(dns.Msg).SetQuestion(name, qtype), named.addr.String()); err != nil {
			t.Fatal(err)
		}
	}
	dumps := [2]map[string]int{}
	text := [2]string{}
	for text[0] == "" || !strings.Contains(text[0], "; stale") || !strings.Contains(text[1], "; stale") {
		time.Sleep(100 * time.Millisecond)
		named.rndc(t, "dumpdb", "-cache")
		if got := c.run("dumpdb -cache"); got != "" {
			t.Errorf("dumpdb says %q, want nothing", got)
		}
		text[0], text[1] = finished(t, filepath.Join(named.dir, "dump")), c.read("dump")
	}
	for i := range text {
		dumps[i] = dumped(text[i])
	}
	if len(dumps[0]) < len(dumpQuestions) {
		t.Fatalf("BIND's dump has %d records, want %d at least:\n%s", len(dumps[0]), len(dumpQuestions), text[0])
	}
	for record, ttl := range dumps[0] {
		if got, ok := dumps[1][record]; !ok {
			t.Errorf("the dump lacks %q", record)
		} else if got > ttl+1 {
			t.Errorf("%q has TTL %d, want BIND's %d at most", record, got, ttl)
		}
	}
	for record := range dumps[1] {
		if _, ok := dumps[0][record]; !ok {
			t.Errorf("the dump has %q, which BIND's has not", record)
		}
	}
	wantMatch(t, text[1], `\A;\n; Start view _default\n;\n;\n; Cache dump of view '_default' \(cache _default\)\n;\n; using a 86400 second stale ttl\n\$DATE \d{14}\n; answer\n`,
		`^;\n; Address database dump\n;\n; \[edns success/timeout\]\n; \[plain success/timeout\]\n;\n;\n; Unassociated entries\n;\n;\t127\.0\.0\.1 \[srtt \d+\] \[flags 00000000\] \[edns \d+/0\] \[plain 0/0\]$`,
		`^;\n; Bad cache\n;\n;\n; SERVFAIL cache\n;\n; Dump complete\n\z`)
	if left, _ := filepath.Glob(filepath.Join(c.dir, ".dump-*")); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// dumped returns the records of a dump with their TTLs: of each set its last one, and
// 0 for what is stale.
func dumped(text string) map[string]int {
	cache, _, _ := strings.Cut(text, "; Address database dump")
	records := make(map[string]int)
	owner, stale := "", false
	for line := range strings.Lines(cache) {
		if line = strings.TrimRight(line, "\n"); strings.HasPrefix(line, ";") || strings.HasPrefix(line, "$") {
			stale = stale && line != "; answer" || strings.HasPrefix(line, "; stale")
			continue
		}
		head, data, _ := strings.Cut(line, ";-$") // a TXT may have a semicolon
		if !strings.HasPrefix(line, "\t") {
			owner = strings.Fields(head)[0]
			head = head[len(owner):]
		}
		words := strings.Fields(head)
		ttl, _ := strconv.Atoi(words[0])
		if words = words[1:]; words[0] == "IN" {
			words = words[1:]
		}
		if stale {
			ttl = 0
		}
		records[strings.Join(append([]string{owner}, words...), " ")+data] = ttl
	}
	return records
}

// finished returns a dump that is whole.
func finished(t *testing.T, path string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(path); err == nil && strings.HasSuffix(string(text), "; Dump complete\n") {
			return string(text)
		}
	}
	t.Fatalf("%s is not finished", path)
	return ""
}

// controllable is a BIND with a control channel.
type controllable struct {
	addr      netip.AddrPort
	dir, conf string
	program   string
}

const throwawayKey = `key "k" { algorithm hmac-sha256; secret "z3SmzhaePoykYMsVgOzjrt1MtwW3UOwvil9CVp8Gy1s="; };
`

// startNamedWithChannel starts one that asks c's resolver.
func startNamedWithChannel(t *testing.T, c *commanded, more string) *controllable {
	t.Helper()
	program, rndc := workbench.Need(t, "named"), workbench.Need(t, "rndc")
	n := &controllable{addr: freeAddr(t), dir: t.TempDir(), program: rndc}
	control := freeAddr(t)
	upstream := c.server.Stats().Upstream.Servers[0].Addr
	text := strings.NewReplacer("{upstream}", "127.0.0.1 port "+portText(upstream), "{more}", more, "{dir}", n.dir,
		"controls { };", throwawayKey+fmt.Sprintf(`controls { inet 127.0.0.1 port %d allow { any; } keys { "k"; }; };`, control.Port())).Replace(commandsConf)
	write(t, filepath.Join(n.dir, "host.zone"), hostZone)
	n.conf = filepath.Join(n.dir, "rndc.conf")
	write(t, n.conf, throwawayKey+fmt.Sprintf("options { default-key k; default-server 127.0.0.1; default-port %d; };\n", control.Port()))
	startNamed(t, program, text, n.addr)
	return n
}

// rndc runs the program, which must succeed, and returns what it prints.
func (n *controllable) rndc(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(n.program, slices.Concat([]string{"-c", n.conf}, args)...).CombinedOutput()
	if err != nil {
		t.Fatalf("rndc %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// A dump has what is asked for: of a view, zones or servers alone, what is expired too.
func TestDumpParts(t *testing.T) {
	c := startCommanded(t, `dump-file "dump"; stale-cache-enable no;`)
	if err := c.resolver.Set("short.awslab.mycompany.corp. 1 IN A 10.1.1.4"); err != nil {
		t.Fatal(err)
	}
	c.ask("short.awslab.mycompany.corp.", dns.TypeA)
	for line, want := range map[string][3]bool{ // cache, servers, zones
		"dumpdb": {true, true, false}, "dumpdb -all": {true, true, true}, "dumpdb _default": {true, true, false},
		"dumpdb -zones _default": {false, false, true}, "dumpdb -adb": {false, true, false}, "dumpdb -bad": {}, "dumpdb -fail _bind": {},
	} {
		c.run(line)
		text := c.read("dump")
		got := [3]bool{strings.Contains(text, "Cache dump"), strings.Contains(text, "Address database"), strings.Contains(text, "; Zone dump of 'here.test/IN'\n;\nhere.test.\t")}
		if got != want {
			t.Errorf("%s writes cache, servers, zones: %v, want %v\n%s", line, got, want, text)
		}
	}
	for line, want := range map[string]string{"dumpdb -bogus": "view '-bogus' not found", "dumpdb -cache nosuch": "view 'nosuch' not found"} {
		if got := c.run(line); got != want {
			t.Errorf("%s says %q, want %q", line, got, want)
		}
	}
	expired := regexp.MustCompile(`(?m)^; expired \(awaiting cleanup\)\nshort\.awslab\.mycompany\.corp\.\t0\tIN\tA\t10\.1\.1\.4$`)
	for !expired.MatchString(c.read("dump")) {
		c.run("dumpdb -expired")
	}
	c.run("dumpdb -cache")
	if text := c.read("dump"); strings.Contains(text, "short") {
		t.Errorf("what has expired is in the dump:\n%s", text)
	}
}
