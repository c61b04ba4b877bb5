package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/workbench"
)

// The real rndc sees and changes the built binary's state as it does named's. The
// server's upstream is silent.
func TestLooksByRealRNDC(t *testing.T) {
	program := []string{workbench.Need(t, "rndc")}
	c := startControlled(t)
	run := func(want string, args ...string) {
		t.Helper()
		code, stdout, stderr := c.rndcAt(t, program, "127.0.0.5", args...)
		wantCode := 0
		if strings.HasPrefix(want, "rndc: ") {
			wantCode = 1
		}
		if code != wantCode || !strings.Contains(stdout+stderr, want) {
			t.Errorf("rndc %q = %d, %q, %q, want %d, %q", args, code, stdout, stderr, wantCode, want)
		}
	}
	conn, err := dns.Dial("udp", c.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	m := new(dns.Msg).SetQuestion("waits.fwd.test.", dns.TypeA)
	waits := false
	for end := time.Now().Add(30 * time.Second); !waits && time.Now().Before(end); {
		if err := conn.WriteMsg(m); err != nil {
			t.Fatal(err)
		}
		run("", "recursing")
		text, err := os.ReadFile(filepath.Join(c.dir, "named.recursing"))
		waits = err == nil && strings.Contains(string(text), "'waits.fwd.test/A/IN' requesttime ")
	}
	if !waits {
		t.Error("the query that waits is not in named.recursing")
	}
	run("query logging is OFF", "status")
	run("", "querylog", "on")
	run("", "trace", "3")
	run("debug level: 3", "status")
	run("query logging is ON", "status")
	run("", "notrace")
	run("", "flushname", "www.fwd.test")
	run("", "flushtree", "fwd.test", "_default")
	run("rndc: 'flushtree' failed: unexpected end of input", "flushtree")
	run("rndc: 'flushname' failed: empty label", "flushname", "a..b")
	run("rndc: 'cache' failed: not found", "cache", "www.fwd.test")
	run("_default: stale cache disabled; stale answers unavailable", "serve-stale", "status")
	run("fwd.test", "upstreams")
	run("", "dumpdb", "-cache")
	run("", "stats")
	for name, want := range map[string]string{"named_dump.db": "; Cache dump of view '_default'", "named.stats": "+++ Statistics Dump +++"} {
		if text, err := os.ReadFile(filepath.Join(c.dir, name)); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s is %q, %v, want it to have %q", name, text, err, want)
		}
	}
}
