package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// image is what an engine makes of deploy/Containerfile: a root with what is
// copied, and how the program is started.
type image struct {
	root, user string
	entrypoint []string
}

// buildImage follows the instructions; those about ports and signals tell an
// engine what is so anyway.
func buildImage(t *testing.T, program string) *image {
	t.Helper()
	text, err := os.ReadFile("../../deploy/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	m := &image{root: t.TempDir()}
	for line := range strings.Lines(string(text)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "", "#", "ARG", "EXPOSE", "STOPSIGNAL":
		case "FROM":
			if rest != "scratch" {
				t.Fatalf("the image is made from %s, want scratch", rest)
			}
		case "COPY":
			from, to, _ := strings.Cut(rest, " ")
			if from == "bin/${TARGETARCH}/forwarder" {
				from = program
			} else {
				from = filepath.Join("../..", from)
			}
			copyFile(t, from, filepath.Join(m.root, to))
		case "USER":
			m.user = rest
		case "ENTRYPOINT":
			if err := json.Unmarshal([]byte(rest), &m.entrypoint); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("instruction %s is new to this test", word)
		}
	}
	return m
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(text))
	if err := os.Chmod(to, 0o755); err != nil {
		t.Fatal(err)
	}
}

// inImage runs a command in the image with nothing else: the root is read-only and
// has neither /proc nor /dev, and nobody is root. $1 is the first port that needs no
// privilege, $2 the capabilities, $3 the user, $4 the root.
const inImage = `set -e
echo "$1" >/proc/sys/net/ipv4/ip_unprivileged_port_start
caps=$2 user=$3 root=$4
shift 4
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
exec setpriv --securebits +no_setuid_fixup --bounding-set "$caps,+setuid,+setgid,+sys_chroot" \
	--inh-caps "$caps" --ambient-caps "$caps" \
	chroot --userspec "$user" --groups "" "$root" "$@"
`

// start runs the container in a network of its own, and waits for it to answer.
func (m *image) start(t *testing.T, firstPort, capabilities string, flags ...string) (*lab.Namespace, *lab.Process) {
	t.Helper()
	n := lab.NewNamespace(t)
	n.IP(t, "link set lo up")
	args := []string{"--mount", "--propagation", "private", "sh", "-c", inImage, "sh", firstPort, capabilities, m.user, m.root}
	cmd := exec.Command("unshare", append(append(args, m.entrypoint...), flags...)...)
	return n, n.Start(t, "the container", cmd, "127.0.0.1")
}

// deploy/Containerfile, without an engine.
func TestContainer(t *testing.T) {
	t.Parallel()
	workbench.NeedRoot(t)
	for _, program := range []string{"unshare", "setpriv", "ip"} {
		workbench.Need(t, program)
	}
	m := buildImage(t, lab.BuildReleased(t))
	for _, test := range []struct{ name, firstPort, capabilities string }{
		{"ports are free for all", "53", "-all"},
		{"a capability", "1024", "-all,+net_bind_service"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n, p := m.start(t, test.firstPort, test.capabilities)
			for _, network := range []string{"udp", "tcp"} {
				question := new(dns.Msg).SetQuestion("version.bind.", dns.TypeTXT)
				question.Question[0].Qclass = dns.ClassCHAOS
				reply, err := n.Ask(t, network, "127.0.0.1", question)
				if err != nil || !strings.Contains(reply.String(), "not currently available") {
					t.Errorf("%s: asking for version.bind = %v, %v, want the configured text", network, reply, err)
				}
			}
			p.End(t)
			if got := p.Cmd.ProcessState.ExitCode(); got != 0 {
				t.Errorf("after SIGTERM the status is %d, want 0", got)
			}
			if got := p.Tail(); !strings.Contains(got, "/var/log/named/bind.log") {
				t.Errorf("it wrote %q, want that the log file cannot be had", got)
			}
		})
	}
}
