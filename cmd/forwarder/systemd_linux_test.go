package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpcdns/forwarder/workbench"
)

// machine is a systemd of its own, in namespaces; see testdata/systemd/machine.
type machine struct {
	t   *testing.T
	dir string
}

const machineScript = "../../testdata/systemd/machine"

// boot starts a machine with these files (path to text) on its disk, and the
// program as /usr/sbin/forwarder.
func boot(t *testing.T, program string, files map[string]string) *machine {
	t.Helper()
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, files)
	path := filepath.Join(m.dir, "root/usr/sbin/forwarder")
	write(t, path, string(text))
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	m.start()
	return m
}

// newMachine returns one that is off, with these files on its disk.
func newMachine(t *testing.T, files map[string]string) *machine {
	t.Helper()
	m := &machine{t, filepath.Join(t.TempDir(), "machine")}
	for path, text := range files {
		write(t, filepath.Join(m.dir, "root", path), text)
	}
	return m
}

func (m *machine) start() {
	m.t.Helper()
	m.t.Cleanup(func() { exec.Command(machineScript, "stop", m.dir).Run() })
	if out, err := exec.Command(machineScript, "start", m.dir).CombinedOutput(); err != nil {
		m.t.Fatalf("booting: %v\n%s", err, out)
	}
}

// try runs a command on the machine.
func (m *machine) try(command ...string) (string, error) {
	out, err := exec.Command(machineScript, append([]string{"run", m.dir}, command...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// run runs a command that has to startNext.
func (m *machine) run(command ...string) string {
	m.t.Helper()
	out, err := m.try(command...)
	if err != nil {
		journal, _ := m.try("journalctl", "--no-pager", "-n", "40")
		m.t.Fatalf("%q: %v\n%s\n%s", command, err, out, journal)
	}
	return out
}

// fails runs a command that has to fail, and returns what it says.
func (m *machine) fails(command ...string) string {
	m.t.Helper()
	out, err := m.try(command...)
	if err == nil {
		m.t.Errorf("%q = %q, want it to fail", command, out)
	}
	return out
}

// journal checks that the service has said so; it says only once what it ends with.
func (m *machine) journal(lines ...string) {
	m.t.Helper()
	m.run("journalctl", "--sync")
	journal := m.run("journalctl", "--no-pager", "-u", "forwarder")
	for _, line := range lines {
		if n := strings.Count(journal, line); n != 1 {
			m.t.Errorf("the journal has %q %d times, want it once:\n%s", line, n, journal)
		}
	}
}

// show is the value of a property of the service.
func (m *machine) show(property string) string {
	m.t.Helper()
	return m.run("systemctl", "show", "-P", property, "forwarder")
}

// want checks what a command prints.
func (m *machine) want(want string, command ...string) {
	m.t.Helper()
	if got := m.run(command...); got != want {
		m.t.Errorf("%q = %q, want %q", command, got, want)
	}
}

// put replaces a file on the machine.
func (m *machine) put(path, text string) {
	m.t.Helper()
	m.run("sh", "-c", `printf %s "$1" >"$2"`, "sh", text, path)
}

// until waits for a property of the service to become want.
func (m *machine) until(property, want string) {
	m.t.Helper()
	var got string
	for range 200 {
		if got = m.show(property); got == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	m.t.Fatalf("%s = %s, want %s\n%s", property, got, want, m.run("journalctl", "--no-pager", "-n", "40"))
}

var version53 = []string{"dig", "+short", "+tries=3", "+timeout=1", "@127.0.0.1", "version.bind", "chaos", "txt"}

// forwarder.service and the reference configuration on a systemd of their own.
func TestUnderSystemd(t *testing.T) {
	workbench.NeedRoot(t)
	for _, program := range []string{"systemctl", "nsenter", "ip", "dig"} {
		workbench.Need(t, program)
	}
	unit, err := os.ReadFile(serviceFile)
	if err != nil {
		t.Fatal(err)
	}
	mend, err := os.ReadFile(mendFile)
	if err != nil {
		t.Fatal(err)
	}
	conf, err := os.ReadFile("../../testdata/named.conf/good-reference.conf")
	if err != nil {
		t.Fatal(err)
	}
	m := boot(t, buildStatic(t), map[string]string{
		"etc/systemd/system/forwarder.service":      string(unit),
		"etc/systemd/system/forwarder-mend.service": string(mend),
		// The test need not wait as long as an operator.
		"etc/systemd/system/forwarder.service.d/test.conf": "[Service]\nWatchdogSec=3s\n",
		"etc/named.conf":          string(conf),
		"etc/sysconfig/forwarder": "OPTIONS=-n 1 --metrics-address=\n",
		"var/named/placeholder":   "",
	})
	m.run("systemd-sysusers", "--inline", "u named - \"DNS\" /var/named")

	for _, step := range []struct {
		name string
		test func(*testing.T, *machine)
	}{
		{"start", testServiceStart},
		{"reload", testServiceReload},
		{"crash", testServiceCrash},
		{"hang", testServiceHang},
		{"state", testServiceState},
		{"queries", testServiceKeepsQueries},
		{"taken port", testServiceTakenPort},
		{"conflict", testServiceConflict},
		{"stop", testServiceStop},
		{"broken configuration", testServiceBroken},
		{"mended configuration", testServiceMended},
		{"not mended", testServiceNotMended},
	} {
		m.t = t
		if !t.Run(step.name, func(t *testing.T) {
			m.t = t
			step.test(t, m)
		}) {
			t.Fatalf("%s failed; what follows builds on it", step.name)
		}
	}
}

func buildStatic(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "forwarder")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the forwarder: %v\n%s", err, out)
	}
	return path
}

func testServiceStart(t *testing.T, m *machine) {
	m.run("systemctl", "start", "forwarder")
	m.want("active", "systemctl", "is-active", "forwarder")
	m.want(`"not currently available"`, version53...)
	pid := m.show("MainPID")
	m.want(pid, "cat", "/run/named/named.pid")
	m.want("named", "ps", "-o", "user=", "-p", pid)
	m.want("CapPrm:\t0000000000000400\nCapEff:\t0000000000000400\nCapBnd:\t0000000000000400\nCapAmb:\t0000000000000400",
		"sed", "-n", "/^Cap[PEBA]/p", "/proc/"+pid+"/status")
	m.want("named 644", "stat", "-c", "%U %a", "/var/log/named/bind.log")
	if got := m.show("StatusText"); !strings.HasPrefix(got, "serving 127.0.0.1#53") {
		t.Errorf("StatusText = %q, want what is served", got)
	}
}

// What was switched stays so when the process is killed: its state lies where systemd
// has made a place for it.
func testServiceState(t *testing.T, m *machine) {
	m.run("forwarder", "rndc", "--make-key", "/etc/rndc.key")
	m.run("chown", "root:named", "/etc/rndc.key")
	m.run("chmod", "640", "/etc/rndc.key")
	m.untilTrue("forwarder", "rndc", "null")
	const name = "app.awslab.mycompany.corp"
	m.want("", "forwarder", "rndc", "override", "add", name, "A", "10.79.2.5")
	overridden := []string{"dig", "+short", "+tries=1", "+timeout=3", "@127.0.0.1", name}
	m.want("10.79.2.5", overridden...)
	m.want("named 600", "stat", "-c", "%U %a", "/var/lib/forwarder/state")
	m.want("named 700", "stat", "-L", "-c", "%U %a", "/var/lib/forwarder")
	m.run("systemctl", "kill", "-s", "KILL", "forwarder")
	m.want("10.79.2.5", append(overridden, "+tries=5")...)
	m.untilTrue("sh", "-c", "systemctl show -P StatusText forwarder | grep -F 'override in force: "+name+" A is 10.79.2.5'")
	m.run("systemctl", "restart", "forwarder")
	m.want("10.79.2.5", overridden...)
	m.untilTrue("forwarder", "rndc", "override", "delete", name)
	m.run("rm", "/etc/rndc.key")
}

// untilTrue waits for a command to succeed.
func (m *machine) untilTrue(command ...string) {
	m.t.Helper()
	waitFor(m.t, strings.Join(command, " "), func() bool {
		_, err := m.try(command...)
		return err == nil
	})
}

func testServiceReload(t *testing.T, m *machine) {
	pid := m.show("MainPID")
	good := m.run("cat", "/etc/named.conf")
	m.put("/etc/named.conf", strings.Replace(good, "not currently available", "second", 1))
	m.run("systemctl", "reload", "forwarder")
	m.want(`"second"`, version53...) // reload returns when it is in force

	m.put("/etc/named.conf", good+"\nfrobnicate yes;\n")
	m.fails("systemctl", "reload", "forwarder")
	m.want(`"second"`, version53...)
	m.journal("unknown option 'frobnicate'", "code=exited, status=78/CONFIG")
	m.want("active", "systemctl", "is-active", "forwarder")
	if got := m.show("StatusText"); !strings.Contains(got, "the last reload failed") {
		t.Errorf("StatusText = %q, want the failure", got)
	}
	if got := m.run("cat", "/var/log/named/bind.log"); !strings.Contains(got, "unknown option 'frobnicate'") {
		t.Errorf("bind.log = %q, want the reason", got)
	}
	m.put("/etc/named.conf", good)
	m.run("systemctl", "reload", "forwarder")
	m.want(`"not currently available"`, version53...)
	if got := m.show("MainPID"); got != pid {
		t.Errorf("MainPID = %s, want %s still", got, pid)
	}
}

func testServiceCrash(t *testing.T, m *machine) {
	m.run("kill", "-KILL", m.show("MainPID"))
	m.until("NRestarts", "1")
	m.until("ActiveState", "active")
	m.want(`"not currently available"`, version53...)
}

func testServiceHang(t *testing.T, m *machine) {
	m.run("kill", "-STOP", m.show("MainPID"))
	m.until("NRestarts", "2")
	m.until("ActiveState", "active")
	m.want(`"not currently available"`, version53...)
}

func testServiceStop(t *testing.T, m *machine) {
	m.run("systemctl", "stop", "forwarder")
	m.want("success", "systemctl", "show", "-P", "Result", "forwarder")
	m.want("0", "systemctl", "show", "-P", "ExecMainStatus", "forwarder")
	if out, err := m.try("cat", "/run/named/named.pid"); err == nil {
		t.Errorf("pid file = %q, want it gone", out)
	}
	m.run("test", "-d", "/run/named") // named wants it when it is back
}
