package main

import (
	"os"
	"strings"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// machine is one on which the forwarder is a service.
type machine struct{ *lab.Machine }

// boot starts a machine with these files (path to text) on its disk, and the
// program as /usr/sbin/forwarder.
func boot(t *testing.T, program string, files map[string]string) *machine {
	t.Helper()
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{lab.NewMachine(t, files)}
	m.Place("usr/sbin/forwarder", string(text), 0o755)
	m.Start()
	return m
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
	m := boot(t, lab.BuildReleased(t), map[string]string{
		"etc/systemd/system/forwarder.service":      string(unit),
		"etc/systemd/system/forwarder-mend.service": string(mend),
		// The test need not wait as long as an operator.
		"etc/systemd/system/forwarder.service.d/test.conf": "[Service]\nWatchdogSec=3s\n",
		"etc/named.conf":          string(conf),
		"etc/sysconfig/forwarder": "OPTIONS=-n 1 --metrics-address=\n",
		"var/named/placeholder":   "",
	})
	m.Run("systemd-sysusers", "--inline", "u named - \"DNS\" /var/named")

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
		m.T = t
		if !t.Run(step.name, func(t *testing.T) {
			m.T = t
			step.test(t, m)
		}) {
			t.Fatalf("%s failed; what follows builds on it", step.name)
		}
	}
}

func testServiceStart(t *testing.T, m *machine) {
	m.Run("systemctl", "start", "forwarder")
	m.Want("active", "systemctl", "is-active", "forwarder")
	m.Want(`"not currently available"`, version53...)
	pid := m.Show("MainPID")
	m.Want(pid, "cat", "/run/named/named.pid")
	m.Want("named", "ps", "-o", "user=", "-p", pid)
	m.Want("CapPrm:\t0000000000000400\nCapEff:\t0000000000000400\nCapBnd:\t0000000000000400\nCapAmb:\t0000000000000400",
		"sed", "-n", "/^Cap[PEBA]/p", "/proc/"+pid+"/status")
	m.Want("named 644", "stat", "-c", "%U %a", "/var/log/named/bind.log")
	if got := m.Show("StatusText"); !strings.HasPrefix(got, "serving 127.0.0.1#53") {
		t.Errorf("StatusText = %q, want what is served", got)
	}
}

// What was switched stays so when the process is killed: its state lies where systemd
// has made a place for it.
func testServiceState(t *testing.T, m *machine) {
	m.Run("forwarder", "rndc", "--make-key", "/etc/rndc.key")
	m.Run("chown", "root:named", "/etc/rndc.key")
	m.Run("chmod", "640", "/etc/rndc.key")
	m.UntilTrue("forwarder", "rndc", "null")
	const name = "app.awslab.mycompany.corp"
	m.Want("", "forwarder", "rndc", "override", "add", name, "A", "10.79.2.5")
	overridden := []string{"dig", "+short", "+tries=1", "+timeout=3", "@127.0.0.1", name}
	m.Want("10.79.2.5", overridden...)
	m.Want("named 600", "stat", "-c", "%U %a", "/var/lib/forwarder/state")
	m.Want("named 700", "stat", "-L", "-c", "%U %a", "/var/lib/forwarder")
	m.Run("systemctl", "kill", "-s", "KILL", "forwarder")
	m.Want("10.79.2.5", append(overridden, "+tries=5")...)
	m.UntilTrue("sh", "-c", "systemctl show -P StatusText forwarder | grep -F 'override in force: "+name+" A is 10.79.2.5'")
	m.Run("systemctl", "restart", "forwarder")
	m.Want("10.79.2.5", overridden...)
	m.UntilTrue("forwarder", "rndc", "override", "delete", name)
	m.Run("rm", "/etc/rndc.key")
}

func testServiceReload(t *testing.T, m *machine) {
	pid := m.Show("MainPID")
	good := m.Run("cat", "/etc/named.conf")
	m.Put("/etc/named.conf", strings.Replace(good, "not currently available", "second", 1))
	m.Run("systemctl", "reload", "forwarder")
	m.Want(`"second"`, version53...) // reload returns when it is in force

	m.Put("/etc/named.conf", good+"\nfrobnicate yes;\n")
	m.Fails("systemctl", "reload", "forwarder")
	m.Want(`"second"`, version53...)
	m.Journal("unknown option 'frobnicate'", "code=exited, status=78/CONFIG")
	m.Want("active", "systemctl", "is-active", "forwarder")
	if got := m.Show("StatusText"); !strings.Contains(got, "the last reload failed") {
		t.Errorf("StatusText = %q, want the failure", got)
	}
	if got := m.Run("cat", "/var/log/named/bind.log"); !strings.Contains(got, "unknown option 'frobnicate'") {
		t.Errorf("bind.log = %q, want the reason", got)
	}
	m.Put("/etc/named.conf", good)
	m.Run("systemctl", "reload", "forwarder")
	m.Want(`"not currently available"`, version53...)
	if got := m.Show("MainPID"); got != pid {
		t.Errorf("MainPID = %s, want %s still", got, pid)
	}
}

func testServiceCrash(t *testing.T, m *machine) {
	m.Run("kill", "-KILL", m.Show("MainPID"))
	m.Until("NRestarts", "1")
	m.Until("ActiveState", "active")
	m.Want(`"not currently available"`, version53...)
}

func testServiceHang(t *testing.T, m *machine) {
	m.Run("kill", "-STOP", m.Show("MainPID"))
	m.Until("NRestarts", "2")
	m.Until("ActiveState", "active")
	m.Want(`"not currently available"`, version53...)
}

func testServiceStop(t *testing.T, m *machine) {
	m.Run("systemctl", "stop", "forwarder")
	m.Want("success", "systemctl", "show", "-P", "Result", "forwarder")
	m.Want("0", "systemctl", "show", "-P", "ExecMainStatus", "forwarder")
	if out, err := m.Try("cat", "/run/named/named.pid"); err == nil {
		t.Errorf("pid file = %q, want it gone", out)
	}
	m.Run("test", "-d", "/run/named") // named wants it when it is back
}
