package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/cmd/failover/route53"
	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// fleetLab is forwarders at 127.0.0.11 and so on, at the same ports, with names of their
// own in the hosts file.
type fleetLab struct {
	*pairLab
	hosts        strings.Builder
	control, dns uint16
}

// inFleetLab runs a test in a network of its own.
func inFleetLab(t *testing.T, test func(*fleetLab)) {
	t.Helper()
	workbench.NeedRoot(t)
	for _, program := range []string{"ip", "unshare"} {
		workbench.Need(t, program)
	}
	n := lab.NewNamespace(t)
	n.IP(t, "link set lo up", "addr add 127.0.0.11/8 dev lo", "addr add 127.0.0.12/8 dev lo", "addr add 127.0.0.13/8 dev lo")
	n.Do(t, func() { test(newFleetLab(t)) })
}

func newFleetLab(t *testing.T) *fleetLab {
	t.Helper()
	l := newPairLab(t, 0, route53.Simple(app, "A", 2, "10.0.0.1"))
	return &fleetLab{pairLab: l, control: l.control["a"], dns: l.dns["a"]}
}

func (l *fleetLab) conf(address string) string {
	l.t.Helper()
	text := strings.ReplaceAll(fmt.Sprintf(pairConf, l.t.TempDir(), l.control, l.dns, l.upstream.Port()), "127.0.0.1 port "+fmt.Sprint(l.control), address+" port "+fmt.Sprint(l.control))
	text = strings.Replace(text, "{ 127.0.0.1; }; listen-on-v6", "{ "+address+"; }; listen-on-v6", 1)
	path := filepath.Join(l.dir, address+".conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
	return path
}

func (l *fleetLab) forwarder(address string) {
	p := lab.Start(l.t, address, exec.Command(l.program, "-g", "--metrics-address=", "-c", l.conf(address), "--watch", app))
	p.WaitToSay(l.t, "command channel listening on")
	p.WaitFor(l.t, netip.AddrPortFrom(netip.MustParseAddr(address), l.dns))
}

// name gives a name addresses.
func (l *fleetLab) name(name string, addresses ...string) {
	for _, a := range addresses {
		fmt.Fprintf(&l.hosts, "%s %s\n", a, name)
	}
}

// failover runs the program, for forwarders of these names.
func (l *fleetLab) failover(names []string, args ...string) (status int, stdout, stderr string) {
	l.t.Helper()
	args = append(args, "--key", filepath.Join(l.dir, "127.0.0.11.conf"), "--dns-port", fmt.Sprint(l.dns))
	for _, name := range names {
		args = append(args, "--forwarder", fmt.Sprintf("%s:%d", name, l.control))
	}
	program, _ := programCommand(l.t, args...)
	etc := map[string]string{"hosts": l.hosts.String(), "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"}
	cmd := lab.Command(l.t, etc, "", program.Args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		l.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// All addresses of a name are told, each by itself; one that is dead is named, and so is a
// name that has none.
func TestNameOfMembers(t *testing.T) { inFleetLab(t, testNameOfMembers) }

func testNameOfMembers(l *fleetLab) {
	t := l.t
	all := []string{"127.0.0.11", "127.0.0.12", "127.0.0.13"}
	for _, a := range all {
		l.forwarder(a)
	}
	l.name("members.test", all...)
	l.name("lame.test", append(all, "127.0.0.14")...)
	for i := range 100 {
		l.name("hundred.test", fmt.Sprint("127.0.1.", i+1))
	}
	at := func(a string) string { return fmt.Sprintf("%s#%d", a, l.control) }
	tests := []struct {
		names  []string
		args   []string
		status int
		out    string // by each member
		errs   string
	}{
		{[]string{"members.test"}, []string{"override", "add", app, "10.0.0.2"}, 0, " has 10.0.0.2", ""},
		{[]string{"members.test", "127.0.0.12"}, []string{"override", "list"}, 0, app + " A has 10.0.0.2", ""},
		{[]string{"lame.test"}, []string{"override", "add", app, "10.0.0.3"}, 7, " has 10.0.0.3", at("127.0.0.14") + " is unreachable: connection refused"},
		{[]string{"members.test", "nobody.test"}, []string{"override", "add", app, "10.0.0.4"}, 7, " has 10.0.0.4", "--forwarder nobody.test"},
		{[]string{"members.test"}, []string{"status", app, "--no-aws"}, 0, "", ""},
		{[]string{"members.test"}, []string{"switch", "--dry-run", "--name", app, "--zone-id", "ZPRIVATE", "--address", "10.0.0.5"}, 0, " would be told", ""},
		{[]string{"members.test"}, []string{"override", "delete", app}, 0, " has no override now", ""},
		{[]string{"hundred.test"}, []string{"override", "add", app, "10.0.0.2"}, 1, "", "it has 100 addresses, 64 are the most"},
		{[]string{"nobody.test"}, []string{"override", "add", app, "10.0.0.2"}, 1, "", "give the addresses of its forwarders"},
	}
	for _, tt := range tests {
		status, out, errs := l.failover(tt.names, tt.args...)
		if status != tt.status || !strings.Contains(errs, tt.errs) {
			t.Errorf("failover %v at %v = %d, want %d: %s%s", tt.args, tt.names, status, tt.status, out, errs)
		}
		for _, a := range all {
			if tt.out != "" && strings.Count(out, at(a)) != 1 {
				t.Errorf("failover %v at %v: want %s once: %s", tt.args, tt.names, at(a), out)
			}
		}
		if n := strings.Count(out, tt.out); tt.out != "" && n != len(all) {
			t.Errorf("failover %v at %v: %q %d times, want %d: %s", tt.args, tt.names, tt.out, n, len(all), out)
		}
	}
}

// A BIND among the addresses is flushed, as one with a name of its own.
func TestNameOfForwarderAndNamed(t *testing.T) {
	workbench.Need(t, "named")
	inFleetLab(t, testNameOfForwarderAndNamed)
}

func testNameOfForwarderAndNamed(l *fleetLab) {
	t := l.t
	l.forwarder("127.0.0.11")
	p := lab.Start(t, "named", exec.Command(workbench.Need(t, "named"), "-g", "-c", l.conf("127.0.0.12")))
	p.WaitToSay(t, "all zones loaded")
	l.name("both.test", "127.0.0.11", "127.0.0.12")
	status, out, errs := l.failover([]string{"both.test"}, l.switchArgs("--timeout", "1m")...)
	if status != 0 {
		t.Fatalf("failover switch = %d: %s%s", status, out, errs)
	}
	says(t, out, "override in force", "it knows no override", "flushed "+app, "done")
}
