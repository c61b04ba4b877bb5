package vpcresolver_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/failover/route53"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// A name in Route 53's stand-in changes: of two authoritative servers one has
// the new address at once, and the VPC resolver, which had asked before,
// repeats what it has.
func ExampleResolver_Follow() {
	const vpc, name, probe = "vpc-0a1b2c3d", "myservice.awslab.mycompany.corp.", ".now.myservice.awslab.mycompany.corp."
	api := route53.New(route53.Options{Delays: []time.Duration{0, 20 * time.Second}})
	zone, err := api.AddZone(route53.Zone{
		ID: "Z1", Name: "awslab.mycompany.corp", VPCs: []route53.VPC{{VPCRegion: "us-east-1", VPCId: vpc}},
		Records: []route53.RecordSet{route53.Simple(name, "A", 10, "10.79.252.13"), route53.Alias("*"+probe, "A", "Z1", name)},
	})
	if err != nil {
		panic(err)
	}
	resolver, err := vpcresolver.New("", true)
	if err != nil {
		panic(err)
	}
	defer resolver.Close()
	resolver.SetCaches(vpcresolver.Caches{Instance: true, Fleet: 1, ByZone: true})
	resolver.Follow(api.Authority(vpc))
	addr, err := resolver.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		panic(err)
	}
	ask := func(name string) string {
		reply, _, err := new(dns.Client).Exchange(new(dns.Msg).SetQuestion(name, dns.TypeA), addr.String())
		if err != nil {
			panic(err)
		}
		return reply.Answer[0].(*dns.A).A.String()
	}
	fmt.Println("before:", ask(name))
	if _, err := api.Change(zone, route53.Simple(name, "A", 10, "10.79.252.14")); err != nil {
		panic(err)
	}
	seen := map[string]bool{}
	for i := range 40 {
		seen[ask(fmt.Sprintf("r%d%s", i, probe))] = true
	}
	fmt.Println("after:", ask(name), "and below random labels:", seen)
	// Output:
	// before: 10.79.252.13
	// after: 10.79.252.13 and below random labels: map[10.79.252.13:true 10.79.252.14:true]
}
