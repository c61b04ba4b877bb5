package lab

import (
	"net/netip"
	"testing"

	"vpcdns/cmd/forwarder/vpcresolver"
	"vpcdns/testdata"
)

// VPC is a machine's surroundings: the VPC resolver and clients, in a namespace
// at the other end of its only cable.
type VPC struct {
	*Namespace
	Resolver *vpcresolver.Resolver
}

// Connect gives a machine that runs the address of a forwarder, and a VPC. The zone
// has, beside testdata.Zone, any name below cold.awslab.mycompany.corp.
func Connect(t testing.TB, m *Machine, address string) VPC {
	t.Helper()
	v := VPC{Namespace: NewNamespace(t)}
	v.IP(t, "link set lo up",
		"link add machine type veth peer name eth0 netns "+m.Pid(),
		"addr add "+Resolver+"/16 dev machine",
		"link set machine up")
	m.Run("ip", "addr", "add", address+"/16", "dev", "eth0")
	m.Run("ip", "link", "set", "eth0", "up")
	var err error
	if v.Resolver, err = vpcresolver.New(testdata.Zone, false); err != nil {
		t.Fatal(err)
	}
	if err := v.Resolver.Set("*.cold.awslab.mycompany.corp. 3600 IN A 10.79.6.11"); err != nil {
		t.Fatal(err)
	}
	v.Do(t, func() { _, err = v.Resolver.Listen(netip.MustParseAddrPort(Resolver + ":53")) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Resolver.Close() })
	return v
}
