package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/version"
)

// testLife takes a machine from bind to the forwarder, through its versions, and to
// its end. What bind's package had goes on working when bind is gone.
func (p *packages) testLife(t *testing.T) {
	files := map[string]string{
		// Amazon Linux enables nothing that is not asked for.
		"etc/systemd/system-preset/00-amazon.preset": "disable *\n",
	}
	all, _ := filepath.Glob(filepath.Join(p.dir, "*.*"))
	repository, _ := filepath.Glob(filepath.Join(p.dir, "repodata/*"))
	for _, path := range append(all, repository...) {
		if text, err := os.ReadFile(path); err == nil {
			files["packages/"+strings.TrimPrefix(path, p.dir+"/")] = string(text)
		}
	}
	l := &life{Machine: lab.NewMachine(t, files)}
	l.Start()
	l.Run("rm", "-rf", "/root/.rpmdb", "/var/lib/rpm") // if the host has one
	for _, step := range []struct {
		name string
		test func(*testing.T)
	}{
		{"bind", l.testBind},
		{"install", l.testInstall},
		{"migrate", l.testMigrate},
		{"erase bind", l.testEraseBind},
		{"upgrade", l.testUpgrade},
		{"roll back with an error", l.testRollBack},
		{"verify", l.testVerify},
		{"erase", l.testErase},
	} {
		if !t.Run(step.name, func(t *testing.T) {
			l.T = t
			step.test(t)
		}) {
			t.FailNow()
		}
	}
}

type life struct {
	*lab.Machine
	vpc lab.VPC
}

// dnf runs it on the machine.
func (l *life) dnf(args ...string) string {
	l.T.Helper()
	return l.Run(dnf("/packages", args...)...)
}

// conf is the operator's: the reference, and what a stock file includes.
func (l *life) conf() string {
	l.T.Helper()
	text, err := os.ReadFile(filepath.Join(moduleRoot, "testdata/named.conf/good-reference.conf"))
	if err != nil {
		l.T.Fatal(err)
	}
	return string(text) + "include \"/etc/named.rfc1912.zones\";"
}

var ourAddress = []string{"dig", "+short", "+tries=3", "+timeout=1", "@127.0.0.1", "localhost.localdomain", "a"}

func (l *life) testBind(t *testing.T) {
	l.dnf("install", "bind")
	l.Put("/etc/named.conf", l.conf())
	l.Run("systemctl", "enable", "--now", "named")
	waitFor(t, "an answer of named", func() bool {
		out, err := l.Try(ourAddress...)
		return err == nil && out == "127.0.0.1"
	})
}

// Beside bind nothing changes until the operator says so.
func (l *life) testInstall(*testing.T) {
	out := l.dnf("install", "forwarder-"+version.Number)
	if want := "Next: forwarder migrate-check"; !strings.Contains(out, want) {
		l.T.Errorf("dnf install says:\n%s\nwant %q", out, want)
	}
	l.Want(l.conf(), "cat", "/etc/named.conf")
	l.Fails("systemctl", "is-enabled", "forwarder")
	l.Fails("systemctl", "is-active", "forwarder")
	l.Want("active", "systemctl", "is-active", "named")
	l.Want("", "rpm", "-V", "forwarder")
	l.Run("test", "-s", "/usr/share/man/man8/forwarder.8.gz")

	l.dnf("install", "failover = "+version.Number) // by the name of the program
	l.Want("", "rpm", "-V", "forwarder-failover")
	l.Want("failover "+version.Number, "failover", "--version")
	for _, path := range []string{"/usr/share/failover/hooks/keepalived", "/usr/share/failover/hooks/patroni", "/usr/lib/ocf/resource.d/forwarder/failover"} {
		l.Run("test", "-x", path)
	}
	l.Run("test", "-s", "/usr/share/man/man8/failover.8.gz")
	l.dnf("remove", "forwarder-failover")
	l.Fails("test", "-e", "/usr/share/failover")
	l.Want("", "rpm", "-V", "forwarder")
}

func (l *life) testMigrate(*testing.T) {
	if out, _ := l.Try("forwarder", "migrate-check"); !strings.Contains(out, "forwarder replace-named") {
		l.T.Errorf("migrate-check says\n%s\nwant the commands of the way", out)
	}
	l.Run("forwarder", "replace-named")
	l.Want("127.0.0.1", ourAddress...)
	l.Want("forwarder.service", "systemctl", "show", "-P", "Id", "named")
	l.Want("root named 640", "stat", "-c", "%U %G %a", "/etc/rndc.key")
	l.Run("rndc", "-k", "/etc/rndc.key", "status")
	l.Want("named", "ps", "-o", "user=", "-p", l.Show("MainPID"))
}

// rpm would have saved the operator's files under other names, and removed the rest;
// bind's package would have stopped the forwarder, by the name of named.
func (l *life) testEraseBind(*testing.T) {
	flags, pid := l.Run("cat", "/etc/sysconfig/named"), l.Show("MainPID")
	l.dnf("remove", "bind")
	l.Want(pid, "systemctl", "show", "-P", "MainPID", "forwarder")
	l.Want("enabled", "systemctl", "is-enabled", "forwarder")
	l.Want("named.service", "systemctl", "show", "-P", "Id", "named")
	l.Want(l.conf(), "cat", "/etc/named.conf")
	l.Want(flags, "cat", "/etc/sysconfig/named")
	l.Want("", "find", "/etc", "/var/named", "-name", "*.rpmsave")
	l.Run("systemctl", "restart", "forwarder")
	l.Want("127.0.0.1", ourAddress...)
	l.Want("root named 1770", "stat", "-c", "%U %G %a", "/var/named")
	l.Want("named named 770", "stat", "-c", "%U %G %a", "/var/named/data")
}

// 1000 queries a second notice nothing, what is cached stays, though upstream would
// not say it again, and so does what the operator wrote.
func (l *life) testUpgrade(t *testing.T) {
	l.vpc = lab.Connect(t, l.Machine, machineAddr)
	l.Run("systemctl", "restart", "forwarder") // the interface is seen at once
	l.Put("/etc/sysconfig/forwarder", "OPTIONS=\"-n 1\"\n")
	kept := []string{"dig", "+short", "+tries=3", "+timeout=1", "@127.0.0.1", "kept.cold.awslab.mycompany.corp"}
	l.Want("10.79.6.11", kept...)
	l.vpc.Resolver.SetFaults("kept.cold.awslab.mycompany.corp.", vpcresolver.Faults{Drop: 1})
	former, load := l.Show("MainPID"), startLoad(t, l.vpc)
	l.dnf("upgrade", "forwarder")
	load.end(0)
	l.Want("10.79.6.11", kept...)
	l.Want("forwarder "+newer, "forwarder", "-v")
	if pid := l.Show("MainPID"); pid == former {
		t.Errorf("MainPID = %s still, want the new program to run", pid)
	}
	l.Want("forwarder "+newer, "sh", "-c", "/proc/"+l.Show("MainPID")+"/exe -v")
	l.Want("OPTIONS=\"-n 1\"", "cat", "/etc/sysconfig/forwarder")
	l.Run("grep", "One more line", "/etc/sysconfig/forwarder.rpmnew")
}

// A program that would not start does not take the place of one that runs.
func (l *life) testRollBack(t *testing.T) {
	l.Put("/etc/named.conf", l.conf()+"\nfrobnicate yes;\n")
	former := l.Show("MainPID")
	out := l.dnf("downgrade", "forwarder")
	if want := "forwarder --check-config -u named /etc/named.conf"; !strings.Contains(out, want) {
		t.Errorf("dnf downgrade says:\n%s\nwant %q", out, want)
	}
	l.Want(former, "systemctl", "show", "-P", "MainPID", "forwarder")
	l.Want("127.0.0.1", ourAddress...)
	l.Put("/etc/named.conf", l.conf())
	l.dnf("reinstall", "forwarder")
	l.Want("forwarder "+version.Number, "sh", "-c", "/proc/"+l.Show("MainPID")+"/exe -v")
}

// Only the operator's own change is one.
func (l *life) testVerify(t *testing.T) {
	out, err := l.Try("rpm", "-V", "forwarder")
	if err == nil || strings.Contains(out, "\n") || !strings.HasSuffix(out, " c /etc/sysconfig/forwarder") {
		t.Errorf("rpm -V = %q, %v, want the changed file", out, err)
	}
}

// The operator's files stay, the package's go.
func (l *life) testErase(t *testing.T) {
	l.Put("/var/named/own.zone", "; mine")
	l.dnf("remove", "forwarder")
	l.Fails("systemctl", "cat", "forwarder.service")
	l.Fails("pgrep", "-x", "forwarder")
	l.Want("", "find", "/etc/systemd/system", "-name", "forwarder.service.d", "-o", "-name", "named.service")
	l.Want("", "sh", "-c", "find /etc/systemd /usr/lib/systemd /usr/sbin /usr/share/man /usr/share/doc -name forwarder -o -name 'forwarder*.service' -o -name 'forwarder*.gz'")
	l.Want("OPTIONS=\"-n 1\"", "cat", "/etc/sysconfig/forwarder.rpmsave")
	l.Want(l.conf(), "cat", "/etc/named.conf")
	l.Want("; mine", "cat", "/var/named/own.zone")
}
