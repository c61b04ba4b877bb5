package deploy

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// The Deployment's container, by a real runtime, without a cluster.
func testKubernetesContainer(t *testing.T, layout ociLayout) {
	p := newPodTest(t, layout)
	q := p.start(t, p.network.ForwarderA, lab.ForwarderA)
	q.awaitReady(t)
	t.Run("answers", q.testAnswers)
	t.Run("rights", q.testRights)
	t.Run("reload", q.testReload)
	t.Run("override", q.testOverride)
	q.kill(t, "KILL")
	q.exitStatus()
	q.startIn(t, p.network.ForwarderA)
	q.awaitReady(t)
	q.wantAnswer(t, overridden)
	t.Run("newcomer", p.testNewcomer)
	t.Run("end", q.testEnd)
}

// cacheOf512M says that the limit of the container's memory is seen.
const cacheOf512M = "forwarder_cache_max_size_bytes 2.95279e+08"

func (q *pod) testAnswers(t *testing.T) {
	q.wantAnswer(t, "10.79.252.13")
	if got := q.ask(t, q.test.network.Guest, "udp"); got != "REFUSED" {
		t.Errorf("one that may not ask gets %s, want REFUSED", got)
	}
	if status, body := q.probe(t, q.test.cluster.container().LivenessProbe); status != http.StatusOK {
		t.Errorf("liveness: %d %s", status, body)
	}
	if status, body := q.get(t, 9153, "/metrics"); status != http.StatusOK || !strings.Contains(body, "\n"+cacheOf512M+"\n") {
		t.Errorf("metrics: %d, without %s", status, cacheOf512M)
	}
	if out, err := q.exec("forwarder", "status"); err != nil {
		t.Errorf("kubectl exec POD -- forwarder status: %v: %s", err, out)
	}
}

// testRights looks at the process from outside: it has no capability, can gain none
// but one, and is filtered.
func (q *pod) testRights(t *testing.T) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", q.pid(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Uid:\t25\t25\t25\t25", "Gid:\t25\t25\t25\t25", "Groups:\t25", "CapInh:\t0000000000000000", "CapPrm:\t0000000000000000",
		"CapEff:\t0000000000000000", "CapBnd:\t0000000000000400", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2",
	} {
		if !strings.Contains(string(text), "\n"+want) {
			t.Errorf("the process has not %q:\n%s", want, text)
		}
	}
	mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mounts", q.pid(t)))
	if err != nil || !regexp.MustCompile(`(?m)^\S+ / \S+ ro\b`).Match(mounts) {
		t.Errorf("the root can be written: %v\n%s", err, mounts)
	}
}

// testReload changes the ConfigMap as the cluster does, first for the worse.
func (q *pod) testReload(t *testing.T) {
	p := q.test
	change := func(old, new string) (string, error) {
		files := map[string]string{"rndc.key": p.files["rndc.key"], "named.conf": strings.Replace(p.files["named.conf"], old, new, 1)}
		for _, v := range p.pod().Volumes {
			if v.Projected != nil {
				projectFiles(t, q.volumes[v.Name], v.Projected, int(value(p.pod().SecurityContext.FSGroup)), files)
			}
		}
		return q.exec("forwarder", "reload", "1")
	}
	if out, err := change("querylog no;", "querylogs no;"); err == nil || !strings.Contains(out, "/etc/bind/named.conf:15:5: unknown option 'querylogs'") {
		t.Errorf("a reload with an error: %v: %s, want where it is", err, out)
	}
	if out, err := change("10.0.0.0/8;", "192.168.7.0/24;"); err != nil {
		t.Errorf("a reload: %v: %s", err, out)
	}
	if got := q.ask(t, q.test.network.Guest, "udp"); got == "REFUSED" {
		t.Errorf("after the reload it is not in force: %s", got)
	}
	if out, err := change("", ""); err != nil {
		t.Errorf("a reload: %v: %s", err, out)
	}
}

const overridden = "10.79.252.14"

// testOverride sets one from another host of the VPC.
func (q *pod) testOverride(t *testing.T) {
	key := filepath.Join(t.TempDir(), "rndc.key")
	if err := os.WriteFile(key, []byte(q.test.files["rndc.key"]), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(q.test.program(), "rndc", "-s", q.address, "-k", key, "override", "add", watched, "A", overridden)
	q.test.network.Application.Do(t, func() {
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("override add: %v: %s", err, out)
		}
	})
	q.wantAnswer(t, overridden)
}

// testNewcomer starts a second pod, which finds the first by the name of the headless
// Service, and has its override before it is ready.
func (p *podTest) testNewcomer(t *testing.T) {
	q := p.start(t, p.network.ForwarderB, lab.ForwarderB)
	q.awaitReady(t)
	q.wantAnswer(t, overridden)
	q.kill(t, "TERM")
	q.exitStatus()
}

// testEnd ends it while many are being answered: nobody is left without an answer.
func (q *pod) testEnd(t *testing.T) {
	p := q.test
	const name = "slow.cold.awslab.mycompany.corp."
	p.resolver.SetFaults(name, vpcresolver.Faults{Delay: time.Second})
	const clients = 40
	lost := make(chan string, clients)
	var asking sync.WaitGroup
	for i := range clients {
		network := []string{"udp", "tcp"}[i%2]
		client := &dns.Client{Net: network, Timeout: 10 * time.Second}
		var conn *dns.Conn
		var err error
		p.network.Corporate.Do(t, func() { conn, err = client.Dial(q.address + ":53") })
		if err != nil {
			t.Fatal(err)
		}
		asking.Go(func() {
			defer conn.Close()
			question := new(dns.Msg).SetQuestion(fmt.Sprintf("n%d.%s", i, name), dns.TypeA)
			if reply, _, err := client.ExchangeWithConn(question, conn); err != nil || reply.Rcode != dns.RcodeSuccess {
				lost <- fmt.Sprintf("%s %d: %v", network, i, err)
			}
		})
	}
	for deadline := time.Now().Add(time.Minute); p.asked(name, clients) < clients; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("upstream was asked %d names, want %d", p.asked(name, clients), clients)
		}
	}
	q.kill(t, "TERM")
	asking.Wait()
	close(lost)
	for l := range lost {
		t.Error("lost: ", l)
	}
	if got := q.exitStatus(); got != 0 {
		t.Errorf("after SIGTERM the status is %d, want 0\n%s", got, q.process.Tail())
	}
}

// asked are the names n0, n1 … that reached upstream.
func (p *podTest) asked(below string, clients int) (n int) {
	for i := range clients {
		if p.resolver.Queries(fmt.Sprintf("n%d.%s", i, below)) > 0 {
			n++
		}
	}
	return n
}

// remedy is told by a container that may not bind port 53.
const remedy = "in a container the sysctl net.ipv4.ip_unprivileged_port_start=53 does"

// What opens port 53 to a user who is not root, and what does not.
func testKubernetesPort53(t *testing.T, layout ociLayout) {
	p := newPodTest(t, layout)
	for _, test := range []struct {
		name           string
		sysctl, file   bool // the pod's, and a capability of the program's file
		privileges     bool // may be gained
		add            []corev1.Capability
		ready, refused bool
	}{
		{name: "as deployed", sysctl: true, add: []corev1.Capability{"NET_BIND_SERVICE"}, ready: true},
		{name: "the sysctl alone", sysctl: true, ready: true},
		{name: "the capability alone", add: []corev1.Capability{"NET_BIND_SERVICE"}},
		{name: "the capability alone, privileges may be gained", add: []corev1.Capability{"NET_BIND_SERVICE"}, privileges: true},
		{name: "the capability, and the file's", file: true, add: []corev1.Capability{"NET_BIND_SERVICE"}, ready: true},
		{name: "the file's alone", sysctl: true, file: true, refused: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := *p
			q.cluster = &cluster{}
			p.deployment.DeepCopyInto(&q.deployment)
			if !test.sysctl {
				q.pod().SecurityContext.Sysctls = []corev1.Sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: "1024"}}
			}
			q.container().SecurityContext.AllowPrivilegeEscalation = &test.privileges
			q.container().SecurityContext.Capabilities.Add = test.add
			setFileCapability(t, p.program(), test.file)
			c := q.start(t, p.network.ForwarderA, lab.ForwarderA)
			switch {
			case test.refused:
				if status := c.exitStatus(); status == 0 {
					t.Errorf("it starts, want the kernel to refuse it")
				}
			case test.ready:
				c.awaitReady(t)
				c.wantAnswer(t, "10.79.252.13")
				c.kill(t, "TERM")
				c.exitStatus()
			default:
				if status := c.exitStatus(); status != 1 || !strings.Contains(c.process.Tail(), "10.79.1.10#53: bind: permission denied") || !strings.Contains(c.process.Tail(), remedy) {
					t.Errorf("status %d, want 1, that port 53 may not be bound, and %s:\n%s", status, remedy, c.process.Tail())
				}
			}
		})
	}
}

// setFileCapability gives the file CAP_NET_BIND_SERVICE, permitted and effective, as
// setcap(8) does (capabilities(7), version 2 of the attribute), or takes it away.
func setFileCapability(t *testing.T, path string, set bool) {
	t.Helper()
	const attribute = "security.capability"
	err := unix.Removexattr(path, attribute)
	if errors.Is(err, unix.ENODATA) {
		err = nil
	}
	if set {
		err = unix.Setxattr(path, attribute, []byte{1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
}
