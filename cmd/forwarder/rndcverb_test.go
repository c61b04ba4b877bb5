package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/rndc"
	"vpcdns/forwarder/workbench"
)

// forwarder rndc drives the real named, and prints and returns what rndc does.
func TestOwnRNDCDrivesNamed(t *testing.T) {
	t.Parallel()
	named, real := workbench.Need(t, "named"), []string{workbench.Need(t, "rndc")}
	own := []string{lab.BuildForwarder(t), "rndc"}
	c := newControlConf(t)
	c.Process = lab.Start(t, "named", exec.Command(named, "-g", "-c", c.conf))
	c.WaitToSay(t, "command channel listening on 127.0.0.3#")
	c.WaitToSay(t, "running")
	empty, key := filepath.Join(c.dir, "empty.conf"), filepath.Join(c.dir, "rndc.key")
	write(t, empty, "options { };\n")
	write(t, key, fmt.Sprintf("key \"hmac-sha512\" { algorithm hmac-sha512; secret \"%s\"; };\n", testSecret))
	servers := filepath.Join(c.dir, "servers.conf")
	write(t, servers, keyStatements()+fmt.Sprintf(`options { default-server here; default-key "hmac-sha1"; default-port %s; };
		server here { key "hmac-sha1"; addresses { 127.0.0.1 port 1; 127.0.0.5; }; };
		server "127.0.0.5" { key "hmac-sha224"; port %[1]s; };
		server there { key none; addresses { 127.0.0.5; }; };`, portText(c.addr)))
	lines := [][]string{
		{"null"}, {"-r", "null"}, {"-r", "nosuch"}, {"-q", "status"}, {"-q", "nosuch"}, {"reload"}, {"-r", "reload", "here.test"},
		{"zonestatus"}, {"-r", "zonestatus", "nosuch", "IN", "_default"}, {"zonestatus", `"x y"`}, {"testgen", "300000"}, {""}, {"-4", "flush"}, {"-6", "flush"},
		{"-y", "nokey", "null"}, {"-p", "1", "null"}, {"-p", "0", "null"}, {"-p", "99999", "null"}, {"-s", "127.0.0.2", "stop"},
		{"-s", "::1", "-4", "null"}, {"-s", "::1", "-p", "1", "null"}, {"-4", "-6", "null"}, {"-b", "192.0.2.7", "null"},
		{"-c", "/nonexistent", "null"}, {"-c", empty, "null"}, {"-c", servers, "-p", portText(c.addr), "null"},
	}
	if code, _, errs := outputs(t, exec.Command(own[0], "status", "-c", servers)); code != statusUnknown || !strings.Contains(errs, "it is named") {
		t.Errorf("forwarder status of named = %d, %q, want %d and who it is", code, errs, statusUnknown)
	}
	for _, a := range rndc.Algorithms() {
		lines = append(lines, []string{"-y", a, "null"})
	}
	for _, line := range lines {
		gotCode, gotOut, gotErr := c.rndcAt(t, own, "127.0.0.5", line...)
		code, out, errs := c.rndcAt(t, real, "127.0.0.5", line...)
		if gotCode != code || gotOut != out || gotErr != errs {
			t.Errorf("forwarder rndc %q = %d, %.300q, %.300q,\nrndc: %d, %.300q, %.300q", line, gotCode, gotOut, gotErr, code, out, errs)
		}
	}
	for _, args := range [][]string{
		{"-c", servers, "null"}, {"-c", servers, "-s", "127.0.0.5", "null"}, {"-c", servers, "-s", "there", "null"}, {"-c", servers, "-s", "THERE", "-y", "hmac-md5", "null"},
		{"-k", key, "-s", "127.0.0.5", "-p", portText(c.addr), "null"}, {"-k", key, "-y", "ignored", "-s", "127.0.0.5", "-p", portText(c.addr), "null"},
	} {
		gotCode, gotOut, gotErr := outputs(t, exec.Command(own[0], append(own[1:], args...)...))
		code, out, errs := outputs(t, exec.Command(real[0], args...))
		if gotCode != code || gotOut != out || gotErr != errs {
			t.Errorf("forwarder rndc %q = %d, %q, %q,\nrndc: %d, %q, %q", args, gotCode, gotOut, gotErr, code, out, errs)
		}
	}
	// rndc tells a reset from a close, which is for the kernel to choose.
	if code, _, stderr := c.rndcAt(t, own, "127.0.0.3", "null"); code != 1 || !strings.Contains(stderr, "this host is not authorized to connect") {
		t.Errorf("forwarder rndc where it is not allowed = %d, %s", code, stderr)
	}
	if code, _, stderr := c.rndcAt(t, own, "127.0.0.5", "stop"); code != 0 {
		t.Errorf("forwarder rndc stop = %d, %s", code, stderr)
	}
	<-c.Exited
}

// What is no matter of a server.
func TestOwnRNDCUsage(t *testing.T) {
	t.Parallel()
	program := lab.BuildForwarder(t)
	for _, tt := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{"--help"}, 0, "flushname name [view]\n", ""},
		{[]string{"-h"}, 0, "forwarder rndc [flags] COMMAND", ""},
		{nil, 1, "", "Commands of the forwarder"},
		{[]string{"-z"}, 1, "", "unknown shorthand flag: 'z'"},
		{[]string{"-c", "/nonexistent", "null"}, 1, "", "rndc: /nonexistent does not exist\n"},
	} {
		code, stdout, stderr := outputs(t, exec.Command(program, append([]string{"rndc"}, tt.args...)...))
		if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) {
			t.Errorf("forwarder rndc %q = %d, %q, %q, want %d, %q, %q", tt.args, code, stdout, stderr, tt.code, tt.stdout, tt.stderr)
		}
	}
}

// Keys of --make-key are taken by BIND's programs; none is replaced unasked.
func TestMakeKey(t *testing.T) {
	t.Parallel()
	program := lab.BuildForwarder(t)
	path := filepath.Join(t.TempDir(), "rndc.key")
	run := func(wantCode int, want string, args ...string) {
		t.Helper()
		code, stdout, stderr := outputs(t, exec.Command(program, append([]string{"rndc", "--make-key"}, args...)...))
		if code != wantCode || !strings.Contains(stdout+stderr, want) {
			t.Errorf("forwarder rndc --make-key %q = %d, %q, %q, want %d, %q", args, code, stdout, stderr, wantCode, want)
		}
	}
	run(0, `wrote key file "`+path+`"`, path)
	first := readIfAny(path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&^0o640 != 0 {
		t.Errorf("the file is %v, %v, want 0640 at most", info.Mode(), err)
	}
	run(1, "stays as it is; --force replaces it", path)
	if readIfAny(path) != first {
		t.Error("the key is replaced")
	}
	for _, a := range rndc.Algorithms() {
		run(0, "wrote key file", "-A", a, "-k", "other.key", "--force", path)
		k, err := config.LoadKey(path)
		if err != nil || k.Name != "other.key" || k.Algorithm != a || len(k.Secret) < 16 || strings.Contains(first, readIfAny(path)) {
			t.Errorf("LoadKey = %v, %v, want other.key of %s", k.Name, err, a)
		}
		if code, stdout, stderr := outputs(t, exec.Command(workbench.Need(t, "named-checkconf"), path)); code != 0 {
			t.Errorf("named-checkconf: %s%s", stdout, stderr)
		}
	}
	run(1, "unsupported algorithm: foo", "--force", "-A", "foo", path)
	run(1, "is no domain name", "--force", "-k", "a..b", path)
	run(1, "create keyfile", filepath.Join(t.TempDir(), "none", "rndc.key"))
	run(1, "takes one file", path, "another")
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}

// Which channels there are by flags, file and default.
func TestControlsOf(t *testing.T) {
	own := config.Control{Addr: netip.MustParseAddrPort("10.0.0.1:953")}
	for _, tt := range []struct {
		args string
		file []config.Control // nil: no controls statement
		want string
	}{
		{"", nil, "127.0.0.1:953 [::1]:953"},
		{"-4", nil, "127.0.0.1:953"},
		{"-6", nil, "[::1]:953"},
		{"", []config.Control{}, ""},
		{"", []config.Control{own}, "10.0.0.1:953"},
		{"--control-address 127.0.0.1:1 --control-address [::1]:2", nil, "127.0.0.1:1 [::1]:2"},
		{"--control-address 127.0.0.1:1", []config.Control{own}, "10.0.0.1:953"},
		{"--control-address=", nil, ""},
		{"--control-address=", []config.Control{own}, ""},
		{"--listen 127.0.0.1:5353", nil, ""},
		{"--listen 127.0.0.1:5353", []config.Control{own}, ""},
		{"--listen 127.0.0.1:5353 --control-address 127.0.0.1:1", []config.Control{own}, "127.0.0.1:1"},
	} {
		f, err := parseFlags(strings.Fields(tt.args))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range f.controls(&config.Config{Controls: tt.file, NoControls: tt.file == nil}) {
			got = append(got, c.Addr.String())
		}
		if !slices.Equal(got, strings.Fields(tt.want)) {
			t.Errorf("with %q and %v: %v, want %v", tt.args, tt.file, got, tt.want)
		}
	}
}

func TestControlFlags(t *testing.T) {
	for args, want := range map[string]string{
		"--control-address localhost":      "is not like 127.0.0.1#953",
		"--control-address 127.0.0.1:0":    "is not like 127.0.0.1#953",
		"--control-address 10.0.0.1:953":   "inet 10.0.0.1 port 953 allow { 192.0.2.1; } keys { \"rndc-key\"; };",
		"--control-address [::]:953":       "needs an access list and a key",
		"--control-key failover":           "is not like failover=",
		"--control-key =status":            "is not like failover=",
		"--control-key failover=":          "is not like failover=",
		"--control-key failover=nosuch":    "there is no command \"nosuch\"",
		"--control-key failover=status,,":  "there is no command \"\"",
		"--control-key failover=flushname": "",
	} {
		_, err := parseFlags(strings.Fields(args))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("parseFlags(%s) = %v, want %q", args, err, want)
		}
	}
	f, err := parseFlags([]string{"--control-key", "Failover.=STATUS,flushname", "--control-key", "b=null"})
	if got := fmt.Sprint(f.controlKeys); err != nil || got != "b=null failover=status,flushname" {
		t.Errorf("the keys are %s, %v", got, err)
	}
}

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		"":                          nil,
		"  \t ":                     nil,
		"status":                    {"status"},
		"  flushname  a.b \t IN ":   {"flushname", "a.b", "IN"},
		`zonestatus "a b" IN`:       {"zonestatus", "a b", "IN"},
		`addzone x "{ a \"b\" };"y`: {"addzone", "x", `{ a "b" };`, "y"},
		`flushname a\.b.c`:          {"flushname", `a\.b.c`},
		`x ""`:                      {"x", ""},
	} {
		if got, err := splitWords(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("splitWords(%q) = %q, %v, want %q", line, got, err, want)
		}
	}
	if got, err := splitWords(`zonestatus "x`); err == nil {
		t.Errorf("unbalanced quotes: %q", got)
	}
}
