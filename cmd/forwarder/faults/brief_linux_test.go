package faults

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// zeroTTL is of a name that may not be kept.
var zeroTTL = scenario{name: "ttl 0", rows: zeroRows, run: runZero}

var zeroRows = []row{
	{"3000 q/s for one name of TTL 0: answered", "%", atLeast(100).give(0.5)},
	{"the same: packets to upstream in a second", "", atMost(20)},
}

func runZero(t *testing.T, s *site) figures {
	const length, name = 4 * time.Second, "zero.awslab.mycompany.corp."
	s.start(t, "")
	before := s.vpc.Queries(name)
	all := s.load(3000, length, func(int) string { return name }).Run(t.Context(), t)
	return inOrder(zeroRows, all.Percent(), float64(s.vpc.Queries(name)-before)/length.Seconds())
}

func (s *site) load(rate int, length time.Duration, name func(i int) string) lab.Load {
	return lab.Load{From: s.Corporate, Servers: []string{lab.ForwarderA}, Rate: rate, For: length, Name: name}
}

// missing is of a name that does not exist, which is so for every type and every
// kind of client.
var missing = scenario{name: "missing", rows: missingRows, run: runMissing}

var missingRows = []row{
	{"a missing name asked for as A, AAAA and MX by plain, DO and CD clients: packets to upstream", "", atMost(1)},
	{"the same, CD clients first", "", atMost(2)},
}

func runMissing(t *testing.T, s *site) figures {
	s.start(t, "")
	plain := func(*dns.Msg) {}
	do := func(m *dns.Msg) { m.SetEdns0(1232, true) }
	cd := func(m *dns.Msg) { m.CheckingDisabled = true }
	return inOrder(missingRows, s.missing(t, "nobody", plain, do, cd), s.missing(t, "nothing", cd, plain, do))
}

// missing asks for a name that does not exist as each kind of client, and returns
// the queries for it that came to upstream.
func (s *site) missing(t *testing.T, label string, kinds ...func(*dns.Msg)) float64 {
	t.Helper()
	name := label + ".awslab.mycompany.corp."
	for _, kind := range kinds {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeMX} {
			m := new(dns.Msg).SetQuestion(name, qtype)
			kind(m)
			reply, err := s.Corporate.Ask(t, "udp", lab.ForwarderA, m)
			if err != nil || reply.Rcode != dns.RcodeNameError {
				t.Fatalf("asking for %s: %v, %v", name, reply, err)
			}
		}
	}
	return float64(s.vpc.Queries(name))
}

// brief is of names that must be asked for again and again, more of them than
// upstream takes packets.
var brief = scenario{name: "brief", rows: briefRows, run: runBrief, heavy: true}

var briefRows = []row{
	{"one client asks for 4000 names of TTL 1 at 5000 q/s, upstream takes 1024 packets/s: others' TTL 10 names answered", "%", atLeast(100).give(0.5)},
	{"the same: p99 of these", "ms", atMost(20).give(100)},
	{"the same: others' cold names answered", "%", atLeast(100).give(0.5)},
	{"the same: p50 of these", "ms", atMost(20).give(50)},
}

func runBrief(t *testing.T, s *site) figures {
	const names, length = 4000, 6 * time.Second
	const learning = names / 800 * time.Second
	if err := s.vpc.Set("*.brief.awslab.mycompany.corp. 1 IN A 10.79.6.12"); err != nil {
		t.Fatal(err)
	}
	s.vpc.SetFaults(".", vpcresolver.Faults{PPS: vpcLimit})
	s.start(t, "")
	hotLoad := s.hotNames(learning + length)
	hotLoad.Source = honest
	hot, _ := hotLoad.Start(t)
	cold, _ := s.coldFrom(honest, "cold", learning+length).Start(t)
	f, next := s.newFlooder(t, "brief.awslab.mycompany.corp."), 0
	f.label = func(letters []byte) { number(letters, next); next++ }
	f.run(names/int(learning/time.Second), learning)
	begun := time.Now()
	f.label = func(letters []byte) { number(letters, rand.IntN(names)) }
	f.run(5000, length)
	hotOnes, coldOnes := hot().Between(begun, begun.Add(length)), cold().Between(begun, begun.Add(length))
	return inOrder(briefRows,
		hotOnes.Percent(), milliseconds(hotOnes.Quantile(0.99)),
		coldOnes.Percent(), milliseconds(coldOnes.Quantile(0.5)),
	)
}

// number makes a label of a number.
func number(letters []byte, n int) {
	copy(letters, fmt.Sprintf("%0*d", len(letters), n))
}
