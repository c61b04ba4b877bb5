package deploy

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/workbench"
)

// podTest is what pods of the Deployment run in: the reference's network, where the
// resolver of the VPC has a second address that stands for the cluster's DNS.
type podTest struct {
	*cluster
	network  *lab.Network
	resolver *vpcresolver.Resolver
	image    image
	files    map[string]string // of the volume with the configuration
}

// resolvConf is what kubelet writes into a pod of the namespace (ClusterFirst).
const resolvConf = "search forwarder.svc.cluster.local svc.cluster.local cluster.local\nnameserver " + lab.ResolverAlso + "\noptions ndots:5\n"

func newPodTest(t *testing.T, layout ociLayout) *podTest {
	t.Helper()
	workbench.Need(t, "runc")
	c, err := decodeKubernetes(readKubernetes(t))
	if err != nil {
		t.Fatal(err)
	}
	p := &podTest{cluster: c, network: lab.NewNetwork(t), image: layout.unpackThis(t)}
	p.resolver = p.network.StartResolver(t)
	p.network.Resolver.Do(t, func() { _, err = p.resolver.Listen(netip.MustParseAddrPort(lab.ResolverAlso + ":53")) })
	if err == nil { // the headless Service: what is ready, which the first will be
		err = p.resolver.Set(c.members.Name + "." + c.members.Namespace + ".svc.cluster.local. 5 IN A " + lab.ForwarderA)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	makeKey(t, p.program(), dir)
	key, err := os.ReadFile(filepath.Join(dir, "rndc.key"))
	if err != nil {
		t.Fatal(err)
	}
	p.files = map[string]string{"named.conf": c.namedConf(), "rndc.key": string(key)}
	return p
}

// program is the image's.
func (p *podTest) program() string { return filepath.Join(p.image.root, "usr/sbin/forwarder") }

// pod is one with its container.
type pod struct {
	*container
	test    *podTest
	address string
	volumes map[string]string // their directories
}

// start runs a new pod in a network.
func (p *podTest) start(t *testing.T, network *lab.Namespace, address string) *pod {
	t.Helper()
	q := &pod{test: p, address: address, volumes: p.podVolumes(t, p.files)}
	q.startIn(t, network)
	return q
}

// startIn starts the container in the pod, at first or again.
func (q *pod) startIn(t *testing.T, network *lab.Namespace) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte(resolvConf), 0o644); err != nil {
		t.Fatal(err)
	}
	q.container = startContainer(t, q.test.runtimeConfig(t, q.test.image, network, q.volumes, bind(path, "/etc/resolv.conf", false)))
}

// get asks the pod over HTTP from its node.
func (q *pod) get(t *testing.T, port int32, path string) (status int, body string) {
	t.Helper()
	client := q.test.network.Router.HTTP(t, 5*time.Second)
	reply, err := client.Get(fmt.Sprintf("http://%s:%d%s", q.address, port, path))
	if err != nil {
		return 0, err.Error()
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return 0, err.Error()
	}
	return reply.StatusCode, string(text)
}

// probe asks as kubelet does.
func (q *pod) probe(t *testing.T, probe *corev1.Probe) (status int, body string) {
	t.Helper()
	return q.get(t, q.test.portOf(probe.HTTPGet.Port, corev1.ProtocolTCP).ContainerPort, probe.HTTPGet.Path)
}

// awaitReady waits for the readiness probe.
func (q *pod) awaitReady(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		status, body := q.probe(t, q.test.cluster.container().ReadinessProbe)
		if status == http.StatusOK {
			return
		}
		select {
		case <-q.process.Exited:
			t.Fatalf("the container ended: %s", q.process.Tail())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("not ready: %d %s\n%s", status, body, q.process.Tail())
		}
	}
}

const watched = "myservice.awslab.mycompany.corp."

// ask asks the pod for the watched name.
func (q *pod) ask(t *testing.T, from *lab.Namespace, network string) string {
	t.Helper()
	reply, err := from.Ask(t, network, q.address, new(dns.Msg).SetQuestion(watched, dns.TypeA))
	if err != nil {
		return err.Error()
	}
	if len(reply.Answer) == 0 {
		return dns.RcodeToString[reply.Rcode]
	}
	return reply.Answer[0].String()
}

// wantAnswer asks for a corporate client.
func (q *pod) wantAnswer(t *testing.T, address string) {
	t.Helper()
	for _, network := range []string{"udp", "tcp"} {
		if got := q.ask(t, q.test.network.Corporate, network); !strings.HasSuffix(got, "\t"+address) {
			t.Errorf("%s %s: %s is %s, want %s", q.address, network, watched, got, address)
		}
	}
}
