package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// forwarderPair is the two forwarders in their network.
type forwarderPair struct {
	*lab.Network
	vpc *vpcresolver.Resolver
}

// newPair starts both with the reference configuration as it is. The first has
// the directories that it names, the second has not.
func newPair(t *testing.T) *forwarderPair {
	t.Helper()
	network := lab.NewNetwork(t)
	p := &forwarderPair{network, network.StartResolver(t)}
	ours := lab.Forwarder(t, lab.BuildForwarder(t))
	setup := lab.Setup{Address: lab.ForwarderA, Upstreams: []string{lab.Resolver}}
	p.ForwarderA.Serve(t, ours, setup)
	setup.Address = lab.ForwarderB
	p.ForwarderB.Start(t, "forwarder b", lab.Command(t, nil, "", ours.CommandLine(t, setup)...), lab.ForwarderB)
	return p
}

func TestPair(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for _, c := range lab.CorporateDNS {
		p.StartCorporate(t, c)
	}
	t.Run("through a corporate DNS", p.testCorporate)
	t.Run("through resolv.conf", p.testGetent)
	t.Run("guest is refused", p.testGuest)
	t.Run("failover", p.testFailover)
	t.Run("one forwarder is cut off", p.testCut)
}

func (p *forwarderPair) testCorporate(t *testing.T) {
	tests := []struct {
		network, name string
		qtype         uint16
		rcode         int
		records       int
	}{
		{network: "udp", name: "myservice.awslab.mycompany.corp.", qtype: dns.TypeA, rcode: dns.RcodeSuccess, records: 1},
		{network: "udp", name: "queue.awslab.mycompany.corp.", qtype: dns.TypeAAAA, rcode: dns.RcodeSuccess, records: 1},
		{network: "udp", name: "www.awslab.mycompany.corp.", qtype: dns.TypeA, rcode: dns.RcodeSuccess, records: 3},
		{network: "udp", name: "hop8.awslab.mycompany.corp.", qtype: dns.TypeA, rcode: dns.RcodeSuccess, records: 9},
		{network: "udp", name: "any.wild.awslab.mycompany.corp.", qtype: dns.TypeA, rcode: dns.RcodeSuccess, records: 1},
		{network: "udp", name: "_ldap._tcp.awslab.mycompany.corp.", qtype: dns.TypeSRV, rcode: dns.RcodeSuccess, records: 2},
		{network: "udp", name: "ip-10-79-1-10.us-east-1.compute.internal.", qtype: dns.TypeA, rcode: dns.RcodeSuccess, records: 1},
		{network: "udp", name: "stable.awslab.mycompany.corp.", qtype: dns.TypeMX, rcode: dns.RcodeSuccess},
		{network: "udp", name: "nothing.awslab.mycompany.corp.", qtype: dns.TypeA, rcode: dns.RcodeNameError},
		{network: "tcp", name: "bigtext.awslab.mycompany.corp.", qtype: dns.TypeTXT, rcode: dns.RcodeSuccess, records: 60},
		{network: "tcp", name: "a100.awslab.mycompany.corp.", qtype: dns.TypeA, rcode: dns.RcodeSuccess, records: 100},
	}
	for _, c := range lab.CorporateDNS {
		for _, test := range tests {
			question := new(dns.Msg).SetQuestion(test.name, test.qtype)
			reply, err := p.Corporate.Ask(t, test.network, c.Address, question)
			if err != nil {
				t.Errorf("%s %s: %v", c.Name, test.name, err)
			} else if reply.Rcode != test.rcode || len(reply.Answer) != test.records {
				t.Errorf("%s %s = %s with %d records, want %s with %d", c.Name, test.name,
					dns.RcodeToString[reply.Rcode], len(reply.Answer), dns.RcodeToString[test.rcode], test.records)
			}
		}
	}
}

const resolvConf = "nameserver " + lab.ForwarderA + "\nnameserver " + lab.ForwarderB + "\noptions timeout:1\nsearch awslab.mycompany.corp\n"

func (p *forwarderPair) testGetent(t *testing.T) {
	for name, want := range map[string]string{
		"myservice.awslab.mycompany.corp":          "10.79.252.13",
		"myservice":                                "10.79.252.13",
		"www.awslab.mycompany.corp":                "10.79.252.13",
		"queue.awslab.mycompany.corp":              "fd00:79::22",
		"ip-10-79-1-10.us-east-1.compute.internal": "10.79.1.10",
		"outside.awslab.mycompany.corp":            "192.0.2.2",
		"a100.awslab.mycompany.corp":               "10.79.11.100",
	} {
		if got, err := p.Corporate.Getent(t, resolvConf, name); err != nil || !strings.Contains(got, want+" ") {
			t.Errorf("getent ahosts %s = %v, want %s in:\n%s", name, err, want, got)
		}
	}
	if got, err := p.Corporate.Getent(t, resolvConf, "nothing.awslab.mycompany.corp"); err == nil {
		t.Errorf("getent ahosts nothing.awslab.mycompany.corp found:\n%s", got)
	}
}

func (p *forwarderPair) testGuest(t *testing.T) {
	for _, address := range []string{lab.ForwarderA, lab.ForwarderB} {
		for _, network := range []string{"udp", "tcp"} {
			question := new(dns.Msg).SetQuestion("myservice.awslab.mycompany.corp.", dns.TypeA).SetEdns0(1232, false)
			reply, err := p.Guest.Ask(t, network, address, question)
			if err != nil {
				t.Errorf("%s %s: %v", network, address, err)
				continue
			}
			opt := reply.IsEdns0()
			if reply.Rcode != dns.RcodeRefused || reply.RecursionAvailable || len(reply.Answer) != 0 ||
				opt == nil || !strings.HasPrefix(extendedErrors(opt), "18") {
				t.Errorf("%s %s: a guest gets %v, want REFUSED with EDE 18, without RA", network, address, reply)
			}
		}
	}
	if got, err := p.Guest.Getent(t, resolvConf, "myservice.awslab.mycompany.corp"); err == nil {
		t.Errorf("getent in the guest network found:\n%s", got)
	}
}

// testFailover moves a name and waits for every client to see it, for as long
// as the TTL allows: once in the VPC resolver and not again in each cache
// below it. Each of those may round up by a second.
func (p *forwarderPair) testFailover(t *testing.T) {
	const ttl, caches, room = 4, 3, 3 // s; the last for a busy machine
	const name, from, to = "moving.awslab.mycompany.corp.", "10.79.252.13", "10.79.253.13"
	move := func(address string) {
		if err := p.vpc.Set(fmt.Sprintf("%s %d IN A %s", name, ttl, address)); err != nil {
			t.Fatal(err)
		}
	}
	move(from)
	unseen := map[string]string{lab.ForwarderA: "forwarder a", lab.ForwarderB: "forwarder b"}
	for _, c := range lab.CorporateDNS {
		unseen[c.Address] = c.Name
	}
	for address, who := range unseen {
		if got := p.address(t, address, name); got != from {
			t.Fatalf("%s answers %q before the failover, want %s", who, got, from)
		}
	}
	moved := time.Now()
	move(to)
	for len(unseen) > 0 && time.Since(moved) < (ttl+caches+room)*time.Second {
		for address, who := range unseen {
			if p.address(t, address, name) == to {
				t.Logf("%s: new address after %.1f s of a TTL of %d s", who, time.Since(moved).Seconds(), ttl)
				delete(unseen, address)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	for _, who := range unseen {
		t.Errorf("%s still answers the old address after %v", who, time.Since(moved))
	}
}

// address returns the address in the answer to a stub resolver, "" without one.
func (p *forwarderPair) address(t *testing.T, server, name string) string {
	t.Helper()
	reply, err := p.Corporate.Ask(t, "udp", server, new(dns.Msg).SetQuestion(name, dns.TypeA))
	if err != nil || len(reply.Answer) == 0 {
		return ""
	}
	return reply.Answer[len(reply.Answer)-1].(*dns.A).A.String()
}

// testCut takes an Availability Zone away: packets to its forwarder vanish.
func (p *forwarderPair) testCut(t *testing.T) {
	p.Router.IP(t, "link set forwarderA down")
	defer p.Router.IP(t, "link set forwarderA up")
	for _, c := range lab.CorporateDNS {
		for i := range 5 {
			name := fmt.Sprintf("cut%d-%s.wild.awslab.mycompany.corp.", i, c.Name)
			if got, want := p.address(t, c.Address, name), "10.79.5.1"; got != want {
				t.Errorf("%s %s = %q, want %s", c.Name, name, got, want)
			}
		}
	}
	if got, err := p.Corporate.Getent(t, resolvConf, "cut.wild.awslab.mycompany.corp"); err != nil {
		t.Errorf("getent = %v, want an address:\n%s", err, got)
	}
}
