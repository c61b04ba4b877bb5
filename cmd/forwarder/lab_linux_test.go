package main

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
)

// namespace is a network namespace without a name: it is gone when the test's
// process and the servers in it are, whatever happens, and never in another's
// way.
type namespace struct{ file *os.File }

const ownNamespace = "/proc/thread-self/ns/net"

func newNamespace(t *testing.T) *namespace {
	t.Helper()
	n := &namespace{}
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

// do calls f on a thread inside the namespace: sockets that f opens and
// processes that f starts belong there.
func (n *namespace) do(t *testing.T, f func()) {
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
func elsewhere(t *testing.T, f func()) {
	t.Helper()
	runtime.LockOSThread()
	home, err := os.Open(ownNamespace)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		defer home.Close()
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
			t.Fatalf("leaving a network namespace: %v", err) // the thread stays locked, and dies
		}
		runtime.UnlockOSThread()
	}()
	f()
}

// ip runs lines of ip(8) in the namespace.
func (n *namespace) ip(t *testing.T, lines ...string) {
	t.Helper()
	n.do(t, func() {
		cmd := exec.Command("ip", "-batch", "-")
		cmd.Stdin = strings.NewReader(strings.Join(lines, "\n"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", strings.Join(lines, "; "), err, out)
		}
	})
}

// path names the namespace for ip(8).
func (n *namespace) path() string {
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.file.Fd())
}

// lab is the reference's network: a router, and around it the VPC resolver,
// the two forwarders, the corporate network and one that may ask nothing.
type lab struct {
	router, resolver, forwarderA, forwarderB, corporate, guest *namespace
}

// newLab needs root, and what a test without it says is missing.
func newLab(t *testing.T) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		skip(t, "network namespaces need root")
	}
	needPeer(t, "ip", "iproute2")
	needPeer(t, "unshare", "util-linux")
	l := &lab{router: newNamespace(t)}
	l.router.ip(t, "link set lo up")
	l.router.do(t, func() {
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
	})
	l.resolver = l.attach(t, "resolver", "10.79.0.1/24", "10.79.0.2/24")
	l.forwarderA = l.attach(t, "forwarderA", "10.79.1.1/24", "10.79.1.10/24")
	l.forwarderB = l.attach(t, "forwarderB", "10.79.2.1/24", "10.79.2.10/24")
	l.corporate = l.attach(t, "corporate", "10.20.0.1/16", "10.20.0.99/16", "10.20.0.11/16", "10.20.0.12/16", "10.20.0.13/16")
	l.guest = l.attach(t, "guest", "192.168.7.1/24", "192.168.7.7/24")
	return l
}

// attach makes a namespace with these addresses and a cable to the router,
// whose end has the name and the gateway's address.
func (l *lab) attach(t *testing.T, cable, gateway string, addresses ...string) *namespace {
	t.Helper()
	n := newNamespace(t)
	l.router.ip(t,
		fmt.Sprintf("link add %s type veth peer name eth0 netns %s", cable, n.path()),
		fmt.Sprintf("addr add %s dev %s", gateway, cable),
		fmt.Sprintf("link set %s up", cable))
	lines := []string{"link set lo up", "link set eth0 up"}
	for _, a := range addresses {
		lines = append(lines, "addr add "+a+" dev eth0")
	}
	gw := netip.MustParsePrefix(gateway).Addr()
	n.ip(t, append(lines, fmt.Sprintf("route add default via %v", gw))...)
	return n
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

// command returns a command that sees an empty /var and /run and the given
// files, by name, in /etc. It is to be started within do. The setup is more of
// the shell, run before it.
func command(t *testing.T, etc map[string]string, setup string, args ...string) *exec.Cmd {
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

// start runs a server in the namespace and waits until it answers at addr.
func (n *namespace) start(t *testing.T, name string, cmd *exec.Cmd, addr string) *process {
	t.Helper()
	var p *process
	n.do(t, func() {
		p = start(t, name, cmd)
		p.waitFor(t, netip.MustParseAddrPort(addr+":53"))
	})
	return p
}

// A stub resolver's tries. A dnsmasq needs them: it goes to another server only
// when it is asked again, from the same port.
const (
	tries    = 4
	patience = 1500 * time.Millisecond
)

// ask asks a server on port 53 from within the namespace.
func (n *namespace) ask(t *testing.T, network, server string, question *dns.Msg) (reply *dns.Msg, err error) {
	t.Helper()
	client := &dns.Client{Net: network, Timeout: patience}
	var conn *dns.Conn
	n.do(t, func() { conn, err = client.Dial(server + ":53") })
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
