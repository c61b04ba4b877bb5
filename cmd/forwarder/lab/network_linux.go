package lab

import (
	"fmt"
	"net/netip"
	"os"
	"testing"

	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/forwarder/workbench"
	"vpcdns/testdata"
)

// The addresses of the network. ResolverAlso is a second address of the VPC
// resolver's namespace.
const (
	Resolver     = "10.79.0.2"
	ResolverAlso = "10.79.0.3"
	ForwarderA   = "10.79.1.10"
	ForwarderB   = "10.79.2.10"
	Application  = "10.79.3.20" // of a server that fails over
)

// Corporate is a DNS server of the corporate network.
type Corporate struct{ Name, Address string }

// CorporateDNS are the servers of the corporate network, each a peer.
var CorporateDNS = []Corporate{
	{"named", "10.20.0.11"},
	{"unbound", "10.20.0.12"},
	{"dnsmasq", "10.20.0.13"},
}

// Network is the reference's: a router, and around it the VPC resolver, the two
// forwarders, the application, the corporate network and one that may ask nothing. Each cable
// has the name of its field at the router: "resolver", "forwarderA" ….
type Network struct {
	Router, Resolver, ForwarderA, ForwarderB, Application, Corporate, Guest *Namespace
}

// NewNetwork needs root, and what a test without it says is missing.
func NewNetwork(t testing.TB) *Network {
	t.Helper()
	workbench.NeedRoot(t)
	workbench.Need(t, "ip")
	workbench.Need(t, "unshare")
	w := &Network{Router: NewNamespace(t)}
	w.Router.IP(t, "link set lo up")
	w.Router.Do(t, func() {
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
	})
	w.Resolver = w.Attach(t, "resolver", "10.79.0.1/24", Resolver+"/24", ResolverAlso+"/24")
	w.ForwarderA = w.Attach(t, "forwarderA", "10.79.1.1/24", ForwarderA+"/24")
	w.ForwarderB = w.Attach(t, "forwarderB", "10.79.2.1/24", ForwarderB+"/24")
	w.Application = w.Attach(t, "application", "10.79.3.1/24", Application+"/24")
	w.Corporate = w.Attach(t, "corporate", "10.20.0.1/16", "10.20.0.99/16", "10.20.0.11/16", "10.20.0.12/16", "10.20.0.13/16")
	w.Guest = w.Attach(t, "guest", "192.168.7.1/24", "192.168.7.7/24")
	return w
}

// Attach makes a namespace with these addresses and a cable to the router,
// whose end has the name and the gateway's address.
func (w *Network) Attach(t testing.TB, cable, gateway string, addresses ...string) *Namespace {
	t.Helper()
	n := NewNamespace(t)
	w.Router.IP(t,
		fmt.Sprintf("link add %s type veth peer name eth0 netns %s", cable, n.Path()),
		fmt.Sprintf("addr add %s dev %s", gateway, cable),
		fmt.Sprintf("link set %s up", cable))
	lines := []string{"link set lo up", "link set eth0 up"}
	for _, a := range addresses {
		lines = append(lines, "addr add "+a+" dev eth0")
	}
	gw := netip.MustParsePrefix(gateway).Addr()
	n.IP(t, append(lines, fmt.Sprintf("route add default via %v", gw))...)
	return n
}

// StartResolver starts the VPC resolver's stand-in, with a cache, at the
// address Resolver. Below hot.awslab.mycompany.corp every name has a TTL of
// 10 s, and below cold.awslab.mycompany.corp of an hour.
func (w *Network) StartResolver(t testing.TB) *vpcresolver.Resolver {
	t.Helper()
	r, err := vpcresolver.New(testdata.Zone, true)
	if err != nil {
		t.Fatal(err)
	}
	err = r.Set("*.hot.awslab.mycompany.corp. 10 IN A 10.79.6.10", "*.cold.awslab.mycompany.corp. 3600 IN A 10.79.6.11")
	if err != nil {
		t.Fatal(err)
	}
	w.Resolver.Do(t, func() { _, err = r.Listen(netip.MustParseAddrPort(Resolver + ":53")) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// StartCorporate starts one of CorporateDNS, which asks both forwarders.
func (w *Network) StartCorporate(t testing.TB, c Corporate) *Process {
	t.Helper()
	setup := Setup{Address: c.Address, Upstreams: []string{ForwarderA, ForwarderB}}
	return w.Corporate.Serve(t, Peer(t, c.Name), setup)
}
