package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/workbench"
)

// testSecret is good for all HMACs.
var testSecret = base64.StdEncoding.EncodeToString([]byte("a secret for tests, of no worth."))

// keyStatements are one key for each HMAC, named as that.
func keyStatements() string {
	var b strings.Builder
	for _, a := range rndc.Algorithms() {
		fmt.Fprintf(&b, "key \"%s\" { algorithm %s; secret \"%s\"; };\n", a, a, testSecret)
	}
	return b.String()
}

// controlConf is a configuration with a channel for each kind of setting, at the
// port that DNS has on another address.
const controlConf = `options {
	directory "{dir}";
	pid-file none;
	session-keyfile none;
	listen-on port {port} { {address}; };
	listen-on-v6 { none; };
	forwarders { 127.0.0.1 port 9; };
	forward only;
	empty-zones-enable no;
	dnssec-validation no;
};
include "{dir}/keys";
zone "here.test" { type primary; file "{dir}/host.zone"; };
zone "fwd.test" { type forward; forward only; forwarders { 127.0.0.1 port 9; }; };
controls {
	inet 127.0.0.5 port {port} allow { 127.0.0.1; } keys { {keys} };
	inet 127.0.0.2 port {port} allow { any; } keys { "hmac-sha256"; } read-only yes;
	inet 127.0.0.3 port {port} allow { !127.0.0.1; any; } keys { "hmac-sha256"; };
};
`

// controlled is a server with the channels of controlConf, and rndc.conf for its
// keys.
type controlled struct {
	*lab.Process
	dir, conf string
	addr      netip.AddrPort
}

func newControlConf(t *testing.T) controlled {
	t.Helper()
	addr := freeAddr(t)
	names := ""
	for _, a := range rndc.Algorithms() {
		names += `"` + a + `"; `
	}
	conf := writeConf(t, strings.ReplaceAll(controlConf, "{keys}", names), addr)
	c := controlled{dir: filepath.Dir(conf), conf: conf, addr: addr}
	write(t, filepath.Join(c.dir, "keys"), keyStatements())
	write(t, filepath.Join(c.dir, "rndc.conf"), keyStatements()+`options { default-key "hmac-sha256"; };`)
	return c
}

func startControlled(t *testing.T, args ...string) controlled {
	t.Helper()
	c := newControlConf(t)
	c.Process = lab.Start(t, "the forwarder", exec.Command(lab.BuildForwarder(t), append([]string{"-g", "--metrics-address=", "-c", c.conf}, args...)...))
	c.WaitToSay(t, "command channel listening on 127.0.0.3#")
	return c
}

// rndcAt runs a program as rndc, at an address of the server's port.
func (c controlled) rndcAt(t *testing.T, program []string, addr string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	all := slices.Concat(program[1:], []string{"-c", filepath.Join(c.dir, "rndc.conf"), "-s", addr, "-p", portText(c.addr)}, args)
	return outputs(t, exec.Command(program[0], all...))
}

func outputs(t *testing.T, cmd *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// The real rndc drives the forwarder as it does named.
func TestRealRNDC(t *testing.T) {
	program := []string{workbench.Need(t, "rndc")}
	c := startControlled(t, "--control-key", "hmac-sha384=status,flushname", "--control-key", "failover=status", "-d", "1")
	c.WaitToSay(t, "--control-key failover: no control channel has a key of that name")
	const here, readOnly, closed = "127.0.0.5", "127.0.0.2", "127.0.0.3"
	run := func(addr string, wantCode int, want string, args ...string) {
		t.Helper()
		code, stdout, stderr := c.rndcAt(t, program, addr, args...)
		if code != wantCode || !strings.Contains(stdout+stderr, want) || code == 0 && stderr != "" {
			t.Errorf("rndc -s %s %q = %d, %q, %q, want %d, %q", addr, args, code, stdout, stderr, wantCode, want)
		}
	}
	for _, a := range rndc.Algorithms() {
		if a != "hmac-sha384" {
			run(here, 0, "", "-y", a, "null")
		}
		run(here, 0, "server is up and running", "-y", a, "status")
	}
	run(here, 1, "permission denied\nkey 'hmac-sha384' is limited to status, flushname", "-y", "hmac-sha384", "stop")
	run(here, 1, "permission denied", "-y", "hmac-sha384", "flush")
	c.WaitToSay(t, "control channel command 'stop' from 127.0.0.1#")

	for _, tt := range []struct {
		code int
		want string
		args []string
	}{
		{0, "", []string{"null"}},
		{0, "", []string{"  NULL", "x"}},
		{1, "'' failed: failure", []string{""}},
		{1, "'nosuch' failed: unknown command", []string{"nosuch"}},
		{0, "server is up and running", []string{"STATUS"}},
		{0, "server reload successful", []string{"reload"}},
		{0, "zone reload up-to-date", []string{"reload", "here.test", "IN", "_default"}},
		{0, "", []string{"reconfig"}},
		{0, "", []string{"scan"}},
		{0, "name: here.test\ntype: primary\n", []string{"zonestatus", "HERE.test."}},
		{0, "reconfigurable via modzone: no", []string{"zonestatus", `"here.test"`, "in"}},
		{1, "not found\nno matching zone 'fwd.test' in any view", []string{"zonestatus", "fwd.test"}},
		{1, "not found\nno matching zone 'x' in view '_default'", []string{"zonestatus", "x", "IN", "_default"}},
		{1, "not found\nno matching view 'nov'", []string{"zonestatus", "here.test", "IN", "nov"}},
		{1, "not found\nno matching zone 'here.test' in any view", []string{"zonestatus", "here.test", "CH"}},
		{1, "unknown class/type", []string{"zonestatus", "here.test", "XX"}},
		{1, "unexpected end of input", []string{"zonestatus"}},
		{1, "not dynamic", []string{"freeze", "here.test"}},
		{0, "", []string{"freeze"}},
		{0, "", []string{"thaw", "here.test"}},
		{0, "", []string{"sync", "-clean", "here.test"}},
		{1, "failure\nnot a secondary, mirror, or stub zone", []string{"refresh", "here.test"}},
		{1, "failure\nretransfer: inappropriate zone type: primary", []string{"retransfer", "here.test"}},
		{1, "unexpected end of input", []string{"retransfer"}},
		{1, "permission denied", []string{"sign", "here.test"}},
		{0, "No signing records found", []string{"signing", "-list", "here.test"}},
		{0, "Zone does not have dnssec-policy", []string{"dnssec", "-status", "here.test"}},
		{0, "DNSSEC validation is disabled (view _default)", []string{"validation", "check"}},
		{1, "unexpected end of input", []string{"validation"}},
		{1, "syntax error", []string{"validation", "x"}},
		{0, "", []string{"nta", "-d"}},
		{1, "unexpected end of input", []string{"nta"}},
		{0, " Start view _default\n   Secure roots:\n\n   Negative trust anchors:\n", []string{"secroots", "-"}},
		{0, "view: _default\nnext scheduled event: never", []string{"managed-keys", "status"}},
		{0, "tcp-initial-timeout=300\ntcp-idle-timeout=300\ntcp-keepalive-timeout=300\ntcp-advertised-timeout=300", []string{"tcp-timeouts"}},
		{1, "not found", []string{"dnstap", "-reopen"}},
		{1, "unexpected token", []string{"addzone", "x"}},
		{1, "permission denied\nNot allowing new zones in view '_default'", []string{"addzone", "x", "{ type primary; };"}},
		{1, "permission denied", []string{"delzone", "here.test"}},
		{0, "abcdefghij", []string{"testgen", "10"}},
	} {
		run(here, tt.code, tt.want, tt.args...)
	}
	c.WaitToSay(t, "unknown control channel command 'nosuch'")
	c.WaitToSay(t, "received control channel command 'zonestatus here.test XX'")

	run(readOnly, 0, "server is up and running", "status")
	run(readOnly, 0, "", "null")
	for _, restricted := range []string{"reload", "flush", "stop", "nosuch"} {
		run(readOnly, 1, "'"+restricted+"' failed: failure", restricted)
	}
	c.WaitToSay(t, "rejecting restricted control channel command 'stop'")
	run(closed, 1, "rndc: ", "status")
	c.WaitToSay(t, "rejected command channel message from 127.0.0.1#")

	testReloadFails(t, c, run)
	testOtherKeys(t, c, run)
	run(here, 0, fmt.Sprintf("pid: %d", c.Cmd.Process.Pid), "stop", "-p")
	<-c.Exited
	if code := c.Cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit status after stop = %d, want 0:\n%s", code, c.Tail())
	}
	if text := c.Tail(); strings.Contains(text, testSecret) {
		t.Errorf("the log shows a secret:\n%s", text)
	}
}

type runFunc func(addr string, wantCode int, want string, args ...string)

// A reload of a broken file fails with what is wrong, and changes nothing.
func testReloadFails(t *testing.T, c controlled, run runFunc) {
	good, err := os.ReadFile(c.conf)
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.conf, string(good)+"frobnicate yes;\n")
	where := fmt.Sprintf("%s:%d:1", c.conf, strings.Count(string(good), "\n")+1)
	run("127.0.0.5", 1, "rndc: 'reload' failed: failure\n"+where+": unknown option 'frobnicate'\n", "reload")
	run("127.0.0.5", 1, "unknown option 'frobnicate'", "reconfig")
	write(t, c.conf, string(good))
	zone := filepath.Join(c.dir, "host.zone")
	write(t, zone, hostZone+"more A 192.0.2.9\n")
	run("127.0.0.5", 0, "zone reload successful", "reload", "here.test")
	write(t, zone, hostZone+"more FOO\n")
	run("127.0.0.5", 1, "not loaded due to errors", "reload", "here.test")
	write(t, zone, hostZone)
	run("127.0.0.5", 0, "server reload successful", "reload")
}

// A reload exchanges keys and channels: it is answered with the key that asked.
func testOtherKeys(t *testing.T, c controlled, run runFunc) {
	other := base64.StdEncoding.EncodeToString([]byte("another one"))
	write(t, filepath.Join(c.dir, "keys"), strings.ReplaceAll(keyStatements(), testSecret, other))
	run("127.0.0.5", 0, "server reload successful", "reload")
	run("127.0.0.5", 1, "rndc: connection to remote host closed", "null")
	c.WaitToSay(t, "bad auth")
	write(t, filepath.Join(c.dir, "rndc.conf"), strings.ReplaceAll(keyStatements(), testSecret, other)+`options { default-key "hmac-sha256"; };`)
	run("127.0.0.5", 0, "", "null")

	text, err := os.ReadFile(c.conf)
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.conf, strings.ReplaceAll(string(text), "inet 127.0.0.2 ", "inet 127.0.0.4 "))
	run("127.0.0.2", 1, "failed", "reload") // read-only
	run("127.0.0.5", 0, "server reload successful", "reload")
	run("127.0.0.2", 1, "rndc: connect failed: 127.0.0.2#"+portText(c.addr)+": connection refused", "null")
	run("127.0.0.4", 0, "server is up and running", "status")
}

// SIGUSR2: the new process has the control channel too.
func TestControlHandover(t *testing.T) {
	program := []string{workbench.Need(t, "rndc")}
	c := newControlConf(t)
	c.Process = lab.Start(t, "the forwarder", exec.Command(lab.BuildForwarder(t), "-f", "--metrics-address=", "-L", filepath.Join(c.dir, "log"), "-c", c.conf))
	c.WaitFor(t, c.addr)
	heard := func() bool {
		_, stdout, _ := c.rndcAt(t, program, "127.0.0.5", "status")
		return strings.Contains(stdout, "up and running")
	}
	waitFor(t, "a control channel", heard)
	c.Signal(t, syscall.SIGUSR2)
	<-c.Exited
	waitFor(t, "the control channel of the new process", heard)
	if code, stdout, stderr := c.rndcAt(t, program, "127.0.0.5", "stop"); code != 0 {
		t.Errorf("rndc stop = %d, %q, %q", code, stdout, stderr)
	}
	if text := readIfAny(filepath.Join(c.dir, "log")); strings.Contains(text, "couldn't add command channel") {
		t.Errorf("the log complains about the address that it was to take over:\n%s", text)
	}
}
