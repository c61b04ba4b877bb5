package main

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// bootedHost is a machine with a systemd of its own: see testdata/systemd/machine.
type bootedHost struct {
	t   *testing.T
	dir string
}

const hostScript = "../../testdata/systemd/machine"

// bootHost starts one with these files (path to text) on its disk, and the program.
func bootHost(t *testing.T, files map[string]string) *bootedHost {
	t.Helper()
	h := &bootedHost{t, filepath.Join(t.TempDir(), "host")}
	root := filepath.Join(h.dir, "root")
	if err := os.MkdirAll(filepath.Join(root, "usr/bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(hookProgram(t), "failover"), filepath.Join(root, "usr/bin/failover")); err != nil {
		t.Fatal(err)
	}
	for path, text := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = exec.Command(hostScript, "stop", h.dir).Run() })
	if out, err := exec.Command(hostScript, "start", h.dir).CombinedOutput(); err != nil {
		t.Fatalf("booting: %v\n%s", err, out)
	}
	return h
}

// run runs a command there that has to succeed.
func (h *bootedHost) run(command ...string) string {
	h.t.Helper()
	out, err := exec.Command(hostScript, append([]string{"run", h.dir}, command...)...).CombinedOutput()
	if err != nil {
		journal, _ := exec.Command(hostScript, "run", h.dir, "journalctl", "--no-pager", "-n", "40").CombinedOutput()
		h.t.Fatalf("%q: %v\n%s\n%s", command, err, out, journal)
	}
	return strings.TrimSpace(string(out))
}

// reach serves Route 53 at 10.79.0.2, with an interface there for the host.
func (h *bootedHost) reach(n *node) {
	h.t.Helper()
	pid, err := os.ReadFile(filepath.Join(h.dir, "pid"))
	if err != nil {
		h.t.Fatal(err)
	}
	n.IP(h.t, "link set lo up", "link add host type veth peer name eth0 netns "+strings.TrimSpace(string(pid)),
		"addr add 10.79.0.2/16 dev host", "link set host up")
	h.run("ip", "addr", "add", hookOwn+"/16", "dev", "eth0")
	h.run("ip", "link", "set", "eth0", "up")
	n.serve(h.t, netip.MustParseAddrPort("10.79.0.2:4566"))
}

const hookEnvironment = `AWS_ENDPOINT_URL=http://10.79.0.2:4566
AWS_REGION=us-east-1
AWS_ACCESS_KEY_ID=AKIDEXAMPLE
AWS_SECRET_ACCESS_KEY=secret
AWS_EC2_METADATA_DISABLED=true
`

// The drop-in registers the name while an application runs; keepalived's hook, which
// keepalived gives no stderr, says in the journal what it does; the drill is run by
// its unit, and the watch ends when somebody else has switched.
func TestSystemdHooks(t *testing.T) {
	workbench.NeedRoot(t)
	for _, program := range []string{"systemctl", "nsenter", "unshare", "ip"} {
		workbench.Need(t, program)
	}
	files := map[string]string{
		"etc/systemd/system/app.service": "[Service]\nExecStart=/usr/bin/sleep infinity\n",
		"etc/sysconfig/failover": hookEnvironment + "REGISTER=" + hookFlags + "\nDEREGISTER=" + hookFlags + " --parking " + hookParking +
			"\nDRILL=--name " + app + " --zone awslab.mycompany.corp --address " + hookOwn + " --back " + hookOther + " --limit 60s" +
			"\nWATCH=--name " + app + " --zone awslab.mycompany.corp --check tcp://" + hookOther + ":80 --standby " + hookOwn + "\n",
	}
	for from, to := range map[string]string{"service.conf": "app.service.d/failover.conf", "failover-drill.service": "", "failover-drill.timer": "", "failover-watch.service": ""} {
		text, err := os.ReadFile(hook(t, from))
		if err != nil {
			t.Fatal(err)
		}
		if to == "" {
			to = from
		}
		files["etc/systemd/system/"+to] = string(text)
	}
	text, err := os.ReadFile(hook(t, "keepalived"))
	if err != nil {
		t.Fatal(err)
	}
	files["usr/share/failover/hooks/keepalived"] = string(text)
	h := bootHost(t, files)
	n := &node{Namespace: lab.NewNamespace(t)}
	h.reach(n)

	h.run("systemctl", "start", "app")
	h.has(n, "start", hookOwn)
	h.run("systemctl", "restart", "app")
	h.has(n, "restart", hookOwn)
	h.run("systemctl", "stop", "app")
	h.has(n, "stop", hookParking)
	h.run("systemctl", "start", "app")
	n.set(t, hookOther)
	h.run("systemctl", "stop", "app")
	h.has(n, "stop after another has registered", hookOther)

	h.run("sh", "-ac", ". /etc/sysconfig/failover 2>/dev/null; exec /usr/share/failover/hooks/keepalived "+hookFlags+" INSTANCE app MASTER 100 2>/dev/null")
	h.has(n, "keepalived's MASTER", hookOwn)
	h.said("failover", "had "+hookOther+", and gets "+hookOwn)

	h.run("systemctl", "start", "--wait", "failover-watch")
	h.said("failover", app+" has "+hookOwn+" now, not "+hookOther+": somebody switched it")
	if got := h.run("systemctl", "show", "-P", "Result", "failover-watch"); got != "success" {
		t.Errorf("the watch ended with %s, want success", got)
	}
	h.run("systemctl", "start", "failover-drill")
	h.has(n, "a drill", hookOther)
	if files := h.run("ls", "/var/lib/failover-drill"); strings.Count(files, ".svg") != 2 || strings.Count(files, ".json") != 2 {
		t.Errorf("the drill left %q", files)
	}
}

// said waits until the journal has a text under an identifier.
func (h *bootedHost) said(identifier, text string) {
	h.t.Helper()
	h.run("journalctl", "--sync")
	if journal := h.run("journalctl", "--no-pager", "-t", identifier); !strings.Contains(journal, text) {
		h.t.Errorf("the journal of %s lacks %q:\n%s", identifier, text, journal)
	}
}

// has checks what the name has.
func (h *bootedHost) has(n *node, after, want string) {
	h.t.Helper()
	if got := n.value(h.t); got != want {
		h.t.Errorf("after %s %s has %s, want %s\n%s", after, app, got, want, h.run("journalctl", "--no-pager", "-n", "40"))
	}
}
