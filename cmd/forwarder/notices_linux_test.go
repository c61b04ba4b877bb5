package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// ofConfig are lines of a log that are about a flag, or a place in a configuration.
var ofConfig = regexp.MustCompile(`(?m)^(?:\d\S+ \S+ |forwarder: )(--?[a-z].*|option -.*|\S+\.conf(?::\d+:\d+)?: .*|looking up .*|invalid .*|flag .*)$`)

// What a server says at its start about its flags and its configuration,
// --check-config has said before.
func TestCheckConfigSaysAll(t *testing.T) {
	workbench.NeedRoot(t)
	for _, program := range []string{"ip", "unshare"} {
		workbench.Need(t, program)
	}
	n, program := lab.NewNamespace(t), lab.BuildForwarder(t)
	n.IP(t, "link set lo up")
	n.Do(t, func() {
		dir, all := t.TempDir(), "--query-source 127.0.0.9 --query-source fd00::9 --watch app.nowhere.test --watch localhost --control-address 127.0.0.3#954 --control-key nokey=status -D x -4"
		if err := os.CopyFS(dir, os.DirFS("../../testdata/named.conf")); err != nil { // servers write beside them
			t.Fatal(err)
		}
		files, err := filepath.Glob(dir + "/good-*.conf")
		if err != nil || len(files) < 40 {
			t.Fatalf("%d configurations, %v", len(files), err)
		}
		for _, file := range files {
			compareNotices(t, program, file, all)
		}
		for _, flags := range []string{
			"", "--listen 127.0.0.1#5353 --query-source 127.0.0.9 --control-address 127.0.0.3#954", "-6 --control-key rndc-key=status", "-p 5300 --peer 127.0.0.1#5300", "--peer 127.0.0.1", "-u nosuch",
			"--workers 2 --upstream-pps 0 --query-log-sample 10 --member 127.0.0.9 --override-zone a.test -U 3 -m x", "--watch", "--query-source 0.0.0.0", "--control-address 10.0.0.1",
		} {
			compareNotices(t, program, dir+"/good-reference.conf", flags)
		}
	})
}

// compareNotices compares what is said of a file and of flags, which the service has.
func compareNotices(t *testing.T, program, file, flags string) {
	t.Helper()
	full, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) *exec.Cmd {
		setup := fmt.Sprintf("mount -t tmpfs tmpfs /etc\nmkdir /etc/sysconfig\necho 'OPTIONS=\"%s\"' >/etc/sysconfig/forwarder\necho 'root:x:0:0::/:/bin/sh' >/etc/passwd\n"+
			"echo 'key rndc-key { algorithm hmac-sha256; secret \"%s\"; };' >/etc/rndc.key", flags, testSecret)
		cmd := lab.Command(t, nil, setup, append([]string{program}, args...)...)
		cmd.Dir = filepath.Dir(full)
		return cmd
	}
	_, checked, errors := outputs(t, run("--check-config", "-v", full))
	checked = strings.NewReplacer(": change: ", ": ", ": harmless: ", ": ").Replace(checked + errors)
	log := startLog(t, run(append([]string{"-g", "-c", full, "--metrics-address="}, strings.Fields(flags)...)...))
	found := ofConfig.FindAllStringSubmatch(log, -1)
	for _, line := range found {
		if !strings.Contains(checked, line[1]) {
			t.Errorf("%s with %s: the server says %q, and --check-config\n%s", filepath.Base(file), flags, line[1], checked)
		}
	}
	if strings.Contains(flags, "nokey") && len(found) < 4 {
		t.Errorf("%s with %s: the server says\n%s", filepath.Base(file), flags, log)
	}
}

// startLog is what a server says until it runs, or until it ends by itself.
func startLog(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	log, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	text := ""
	waitFor(t, "the start, or its failure", func() bool {
		b, _ := os.ReadFile(path)
		text = string(b)
		select {
		case <-ended:
			return true
		default:
			return strings.Contains(text, " running\n")
		}
	})
	_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	<-ended
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
