package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/vpcresolver"
)

// upstreamFaults are the faults by the label that has them.
var upstreamFaults = map[string]vpcresolver.Faults{
	"healthy":    {},
	"servfail":   {Rcode: dns.RcodeServerFailure},
	"refused":    {Rcode: dns.RcodeRefused},
	"notimp":     {Rcode: dns.RcodeNotImplemented},
	"formerr":    {Rcode: dns.RcodeFormatError},
	"notauth":    {Rcode: dns.RcodeNotAuth},
	"yxdomain":   {Rcode: dns.RcodeYXDomain},
	"nxdomain":   {Rcode: dns.RcodeNameError},
	"badvers":    {Rcode: dns.RcodeBadVers},
	"no-edns":    {NoEDNS: true},
	"no-opt":     {NoOPT: true},
	"no-ra":      {NoRA: true},
	"no-soa":     {NoSOA: true},
	"empty":      {Empty: true},
	"referral":   {Referral: true},
	"truncated":  {Truncated: true},
	"no-tcp":     {Truncated: true, NoTCP: true},
	"late":       {Delay: 300 * time.Millisecond},
	"very-late":  {Delay: 1500 * time.Millisecond},
	"silent":     {Drop: 1},
	"wrong-id":   {WrongID: true},
	"wrong-name": {WrongName: true},
	"unasked":    {NoQuestion: true},
	"cut":        {Cut: true},
}

// ttlNames are names by the TTL of their records, in seconds.
var ttlNames = map[string][]uint32{
	"ttl-0": {0}, "ttl-1": {1}, "ttl-2": {2}, "ttl-9": {9}, "ttl-10": {10}, "ttl-35": {35}, "ttl-3600": {3600},
	"ttl-604800": {604800}, "ttl-604801": {604801}, "ttl-2147483647": {1<<31 - 1}, "ttl-2147483648": {1 << 31},
	"ttl-4294967295": {1<<32 - 1}, "ttl-60-3600": {60, 3600}, "ttl-0-3600": {0, 3600},
}

// ttlProbes ask for every TTL, positive and negative. No name is asked for
// twice: who asks again at the end of a TTL gets one or the other.
func ttlProbes() []probe {
	var probes []probe
	ask := func(name string, qtype uint16) {
		q := usual(name, qtype)
		probes = append(probes, probe{title: fmt.Sprintf("%s type %d", name, qtype), packet: q.pack()})
	}
	for _, label := range slices.Sorted(maps.Keys(ttlNames)) {
		ask(label+".awslab.mycompany.corp.", dns.TypeA)
	}
	for _, zone := range []string{"awslab.mycompany.corp.", "soa-long.awslab.mycompany.corp.", "soa-short.awslab.mycompany.corp.", "us-east-1.compute.internal.", "example.com.", "."} {
		ask("ttl-none."+strings.TrimPrefix(zone, "."), dns.TypeA)
		ask(zone, dns.TypeSPF)
	}
	return probes
}

// setTTLs makes the names of ttlNames, and lets those that move stay for an hour: who
// asks twice while the machine is busy is to get the same.
func setTTLs(t *testing.T, r *vpcresolver.Resolver) {
	t.Helper()
	for label, ttls := range ttlNames {
		var records []string
		for i, ttl := range ttls {
			records = append(records, fmt.Sprintf("%s.awslab.mycompany.corp. %d IN A 10.79.8.%d", label, ttl, i))
		}
		if err := r.Set(records...); err != nil {
			t.Fatal(err)
		}
	}
	for _, moving := range []string{"myservice A 10.79.252.13", "db A 10.79.1.21", "queue A 10.79.2.22", "queue AAAA fd00:79::22"} {
		label, data, _ := strings.Cut(moving, " ")
		if err := r.Set(label + ".awslab.mycompany.corp. 3600 IN " + data); err != nil {
			t.Fatal(err)
		}
	}
}

// setFaults makes a zone of names with upstream faults: NAME.FAULT.awslab….
func setFaults(t *testing.T, r *vpcresolver.Resolver) {
	t.Helper()
	for label, faults := range upstreamFaults {
		name := label + ".awslab.mycompany.corp."
		if err := r.Set("*."+name+" 3600 IN A 10.79.9.1", "*."+name+" 3600 IN TXT here"); err != nil {
			t.Fatal(err)
		}
		r.SetFaults(name, faults)
	}
}

// faultProbes ask for an answer and for none, over each transport.
func faultProbes() []probe {
	var probes []probe
	for label := range upstreamFaults {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			for variant := range 4 {
				q := usual(fmt.Sprintf("t%d-%d.%s.awslab.mycompany.corp.", qtype, variant, label), qtype)
				q.edns = variant < 2
				probes = append(probes, probe{title: "upstream " + q.name, packet: q.pack(), tcp: variant%2 == 1})
			}
		}
	}
	slices.SortFunc(probes, func(a, b probe) int { return strings.Compare(a.title, b.title) })
	return probes
}
