package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// Clients: the VPC's resolver stands for an operator's host, which has an address of
// the VPC. corporate may ask, and has no business with rndc; stranger may neither.
const (
	operator  = lab.Resolver
	corporate = "10.20.0.11"
	stranger  = "192.0.2.7"
)

const failoverName = "myservice.awslab.mycompany.corp"

// What instances do at their first start, as it is and with what may go wrong.
func TestUserData(t *testing.T) {
	needInstance(t)
	packages := builtPackages(t)
	for name, test := range map[string]func(*testing.T, *instance){"serves": testServes, "fails": testFails} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // both mostly wait
			test(t, newInstance(t, packages))
		})
	}
}

func testServes(t *testing.T, i *instance) {
	i.makeBucket()
	i.upload("/forwarder.rpm")
	i.makeSecret(secretText)
	for _, step := range []struct {
		name string
		test func(*testing.T, *instance)
	}{
		{"first start", testFirstStart},
		{"clients", testClients},
		{"rndc", testOperators},
		{"secret", testSecret},
		{"restart", testRestart},
		{"again", testAgain},
		{"replaced", testReplaced},
		{"member", testMember},
	} {
		if !t.Run(step.name, func(t *testing.T) {
			i.T = t
			step.test(t, i)
		}) {
			t.FailNow()
		}
	}
	i.T = t
}

// succeeds runs the user data, and checks what the stack hears.
func (i *instance) succeeds(script string, under ...string) (console string) {
	i.T.Helper()
	console, err := i.boot(script, under...)
	if err != nil {
		i.T.Fatalf("the user data failed: %v\n%s", err, console)
	}
	want := signal{"SUCCESS", failoverName + " is answered at " + lab.ForwarderA, lab.ForwarderA, lab.ForwarderA}
	if got := i.signals.take(); len(got) != 1 || got[0] != want {
		i.T.Fatalf("the stack heard %q, want %q\n%s", got, want, console)
	}
	if strings.Contains(console, secretText) {
		i.T.Errorf("the console has the secret:\n%s", console)
	}
	return console
}

// A stub of systemd-resolved has port 53 of its own address, on releases where it has,
// and endpoints that were just made are not there yet.
func testFirstStart(t *testing.T, i *instance) {
	i.Run("systemd-run", "--unit=stub", "--collect", "python3", "-c",
		"import socket,signal; s=socket.socket(type=socket.SOCK_DGRAM); s.bind(('127.0.0.53',53)); signal.pause()")
	i.unreachable(t)
	console := i.succeeds(userData(t, i.secret))
	if n := strings.Count(console, "Connection was closed before we received a valid response"); n != 2 {
		t.Errorf("the endpoints were refused %d times, want twice:\n%s", n, console)
	}
	i.Want("active\nactive", "systemctl", "is-active", "forwarder", "stub")
	i.Want("enabled", "systemctl", "is-enabled", "forwarder")
	i.Want("root named 640", "stat", "-c", "%U %G %a", "/etc/rndc.key")
	i.Want("root named 640", "stat", "-c", "%U %G %a", "/etc/named.conf")
	i.Want(resolvedConf, "cat", "/etc/resolv.conf")
	i.Run("forwarder", "doctor")
}

// dig asks as a client with this address.
func (i *instance) dig(t *testing.T, source string, args ...string) string {
	t.Helper()
	var out string
	var err error
	i.Do(t, func() {
		out, err = output("dig", append([]string{"-b", source, "@" + lab.ForwarderA, "+tries=3", "+timeout=5"}, args...)...)
	})
	if err != nil {
		t.Errorf("dig from %s: %v\n%s", source, err, out)
	}
	return out
}

func testClients(t *testing.T, i *instance) {
	for _, network := range []string{"+notcp", "+tcp"} {
		want := failoverName + ". 0 IN A 10.79.252.13" // 0: it is watched
		if got := strings.Join(strings.Fields(i.dig(t, corporate, network, failoverName)), " "); !strings.Contains(got, want) {
			t.Errorf("dig %s = %s\nwant %q", network, got, want)
		}
		if got := i.dig(t, stranger, network, failoverName); !strings.Contains(got, "status: REFUSED") {
			t.Errorf("dig %s from %s = %s\nwant REFUSED", network, stranger, got)
		}
	}
}

// rndc runs it with this secret on a host with this address.
func (i *instance) rndc(t *testing.T, source, secret string, args ...string) (out string, err error) {
	t.Helper()
	key := filepath.Join(t.TempDir(), "rndc.key")
	text := "key \"rndc-key\" { algorithm hmac-sha256; secret \"" + secret + "\"; };\n"
	if err := os.WriteFile(key, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	i.Do(t, func() {
		out, err = output("rndc", append([]string{"-b", source, "-s", lab.ForwarderA, "-k", key}, args...)...)
	})
	return out, err
}

func testOperators(t *testing.T, i *instance) {
	if out, err := i.rndc(t, operator, secretText, "override", "add", failoverName, "A", "10.79.252.14"); err != nil {
		t.Errorf("rndc of an operator: %v\n%s", err, out)
	}
	if got := i.dig(t, corporate, "+short", failoverName); got != "10.79.252.14" {
		t.Errorf("after override add it is %s", got)
	}
	for source, secret := range map[string]string{operator: strings.ToUpper(secretText), corporate: secretText} {
		if out, err := i.rndc(t, source, secret, "status"); err == nil {
			t.Errorf("rndc from %s with the key %s = %s, want it to fail", source, secret, out)
		}
	}
}

// The secret is in one file, and in no command line and no log.
func testSecret(t *testing.T, i *instance) {
	const calls = "/run/calls"
	i.succeeds(userData(t, i.secret), "strace", "--follow-forks", "--seccomp-bpf", "--trace=execve", "--string-limit=9999", "--output="+calls)
	i.Run("grep", "--quiet", "secretsmanager.*get-secret-value", calls)
	i.Fails("grep", "--quiet", "--fixed-strings", secretText, calls)
	i.Run("rm", calls)
	const since = "find /etc /run /tmp /usr/local /var -xdev -type f -newer /etc/fstab -exec grep -lsF " + secretText + " {} + || true"
	i.Want("/etc/rndc.key", "sh", "-c", since) // fstab is of the boot
	i.Fails("sh", "-c", "journalctl --no-pager | grep --fixed-strings "+secretText)
}

// What was switched stays so.
func testRestart(t *testing.T, i *instance) {
	i.Run("systemctl", "stop", "forwarder")
	i.Run("systemctl", "start", "multi-user.target") // what is enabled
	i.Until("ActiveState", "active")
	if got := i.dig(t, corporate, "+short", failoverName); got != "10.79.252.14" {
		t.Errorf("after a restart it is %s, want what was switched", got)
	}
	i.Run("forwarder", "rndc", "override", "delete", failoverName)
}

const otherConf = `include "DIR/rndc.key";
controls { inet ` + lab.ForwarderB + ` allow { 10.79.0.0/16; } keys { rndc-key; }; };
options { directory "DIR"; pid-file none; session-keyfile none; listen-on { ` + lab.ForwarderB + `; }; listen-on-v6 { none; }; allow-query { 10.79.0.0/16; };
    forwarders { ` + lab.Resolver + `; }; forward only; dnssec-validation no; };
zone "awslab.mycompany.corp" { type forward; forward only; forwarders { ` + lab.Resolver + `; }; };
`

// A new instance in A's place is told by B what was overridden before it answers anybody,
// and compares what B gives.
func testReplaced(t *testing.T, i *instance) {
	i.changeSecret(secretText)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"rndc.key":   "key \"rndc-key\" { algorithm hmac-sha256; secret \"" + secretText + "\"; };\n",
		"named.conf": strings.ReplaceAll(otherConf, "DIR", dir),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	i.IP(t, "addr add "+lab.ForwarderB+"/32 dev machine")
	program := lab.BuildForwarder(t)
	var other *lab.Process
	i.Do(t, func() {
		other = lab.Start(t, "forwarder B", exec.Command(program, "-g", "-c", filepath.Join(dir, "named.conf"), "--state-file", filepath.Join(dir, "state")))
		other.WaitToSay(t, "command channel listening on "+lab.ForwarderB)
		if out, err := output("rndc", "-s", lab.ForwarderB, "-k", filepath.Join(dir, "rndc.key"), "override", "add", failoverName, "A", "10.79.252.15"); err != nil {
			t.Fatalf("rndc: %v\n%s", err, out)
		}
	})
	i.Run("systemctl", "stop", "forwarder")
	i.Run("rm", "-r", "/var/lib/forwarder")
	console := i.succeeds(userData(t, i.secret))
	if first := "for " + failoverName + "\n10.79.252.15 "; !strings.Contains(console, first) {
		t.Errorf("its first answer is not what B was told:\n%s", console)
	}
	if got := i.dig(t, corporate, "+short", failoverName); got != "10.79.252.15" {
		t.Errorf("clients are given %s", got)
	}
	i.UntilTrue("sh", "-c", "forwarder status | grep '"+lab.ForwarderB+".* agrees since '")
	i.Run("forwarder", "rndc", "override", "delete", failoverName)
}

// An operator runs it again, with another parameter and a new key, when the stack has
// long ceased to listen.
func testAgain(t *testing.T, i *instance) {
	rotated := strings.ToLower(secretText)
	i.changeSecret(rotated)
	console, err := i.boot(userData(t, i.secret, "Monitoring", "10.20.0.0/16", "ReadyA", readyURL+"&Expires=1"))
	if err != nil || !strings.Contains(console, "\nforwarder: SUCCESS: ") || !strings.Contains(console, "403\nforwarder: the stack was not told") {
		t.Errorf("another run: %v\n%s", err, console)
	}
	if out, err := i.rndc(t, operator, rotated, "status"); err != nil {
		t.Errorf("rndc with the new key: %v\n%s", err, out)
	}
	if out, err := i.rndc(t, operator, secretText, "status"); err == nil {
		t.Errorf("rndc with the old key = %s, want it to fail", out)
	}
	i.ready(t, "9153")
	testClients(t, i)
}

// The stack hears what went wrong; with that mended another run is as good as the first.
func testFails(t *testing.T, i *instance) {
	for _, step := range []struct {
		name    string
		prepare func()
		reasons []string
		more    []string // parameters of the template
	}{
		{"no object", i.makeBucket, []string{"getting " + packageURL, "NoSuchKey"}, nil},
		{"broken package", func() {
			i.Run("sh", "-c", "head -c 100000 /forwarder.rpm >/broken.rpm")
			i.upload("/broken.rpm")
		}, []string{"installing " + packageURL, "forwarder.rpm"}, nil},
		{"another package", func() { i.upload("/forwarder.rpm") }, []string{"comparing " + packageURL, "forwarder.rpm: FAILED"},
			[]string{"PackageSha256", strings.Repeat("0", 64)}},
		{"no secret", func() {},
			[]string{"getting the key of rndc from " + missingSecret, "ResourceNotFoundException"}, nil},
		{"no base64", func() { i.makeSecret("hunter2&") },
			[]string{"checking /etc/named.conf", "/etc/rndc.key:3"}, nil},
		{"taken port", func() {
			i.changeSecret(secretText)
			i.Run("systemd-run", "--unit=taken", "--collect", "python3", "-c",
				"import socket,signal; s=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM); s.bind(('::',53)); signal.pause()")
		}, []string{"starting the forwarder", "taken.service"}, nil},
		{"silent resolver", func() {
			i.Run("systemctl", "stop", "taken")
			i.Resolver.SetFaults(".", vpcresolver.Faults{Drop: 1})
		}, []string{"asking " + lab.ForwarderA + " for " + failoverName, lab.Resolver}, nil},
	} {
		t.Run(step.name, func(t *testing.T) {
			i.T = t
			step.prepare()
			i.fails(step.reasons, step.more...)
		})
	}
	i.T = t
	i.Resolver.SetFaults(".", vpcresolver.Faults{})
	sum, _, _ := strings.Cut(i.Run("sha256sum", "/forwarder.rpm"), " ")
	i.succeeds(userData(t, i.secret, "PackageSha256", sum))
}

// fails runs the user data, and checks that the stack hears the reason.
func (i *instance) fails(reasons []string, more ...string) {
	i.T.Helper()
	console, err := i.boot(userData(i.T, i.secret, more...))
	if err == nil {
		i.T.Errorf("the user data succeeded:\n%s", console)
	}
	got := i.signals.take()
	if len(got) != 1 || got[0].Status != "FAILURE" || got[0].UniqueId != lab.ForwarderA {
		i.T.Fatalf("the stack heard %q, want one failure\n%s", got, console)
	}
	for _, reason := range reasons {
		if !strings.Contains(got[0].Reason, reason) {
			i.T.Errorf("the reason is %q, want %q in it\n%s", got[0].Reason, reason, console)
		}
	}
	if strings.Contains(console+got[0].Reason, "hunter2") {
		i.T.Errorf("the secret is told:\n%s", console)
	}
	i.T.Log(got[0].Reason)
}
