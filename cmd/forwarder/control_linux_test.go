package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

const controlsByDefault = `options {
	directory "/run"; pid-file none; listen-on { 127.0.0.1; }; listen-on-v6 { none; };
	forwarders { 127.0.0.1 port 9; }; forward only; dnssec-validation no;
};
`

// Without controls rndc is listened to on loopback with the key of its file, which
// may come later. The file is where Debian's rndc looks.
func TestDefaultControls(t *testing.T) {
	t.Parallel()
	workbench.NeedRoot(t)
	program, rndc := lab.BuildForwarder(t), workbench.Need(t, "rndc")
	n := lab.NewNamespace(t)
	n.IP(t, "link set lo up")
	conf := filepath.Join(t.TempDir(), "named.conf")
	write(t, conf, controlsByDefault)
	cmd := lab.Command(t, nil, "mount -t tmpfs tmpfs /etc/bind",
		program, "-g", "--metrics-address=", "-c", conf)
	p := n.Start(t, "the forwarder", cmd, "127.0.0.1")
	inside := func(args ...string) (int, string, string) {
		return outputs(t, exec.Command(workbench.Need(t, "nsenter"), append([]string{"-m", "-n", "-t", strconv.Itoa(cmd.Process.Pid)}, args...)...))
	}
	want := func(wantCode int, want string, args ...string) {
		t.Helper()
		if code, stdout, stderr := inside(args...); code != wantCode || !strings.Contains(stdout+stderr, want) {
			t.Errorf("%q = %d, %q, %q, want %d, %q", args, code, stdout, stderr, wantCode, want)
		}
	}
	p.WaitToSay(t, "no control channel for rndc: there is no /etc/rndc.key; 'forwarder rndc --make-key' makes it")
	want(0, "", "sh", "-c", "echo broken > /etc/bind/rndc.key")
	p.WaitToSay(t, "no control channel for rndc: /etc/bind/rndc.key")
	want(0, "wrote key file", program, "rndc", "--make-key", "--force", "/etc/bind/rndc.key")
	p.WaitToSay(t, "command channel listening on 127.0.0.1#953")
	p.WaitToSay(t, "command channel listening on ::1#953")
	for _, addr := range []string{"127.0.0.1", "::1"} {
		want(0, "server is up and running", rndc, "-s", addr, "status")
		want(0, "server is up and running", program, "rndc", "-s", addr, "status")
	}
	if said := strings.Count(p.Tail(), "there is no /etc/rndc.key"); said != 1 {
		t.Errorf("that there is no key is said %d times, want once:\n%s", said, p.Tail())
	}
	want(0, fmt.Sprintf("pid: %d", cmd.Process.Pid), program, "rndc", "stop", "-p")
	<-p.Exited
}
