package lab

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"vpcdns/forwarder/workbench"
)

// Namespace is a network namespace without a name: it is gone when the test's
// process and the servers in it are, whatever happens, and never in another's
// way.
type Namespace struct{ file *os.File }

const ownNamespace = "/proc/thread-self/ns/net"

// NewNamespace makes one that has nothing but a loopback interface, which is
// down. It needs root.
func NewNamespace(t testing.TB) *Namespace {
	t.Helper()
	n := &Namespace{}
	elsewhere(t, func() {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Fatalf("making a network namespace: %v", err)
		}
		var err error
		if n.file, err = os.Open(ownNamespace); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { n.file.Close() })
	return n
}

// Do calls f on a thread inside the namespace: sockets that f opens and
// processes that f starts belong there. What f starts with go does not.
func (n *Namespace) Do(t testing.TB, f func()) {
	t.Helper()
	elsewhere(t, func() {
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			t.Fatalf("entering a network namespace: %v", err)
		}
		f()
	})
}

// elsewhere calls f, which may change the thread's network namespace, and puts
// the thread back.
func elsewhere(t testing.TB, f func()) {
	t.Helper()
	runtime.LockOSThread()
	own, err := os.Open(ownNamespace)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		defer own.Close()
		if err := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); err != nil {
			t.Fatalf("leaving a network namespace: %v", err) // the thread stays locked, and dies
		}
		runtime.UnlockOSThread()
	}()
	f()
}

// IP runs lines of ip(8) in the namespace.
func (n *Namespace) IP(t testing.TB, lines ...string) {
	t.Helper()
	n.Do(t, func() {
		cmd := exec.Command("ip", "-batch", "-")
		cmd.Stdin = strings.NewReader(strings.Join(lines, "\n"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", strings.Join(lines, "; "), err, out)
		}
	})
}

// Path names the namespace for other programs, as long as this process lives.
func (n *Namespace) Path() string {
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.file.Fd())
}

// hideHost precedes a command line in a mount namespace of its own: /var and
// /run are empty, and the files of the directory $1 stand in /etc.
const hideHost = `set -e
mount -t tmpfs tmpfs /var
mount -t tmpfs tmpfs /run
mkdir -p /run/named
for f in "$1"/*; do
	[ ! -e "$f" ] || mount --bind "$f" "/etc/${f##*/}"
done
shift
`

// Command returns a command that sees an empty /var and /run and the given
// files, by name, in /etc. It is to be started within Do. The setup is more of
// the shell, run before it.
func Command(t testing.TB, etc map[string]string, setup string, args ...string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	for name, text := range etc {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	script := hideHost + setup + "\nexec \"$@\"\n"
	return exec.Command("unshare", append([]string{"--mount", "--propagation", "private", "sh", "-c", script, "sh", dir}, args...)...)
}

// Start runs a server in the namespace until the end of the test, and waits
// until it answers at port 53 of the address.
func (n *Namespace) Start(t testing.TB, name string, cmd *exec.Cmd, address string) *Process {
	t.Helper()
	var p *Process
	n.Do(t, func() {
		p = Start(t, name, cmd)
		p.WaitFor(t, netip.AddrPortFrom(netip.MustParseAddr(address), 53))
	})
	return p
}

// A stub resolver's tries. A dnsmasq needs them: it goes to another server only
// when it is asked again, from the same port.
const (
	tries   = 4
	timeout = 1500 * time.Millisecond
)

// Ask asks a server on port 53 from within the namespace, as a stub resolver.
// The network is "udp" or "tcp".
func (n *Namespace) Ask(t testing.TB, network, server string, question *dns.Msg) (reply *dns.Msg, err error) {
	t.Helper()
	client := &dns.Client{Net: network, Timeout: timeout}
	var conn *dns.Conn
	n.Do(t, func() { conn, err = client.Dial(server + ":53") })
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	for range tries {
		if reply, _, err = client.ExchangeWithConn(question, conn); err == nil {
			return reply, nil
		}
	}
	return nil, err
}

// Getent asks glibc's stub resolver for the addresses of a name.
func (n *Namespace) Getent(t testing.TB, resolvConf, name string) (output string, err error) {
	t.Helper()
	program := workbench.Need(t, "getent")
	etc := map[string]string{"resolv.conf": resolvConf, "nsswitch.conf": "hosts: dns\n"}
	cmd := Command(t, etc, "", program, "ahosts", name)
	var out []byte
	n.Do(t, func() { out, err = cmd.CombinedOutput() })
	return string(out), err
}
