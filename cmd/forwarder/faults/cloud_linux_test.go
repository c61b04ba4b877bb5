package faults

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"vpcdns/cmd/failover/route53"
	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// cloud is Route 53's stand-in with a private zone: its API, and the servers that
// the VPC resolver asks.
type cloud struct {
	*route53.Server
	zone string // ID
	url  string // of the API
}

const vpcID = "vpc-0f0e0d0c0b0a09080"

// hurried is how long Route 53 and the resolver's caches take for what takes d on
// AWS: a fifth of it, unless figures are to be written down.
func hurried(d time.Duration) time.Duration {
	if *updateFlag {
		return d
	}
	return d / 5
}

// spread is how long a change takes to each of Route 53's servers.
func spread() (delays []time.Duration) {
	for _, seconds := range []time.Duration{10, 20, 30, 40} {
		delays = append(delays, hurried(seconds*time.Second))
	}
	return delays
}

// followed is when a change is at all servers and in no cache any more, and the
// forwarders have believed it for a while: that takes twice the TTL.
func followed() time.Duration { return slices.Max(spread()) + 3*ttl + 4*time.Second }

// startCloud has the VPC resolver follow Route 53, where the names have the old
// address. Two caches flap when a name changes, which a probe does not notice.
func (s *site) startCloud(t *testing.T, names ...string) *cloud {
	t.Helper()
	c := &cloud{Server: route53.New(route53.Options{Delays: spread()})}
	zone := route53.Zone{Name: "awslab.mycompany.corp.", VPCs: []route53.VPC{{VPCRegion: "us-east-1", VPCId: vpcID}}}
	for _, name := range names {
		zone.Records = append(zone.Records, c.record(name, oldAddress))
		s.vpc.SetFaults(name, vpcresolver.Faults{Flap: hurried(30 * time.Second)})
		s.vpc.SetFaults("now."+name, vpcresolver.Faults{})
	}
	var err error
	if c.zone, err = c.AddZone(zone); err != nil {
		t.Fatal(err)
	}
	s.Resolver.Do(t, func() { c.url, err = c.Listen(netip.MustParseAddrPort(lab.ResolverAlso + ":80")) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s.vpc.SetCaches(vpcresolver.Caches{Instance: true, Fleet: 2, ByZone: true})
	s.vpc.Follow(c.Authority(vpcID))
	return c
}

func (c *cloud) record(name string, address netip.Addr) route53.RecordSet {
	return route53.Simple(name, "A", int64(ttl/time.Second), address.String())
}

// upsert changes records, in one batch, as anybody's tool does.
func (c *cloud) upsert(t *testing.T, to netip.Addr, names ...string) {
	t.Helper()
	var sets []route53.RecordSet
	for _, name := range names {
		sets = append(sets, c.record(name, to))
	}
	if _, err := c.Change(c.zone, sets...); err != nil {
		t.Fatal(err)
	}
}
