package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/rndc"
)

// recursing tells who waits for what.
func TestRecursingCommand(t *testing.T) {
	c := startCommanded(t, `recursing-file "waiting";`)
	const silent = "silent.awslab.mycompany.corp."
	c.resolver.SetFaults(silent, vpcresolver.Faults{Drop: 1})
	for id, name := range map[uint16]string{1111: silent, 2222: silent} {
		m := new(dns.Msg).SetQuestion(name, dns.TypeA)
		m.Id = id
		conn, err := dns.Dial("udp", c.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.WriteMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	for c.server.Waiting() < 2 {
		time.Sleep(time.Millisecond)
	}
	for text := ""; strings.Count(text, "; client ") < 2; text = c.read("waiting") {
		if got := c.run("recursing"); got != "" {
			t.Errorf("recursing says %q, want nothing", got)
		}
	}
	wantMatch(t, c.read("waiting"), `\A;\n; Recursing Queries\n;\n; client 127\.0\.0\.1#\d+: id \d+ 'silent\.awslab\.mycompany\.corp/A/IN' requesttime \d{10} ; waits for \d\.\d s$`,
		`^; client 127`, `^;\n; Active fetch domains \[view: _default\]\n;\nawslab\.mycompany\.corp\.: 1 active\n;\n; Dump complete\n\z`)
}

// stats appends what was counted, in BIND's shape.
func TestStatsCommand(t *testing.T) {
	c := startCommanded(t, `statistics-file "log/named.stats";`)
	_, err := c.try("stats")
	if !errors.Is(err, rndc.FileNotFound.With("")) || !strings.Contains(err.Error(), "log is missing") {
		t.Errorf("stats without its directory: %v", err)
	}
	if err := os.Mkdir(filepath.Join(c.dir, "log"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c.ask("here.test.", dns.TypeSOA)
		c.ask("none.awslab.mycompany.corp.", dns.TypeA)
	}
	waitFor(t, "the count of six replies", func() bool { return c.replies() == 6 })
	c.run("stats")
	c.run("stats")
	text := c.read("log/named.stats")
	if n := strings.Count(text, "+++ Statistics Dump +++ ("); n != 2 {
		t.Errorf("%d dumps in the file, want 2:\n%s", n, text)
	}
	wantMatch(t, text, `\A\+\+\+ Statistics Dump \+\+\+ \(\d{10}\)\n\+\+ Incoming Requests \+\+\n {19}6 QUERY\n`, `^\+\+ Outgoing Rcodes \+\+\n {19}3 NOERROR\n {19}3 NXDOMAIN\n`,
		`^\+\+ Name Server Statistics \+\+$`, `^ {19}6 UDP queries received$`, `^\+\+ Resolver Statistics \+\+\n\[Common\]$`, `^\[View: default\]\n {19}1 IPv4 queries sent\n {19}1 IPv4 responses received$`,
		`^ {19}1 queries with RTT .*ms$`, `^\+\+ Cache Statistics \+\+\n\[View: default\]\n {19}2 cache hits \(from query\)\n {19}1 cache misses \(from query\)$`,
		`^\+\+ Cache DB RRsets \+\+\n\[View: default\]\n {19}1 NXDOMAIN$`, `^\[awslab\.mycompany\.corp \(view: default\)\]\n {19}3 queries resulted in NXDOMAIN$`, `^--- Statistics Dump --- \(\d{10}\)$`)
}

// replies is how many the server has counted: it counts after it has sent.
func (c *commanded) replies() (n uint64) {
	for _, q := range c.server.Stats().Queries {
		n += q.Count
	}
	return n
}

// A pipe in the place of a file is refused: nobody may read it, and the server is to
// go on, and to end. A device stays what it is.
func TestFilesThatAreNone(t *testing.T) {
	c := startCommanded(t, `statistics-file "pipe"; recursing-file "/dev/null"; dump-file "link";`)
	if err := errors.Join(syscall.Mkfifo("pipe", 0o600), os.Symlink("elsewhere", "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.try("stats"); err == nil || !strings.Contains(err.Error(), "pipe: not a regular file") {
		t.Errorf("stats into a pipe: %v, want that it is no file", err)
	}
	if _, err := c.try("recursing"); err == nil {
		t.Error("recursing has replaced /dev/null")
	}
	c.run("dumpdb -cache")
	wantMatch(t, c.read("elsewhere"), `^; Dump complete$`) // one's own link leads there
}
