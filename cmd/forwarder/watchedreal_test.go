package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/watch"
	"vpcdns/forwarder/workbench"
)

// corpConf forwards what it has overrides for, and has the keys of a file.
const corpConf = `options {
	directory "{dir}";
	pid-file none;
	session-keyfile none;
	listen-on port {port} { {address}; };
	listen-on-v6 { none; };
	forwarders { 127.0.0.1 port {upstream}; };
	forward only;
	empty-zones-enable no;
	dnssec-validation no;
};
include "{dir}/keys";
zone "corp.test" { type forward; forward only; forwarders { 127.0.0.1 port {upstream}; }; };
`

// watchedConf has a channel with a key that is limited, and one that is read-only.
const watchedConf = corpConf + `controls {
	inet 127.0.0.5 port {port} allow { 127.0.0.1; } keys { "hmac-sha256"; "hmac-sha512"; };
	inet 127.0.0.2 port {port} allow { any; } keys { "hmac-sha256"; } read-only yes;
};
`

// watched is the built binary with a state file, and an upstream for it.
type watched struct {
	controlled
	t        *testing.T
	resolver *vpcresolver.Resolver
	rndc     []string
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	resolver, upstream := startResolver(t)
	if err := resolver.Set("app.corp.test. 10 IN A 10.79.1.5", "alias.corp.test. 10 IN CNAME app.corp.test.", `app.corp.test. 10 IN TXT "upstream's"`); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	conf := writeConf(t, strings.ReplaceAll(watchedConf, "{upstream}", portText(upstream)), addr)
	w := &watched{t: t, resolver: resolver, controlled: controlled{dir: filepath.Dir(conf), conf: conf, addr: addr}}
	write(t, filepath.Join(w.dir, "keys"), keyStatements())
	write(t, filepath.Join(w.dir, "rndc.conf"), keyStatements()+`options { default-key "hmac-sha256"; };`)
	w.rndc = []string{lab.BuildForwarder(t), "rndc"}
	return w
}

func (w *watched) state() string { return filepath.Join(w.dir, "state") }

// start starts the server, as systemd does again after a crash.
func (w *watched) start() {
	w.t.Helper()
	w.Process = lab.Start(w.t, "the forwarder", exec.Command(lab.BuildForwarder(w.t), "-g", "--metrics-address=", "-c", w.conf,
		"--state-file", w.state(), "--watch", "fixed.corp.test", "--control-key", "hmac-sha512=override,verify,watch"))
	w.WaitToSay(w.t, "command channel listening on 127.0.0.2#")
	w.WaitFor(w.t, w.addr)
}

// ok runs a command, which must succeed, and returns what it prints.
func (w *watched) ok(args ...string) string {
	w.t.Helper()
	code, stdout, stderr := w.rndcAt(w.t, w.rndc, "127.0.0.5", args...)
	if code != 0 {
		w.t.Errorf("%v %q = %d, %q", w.rndc, args, code, stderr)
	}
	return stdout
}

// refused runs one that must fail, and say why.
func (w *watched) refused(addr, want string, args ...string) {
	w.t.Helper()
	if code, stdout, stderr := w.rndcAt(w.t, w.rndc, addr, args...); code != 1 || stdout != "" || !strings.Contains(stderr, want) {
		w.t.Errorf("%v %q = %d, %q, %q, want %q", w.rndc, args, code, stdout, stderr, want)
	}
}

// dig returns what dig prints.
func (w *watched) dig(args ...string) string {
	w.t.Helper()
	all := append([]string{"@" + w.addr.Addr().String(), "-p", portText(w.addr), "+tries=1", "+timeout=10"}, args...)
	code, stdout, stderr := outputs(w.t, exec.Command(workbench.Need(w.t, "dig"), all...))
	if code != 0 {
		w.t.Fatalf("dig %q = %d, %q, %q", args, code, stdout, stderr)
	}
	return stdout
}

// Both programs reach watched names, overrides and verifications in the built binary,
// and dig sees what they do.
func TestWatchedByRNDC(t *testing.T) {
	t.Parallel()
	for name, program := range map[string][]string{"forwarder rndc": {lab.BuildForwarder(t), "rndc"}, "rndc": {workbench.Need(t, "rndc")}} {
		t.Run(name, func(t *testing.T) {
			w := newWatched(t)
			w.rndc = program
			w.start()
			w.testWatch()
			w.testOverride()
			w.testVerify()
			w.testRights()
		})
	}
}

func (w *watched) testWatch() {
	t := w.t
	w.ok("watch", "app.corp.test")
	w.ok("watch", "add", "*.lab.corp.test")
	if got := w.dig("+noall", "+answer", "app.corp.test"); !strings.Contains(got, "app.corp.test.\t\t0\tIN\tA\t10.79.1.5") {
		t.Errorf("dig prints %q, want a TTL of 0", got)
	}
	wantMatch(t, w.ok("watch", "list"), `^\*\.lab\.corp\.test$`, `^app\.corp\.test$`, `^  A +10\.79\.1\.5`, `^fixed\.corp\.test$`)
	waitFor(t, "the client that holds the answer for a second", func() bool {
		w.dig("app.corp.test")
		var st watch.Status
		if err := json.Unmarshal([]byte(w.ok("watch", "show", "app.corp.test", "json", "clients")), &st); err != nil || !st.Watched || len(st.Ledger) != 1 {
			t.Fatalf("watch show json = %+v, %v", st, err)
		}
		names := st.Ledger[0].Names
		return len(names) == 1 && names[0].Client.String() == "127.0.0.1"
	})
	w.ok("watch", "delete", "*.lab.corp.test")
	w.refused("127.0.0.5", "not found\n", "watch", "delete", "*.lab.corp.test")
	w.refused("127.0.0.5", "it is used as: watch add name", "watch", "app.corp.test", "app.corp.test")
}

func (w *watched) testOverride() {
	t := w.t
	if got := w.dig("+short", "alias.corp.test"); got != "app.corp.test.\n10.79.1.5\n" {
		t.Errorf("dig alias prints %q before the override", got)
	}
	w.ok("override", "add", "app.corp.test", "A", "10.79.2.5", "10.79.2.6", "for", "1h")
	text := w.dig("alias.corp.test")
	wantMatch(t, text, `status: NOERROR`, `EDE: 4 \(Forged Answer\)`, `^alias\.corp\.test\.\s+\d+\s+IN\s+CNAME\s+app\.corp\.test\.$`,
		`^app\.corp\.test\.\s+0\s+IN\s+A\s+10\.79\.2\.[56]$`, `^app\.corp\.test\.\s+0\s+IN\s+A\s+10\.79\.2\.[56]$`)
	if strings.Contains(text, "10.79.1.5") {
		t.Errorf("dig sees the old address:\n%s", text)
	}
	if got := w.dig("+short", "app.corp.test", "TXT"); got != "\"upstream's\"\n" {
		t.Errorf("dig TXT prints %q, want what upstream says", got)
	}
	wantMatch(t, w.dig("app.corp.test", "AAAA"), `status: NOERROR.*$`, `ANSWER: 0,`)
	w.ok("override", "add", "new.corp.test", "A", "10.79.2.9")
	if got := w.dig("+short", "new.corp.test"); got != "10.79.2.9\n" {
		t.Errorf("dig prints %q for a name that upstream has not", got)
	}
	wantMatch(t, w.dig("new.corp.test", "AAAA"), `status: NOERROR.*$`, `ANSWER: 0,`)
	w.WaitToSay(t, "app.corp.test A: override with 10.79.2.5, 10.79.2.6 for 1h0m0s by key 'hmac-sha256' at 127.0.0.1#")
	wantMatch(t, w.ok("override", "list"), `^app\.corp\.test A 10\.79\.2\.5, 10\.79\.2\.6$`, `^ +set 20`, `by\s+key\s+'hmac-sha256'\s+at\s+127\.0\.0\.1#\d+$`, `^new\.corp\.test A 10\.79\.2\.9$`)
	w.ok("override", "add", "app.corp.test", "A", "10.79.2.7", "lease", "abc")
	w.ok("override", "withdraw", "app.corp.test", "abc")
	if got := w.dig("+short", "app.corp.test"); got == "10.79.2.7\n" || got == "10.79.1.5\n" {
		t.Errorf("dig prints %q after a lease was withdrawn", got)
	}
	w.refused("127.0.0.5", "already exists\n", "override", "add", "app.corp.test", "A", "10.79.2.8", "at", "2026-01-01T00:00:00Z")
	w.refused("127.0.0.5", "start with --override-zone", "override", "add", "www.elsewhere.test", "A", "10.79.2.8")
	w.refused("127.0.0.5", `"10.79" is none of type A`, "override", "add", "app.corp.test", "A", "10.79")
	w.ok("override", "delete", "app.corp.test", "A")
	w.ok("override", "delete", "new.corp.test")
	w.WaitToSay(t, "new.corp.test: override deleted by key 'hmac-sha256' at 127.0.0.1#")
	if got := w.ok("override", "list", "json"); got != "[]\n" {
		t.Errorf("override list json = %q", got)
	}
	wantMatch(t, w.ok("history", "app.corp.test"), `app\.corp\.test A: .*$`, `override`)
}

func (w *watched) testVerify() {
	w.ok("verify", "app.corp.test", "A", "10.79.1.5", "for", "30s")
	waitFor(w.t, "a new answer in verify", func() bool {
		var list []watch.SetStatus
		err := json.Unmarshal([]byte(w.ok("verify", "app.corp.test", "json")), &list)
		return err == nil && len(list) == 1 && list[0].Verify.New > 0
	})
	wantMatch(w.t, w.ok("verify", "app.corp.test"), `^app\.corp\.test$`, `^  verify +A 10\.79\.1\.5: `, `^ +first new answer at 20`)
}

func (w *watched) testRights() {
	w.ok("-y", "hmac-sha512", "override", "list")
	w.ok("-y", "hmac-sha512", "override", "add", "app.corp.test", "A", "10.79.2.5")
	w.ok("-y", "hmac-sha512", "override", "delete", "app.corp.test")
	w.refused("127.0.0.5", "limited to override, verify, watch", "-y", "hmac-sha512", "flush")
	w.refused("127.0.0.5", "limited to override, verify, watch", "-y", "hmac-sha512", "guard", "clear", "app.corp.test")
	const readOnly = "127.0.0.2"
	for _, line := range []string{"override add app.corp.test A 10.79.2.5", "override delete app.corp.test", "watch other.corp.test", "watch delete app.corp.test",
		"verify app.corp.test A 10.79.2.5", "guard clear app.corp.test", "override", "watch"} {
		w.refused(readOnly, "this control channel is read-only", strings.Fields(line)...)
	}
	for _, line := range []string{"override list", "watch list", "watch show app.corp.test json", "watch export", "verify app.corp.test", "history"} {
		if code, _, stderr := w.rndcAt(w.t, w.rndc, readOnly, strings.Fields(line)...); code != 0 {
			w.t.Errorf("%s on a read-only channel = %d, %q", line, code, stderr)
		}
	}
}

// What was switched stays so over kill -9 and restart. A state file that is broken is
// set aside, and all is as upstream says.
func TestWatchedOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.start()
	w.ok("watch", "app.corp.test")
	w.dig("app.corp.test")
	if text := w.ok("override", "add", "app.corp.test", "A", "10.79.2.5"); text != "" {
		t.Errorf("override add says %q, want nothing: there is a state file", text)
	}
	w.Kill()
	info, err := os.Stat(w.state())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the state file: %v, %v, want one of mode 600", info, err)
	}
	w.start()
	if got := w.dig("+short", "alias.corp.test"); got != "app.corp.test.\n10.79.2.5\n" {
		t.Errorf("dig prints %q after kill -9", got)
	}
	wantMatch(t, w.ok("watch", "list"), `^app\.corp\.test$`, `^  A +10\.79\.2\.5 \(override\)`, `^fixed\.corp\.test$`)
	wantMatch(t, w.ok("override", "list"), `^app\.corp\.test A 10\.79\.2\.5$`, `by\s+key\s+'hmac-sha256'\s+at\s+127\.0\.0\.1#`)
	wantMatch(t, w.ok("history"), `app\.corp\.test A: 10\.79\.2\.5,\s+before\s+10\.79\.1\.5;\s+by\s+override`)
	w.Kill()

	text, err := os.ReadFile(w.state())
	if err != nil {
		t.Fatal(err)
	}
	for name, broken := range map[string][]byte{"cut": text[:len(text)/2], "empty": nil, "of others": []byte("#!/bin/sh\n")} {
		write(t, w.state(), string(broken))
		w.start()
		w.WaitToSay(t, "starting without overrides, watches and history of before: "+w.state())
		if got := w.dig("+short", "app.corp.test"); got != "10.79.1.5\n" {
			t.Errorf("a state file that is %s: dig prints %q, want what upstream says", name, got)
		}
		if aside, err := os.ReadFile(w.state() + ".broken"); err != nil || string(aside) != string(broken) {
			t.Errorf("a state file that is %s: set aside is %q, %v", name, aside, err)
		}
		if got := w.ok("watch", "list"); got != "fixed.corp.test\n" {
			t.Errorf("a state file that is %s: watch list = %q", name, got)
		}
		w.Kill()
	}
	if err := errors.Join(os.RemoveAll(w.state()), os.MkdirAll(filepath.Join(w.state(), "in the way"), 0o755)); err != nil {
		t.Fatal(err)
	}
	w.start()
	if text := w.ok("override", "add", "app.corp.test", "A", "10.79.2.5"); !strings.Contains(text, "it is in force, and forgotten when this process ends: ") {
		t.Errorf("override add says %q where the file cannot be written", text)
	}
}

// A process that takes over goes on with what was switched; the state file is its own.
func TestWatchedHandover(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	log := filepath.Join(w.dir, "log")
	start := func() {
		w.Process = lab.Start(t, "the forwarder", exec.Command(lab.BuildForwarder(t), "-f", "--metrics-address=", "-L", log, "-c", w.conf, "--state-file", w.state()))
		w.WaitFor(t, w.addr)
	}
	add := func(data string) {
		t.Helper()
		waitFor(t, "a control channel", func() bool {
			code, _, _ := w.rndcAt(t, w.rndc, "127.0.0.5", "override", "add", "app.corp.test", "A", data)
			return code == 0
		})
	}
	start()
	add("10.79.2.5")
	w.Signal(t, syscall.SIGUSR2)
	<-w.Exited
	if got := w.dig("+short", "app.corp.test"); got != "10.79.2.5\n" {
		t.Errorf("dig prints %q after SIGUSR2", got)
	}
	add("10.79.2.6")
	w.ok("stop")
	waitFor(t, "the end of the second process", func() bool { return strings.Count(readIfAny(log), "exiting") == 2 })
	start()
	if got := w.dig("+short", "app.corp.test"); got != "10.79.2.6\n" {
		t.Errorf("dig prints %q after a new start", got)
	}
}

// The page for people, the line for systemd's log and the metrics tell of an override.
func TestWatchedIsTold(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	metrics := freeAddr(t)
	w.Process = lab.Start(t, "the forwarder", exec.Command(lab.BuildForwarder(t), "-g", "--metrics-address="+host.Address(metrics), "-c", w.conf, "--watch", "app.corp.test", "--watch-ttl", "3"))
	w.WaitFor(t, w.addr)
	w.WaitToSay(t, "command channel listening on 127.0.0.2#")
	if got := w.dig("+noall", "+answer", "app.corp.test"); !strings.Contains(got, "\t3\tIN\tA\t10.79.1.5") {
		t.Errorf("dig prints %q, want a TTL of 3", got)
	}
	if text := w.ok("override", "add", "app.corp.test", "A", "10.79.2.5"); !strings.Contains(text, "there is no --state-file") {
		t.Errorf("override add without a state file says %q", text)
	}
	status := []string{lab.BuildForwarder(t), "status"}
	code, screen, stderr := w.rndcAt(t, status, "127.0.0.2")
	if code != 0 {
		t.Errorf("forwarder status = %d, %q", code, stderr)
	}
	wantNarrow(t, screen)
	wantMatch(t, screen, `^watching +app\.corp\.test`, `^override +app\.corp\.test A: 10\.79\.2\.5 since \d\d:\d\d:\d\d, by key`, `upstream says 10\.79\.1\.5`,
		`^changed +\d\d:\d\d:\d\d app\.corp\.test A: 10\.79\.2\.5, before 10\.79\.1\.5`, `^trouble +none$`)
	page := waitStatus(t, fmt.Sprintf("http://%s/metrics", metrics), http.StatusOK)
	for _, want := range []string{"\nforwarder_overrides 1\n", "\nforwarder_watched_names 1\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("/metrics lacks %q", want)
		}
	}
}
