package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"vpcdns/testdata"
)

// probe is one message sent to both servers.
type probe struct {
	title  string
	packet []byte
	tcp    bool
	source netip.Addr // zero: any
}

// query is a message before it is packed: what miekg/dns can express, and more.
type query struct {
	name    string
	qtype   uint16
	class   uint16
	flags   uint16 // the header's second word
	edns    bool
	size    uint16
	version uint8
	do      bool
	z       uint16 // the rest of the OPT's flags
	options []option
}

// option is an EDNS option, well formed or not.
type option struct {
	code uint16
	data []byte
}

const (
	flagRD = 0x0100
	flagAD = 0x0020
	flagCD = 0x0010
)

func (q query) pack() []byte {
	m := new(dns.Msg).SetQuestion(q.name, q.qtype)
	m.Question[0].Qclass = max(q.class, dns.ClassINET)
	packet, err := m.Pack()
	if err != nil {
		panic(fmt.Sprintf("packing %+v: %v", q, err)) // a mistake in a table of this file
	}
	packet[2], packet[3] = byte(q.flags>>8), byte(q.flags)
	if !q.edns {
		return packet
	}
	packet[11] = 1
	var data []byte
	for _, o := range q.options {
		data = append(data, byte(o.code>>8), byte(o.code), byte(len(o.data)>>8), byte(len(o.data)))
		data = append(data, o.data...)
	}
	flags := q.z
	if q.do {
		flags |= 1 << 15
	}
	packet = append(packet, 0, 0, 41, byte(q.size>>8), byte(q.size), 0, q.version, byte(flags>>8), byte(flags))
	packet = append(packet, byte(len(data)>>8), byte(len(data)))
	return append(packet, data...)
}

// usual is a query as a corporate DNS sends it.
func usual(name string, qtype uint16) query {
	return query{name: name, qtype: qtype, flags: flagRD, edns: true, size: 1232}
}

// overBoth makes the probe for UDP and the one for TCP.
func overBoth(title string, packet []byte) []probe {
	return []probe{{title: title, packet: packet}, {title: title + " over TCP", packet: packet, tcp: true}}
}

// zoneNames lists every name of the stand-in's zones, and some that are not there.
func zoneNames() []string {
	names := []string{
		"nothing.awslab.mycompany.corp.", "x.y.wild.awslab.mycompany.corp.", "ent.wild.awslab.mycompany.corp.",
		"x.named.wild.awslab.mycompany.corp.", "x.dname.awslab.mycompany.corp.", "x.soa-long.awslab.mycompany.corp.",
		"x.soa-short.awslab.mycompany.corp.", "d.e.f.g.h.i.j.awslab.mycompany.corp.", "x.us-east-1.compute.internal.",
		"x.79.10.in-addr.arpa.", "nosuchtld.", "corp.", "internal.", "1.0.0.127.in-addr.arpa.", "localhost.",
	}
	parser := dns.NewZoneParser(strings.NewReader(testdata.Zone), ".", "")
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		if name := rr.Header().Name; !strings.HasPrefix(name, "*") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// fewNames stand for the kinds of answers: one record, a chain, both kinds of
// negatives, and more than one size of large.
var fewNames = []string{
	"stable.awslab.mycompany.corp.", "www.awslab.mycompany.corp.", "nothing.awslab.mycompany.corp.",
	"a30.awslab.mycompany.corp.", "a100.awslab.mycompany.corp.", "a250.awslab.mycompany.corp.",
}

var probeTypes = []uint16{
	dns.TypeA, dns.TypeAAAA, dns.TypeCNAME, dns.TypeMX, dns.TypeTXT, dns.TypeNS, dns.TypeSOA, dns.TypeSRV, dns.TypePTR,
	dns.TypeCAA, dns.TypeNAPTR, dns.TypeHTTPS, dns.TypeSVCB, dns.TypeLOC, dns.TypeSSHFP, dns.TypeTLSA, dns.TypeDNAME,
	dns.TypeDS, dns.TypeDNSKEY, 0, 65280, 65535,
}

// typeProbes ask for every name and type, once to fill the cache and once to
// read it; with DO and without.
func typeProbes() []probe {
	var probes []probe
	for _, name := range zoneNames() {
		for _, qtype := range probeTypes {
			q := usual(name, qtype)
			title := fmt.Sprintf("%s type %d", name, qtype)
			probes = append(probes, probe{title: title, packet: q.pack()})
			q.do = true
			probes = append(probes, probe{title: title + " DO", packet: q.pack()})
		}
	}
	return probes
}

// caseProbes ask for cached names in other letter cases, and for odd types.
func caseProbes() []probe {
	var probes []probe
	for _, name := range zoneNames() {
		upper := usual(strings.ToUpper(name), dns.TypeA)
		probes = append(probes, overBoth("upper case "+name, upper.pack())...)
	}
	for _, qtype := range []uint16{41, 47, 249, 250, 251, 252, 253, 254} {
		q := usual(fewNames[0], qtype)
		probes = append(probes, overBoth(fmt.Sprintf("type %d", qtype), q.pack())...)
	}
	return probes
}

// anyProbes ask for ANY at names that nobody else asks for: BIND's answer
// depends on what is in its cache.
func anyProbes() []probe {
	var probes []probe
	for i := range 20 {
		q := usual(fmt.Sprintf("any%d.wild.awslab.mycompany.corp.", i), dns.TypeANY)
		q.edns = i%2 == 0
		probes = append(probes, probe{title: "ANY " + q.name, packet: q.pack(), tcp: i%4 < 2})
	}
	return probes
}

// flagProbes set every combination of the header's flags.
func flagProbes() []probe {
	var probes []probe
	for _, name := range fewNames {
		for bits := range uint16(128) { // AA TC RD RA Z AD CD
			q := usual(name, dns.TypeA)
			q.flags = bits << 4
			q.edns = bits&1 == 0
			probes = append(probes, overBoth(fmt.Sprintf("%s flags %#04x edns %v", name, q.flags, q.edns), q.pack())...)
		}
	}
	for rcode := range uint16(16) {
		q := usual(fewNames[0], dns.TypeA)
		q.flags |= rcode
		probes = append(probes, overBoth(fmt.Sprintf("rcode %d in the query", rcode), q.pack())...)
	}
	return probes
}

// unaskedProbes ask with RD=0 for what no cache holds.
func unaskedProbes() []probe {
	var probes []probe
	for i := range 10 {
		q := usual(fmt.Sprintf("norecursion%d.wild.awslab.mycompany.corp.", i), dns.TypeA)
		q.flags = 0
		q.edns = i%2 == 0
		probes = append(probes, probe{title: "RD=0 miss " + q.name, packet: q.pack(), tcp: i%4 < 2})
	}
	return probes
}

// ednsProbes vary the OPT record.
func ednsProbes() []probe {
	var probes []probe
	for _, name := range append(fewNames, "text600.awslab.mycompany.corp.", "a5000.awslab.mycompany.corp.") {
		for title, change := range ednsVariants() {
			q := usual(name, dns.TypeA)
			change(&q)
			probes = append(probes, overBoth(name+" EDNS "+title, q.pack())...)
		}
	}
	slices.SortFunc(probes, func(a, b probe) int { return strings.Compare(a.title, b.title) })
	return probes
}

func ednsVariants() map[string]func(*query) {
	variants := map[string]func(*query){
		"none":        func(q *query) { q.edns = false },
		"version 1":   func(q *query) { q.version = 1 },
		"version 255": func(q *query) { q.version, q.do = 255, true },
		"DO":          func(q *query) { q.do = true },
		"DO and CD":   func(q *query) { q.do, q.flags = true, flagRD|flagCD },
		"DO and AD":   func(q *query) { q.do, q.flags = true, flagRD|flagAD },
		"Z bits":      func(q *query) { q.z = 0x7fff },
	}
	for _, size := range []uint16{0, 511, 512, 513, 800, 1220, 1221, 1231, 1232, 1233, 1400, 4096, 65535} {
		variants[fmt.Sprintf("size %d", size)] = func(q *query) { q.size = size }
	}
	for title, options := range ednsOptions() {
		variants[title] = func(q *query) { q.options = options }
		variants[title+", version 1"] = func(q *query) { q.options, q.version = options, 1 }
	}
	return variants
}

func ednsOptions() map[string][]option {
	subnet := func(family, source, scope byte, address ...byte) []option {
		return []option{{8, append([]byte{0, family, source, scope}, address...)}}
	}
	cookie := func(n int) []option { return []option{{10, slices.Repeat([]byte{0xc0}, n)}} }
	options := map[string][]option{
		"NSID":                       {{3, nil}},
		"NSID with data":             {{3, []byte("x")}},
		"NSID twice":                 {{3, nil}, {3, nil}},
		"ECS 10.0.0.0/8":             subnet(1, 8, 0, 10),
		"ECS /0":                     subnet(1, 0, 0),
		"ECS with a scope":           subnet(1, 8, 8, 10),
		"ECS with a scope, second":   append(subnet(1, 8, 0, 10), subnet(1, 8, 8, 10)...),
		"ECS /33":                    subnet(1, 33, 0, 10, 0, 0, 0, 0),
		"ECS short":                  subnet(1, 24, 0, 10),
		"ECS long":                   subnet(1, 8, 0, 10, 0),
		"ECS with bits past the end": subnet(1, 4, 0, 0x1f),
		"ECS IPv6":                   subnet(2, 32, 0, 0x20, 1, 0x0d, 0xb8),
		"ECS family 0":               subnet(0, 0, 0),
		"ECS family 3":               subnet(3, 8, 0, 1),
		"ECS cut":                    {{8, []byte{0, 1}}},
		"keepalive":                  {{11, nil}},
		"keepalive with a timeout":   {{11, []byte{0, 100}}},
		"keepalive of 1 octet":       {{11, []byte{0}}},
		"padding":                    {{12, make([]byte, 40)}},
		"padding of 0":               {{12, nil}},
		"key tag":                    {{14, []byte{0x4a, 0x5c}}},
		"EDE":                        {{15, []byte{0, 18}}},
		"EXPIRE":                     {{9, nil}},
		"LLQ":                        {{1, make([]byte, 18)}},
		"LLQ of 1 octet":             {{1, []byte{1}}},
		"bad option, then cut":       {{10, []byte{1}}, {8, []byte{0, 1}}},
		"unknown":                    {{65001, []byte("unknown")}},
		"unknown and long":           {{65001, make([]byte, 400)}},
		"several":                    {{65001, nil}, {3, nil}, {10, make([]byte, 8)}, {8, []byte{0, 1, 0, 0}}},
		"cookie twice":               {{10, make([]byte, 8)}, {10, make([]byte, 8)}},
	}
	for _, n := range []int{0, 1, 7, 8, 9, 15, 16, 23, 24, 25, 32, 39, 40, 41, 64} {
		options[fmt.Sprintf("cookie of %d", n)] = cookie(n)
	}
	return options
}

// classProbes vary class and opcode.
func classProbes() []probe {
	var probes []probe
	for _, class := range []uint16{0, 1, 2, 3, 4, 5, 254, 255, 256, 1234, 65535} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeTXT, dns.TypeANY, dns.TypeSOA, dns.TypeAXFR, dns.TypeIXFR} {
			q := usual(fewNames[0], qtype)
			packet := q.pack()
			at := 12 + len(fewNames[0]) + 1 + 2
			packet[at], packet[at+1] = byte(class>>8), byte(class)
			both := overBoth(fmt.Sprintf("class %d type %d", class, qtype), packet)
			if class == dns.ClassCHAOS {
				apart(2, len(probes), both)
			}
			probes = append(probes, both...)
		}
	}
	for opcode := range uint16(16) {
		for _, flags := range []uint16{0, flagRD, flagRD | flagAD | flagCD} {
			for _, edns := range []bool{false, true} {
				q := usual(fewNames[0], dns.TypeA)
				q.flags, q.edns = opcode<<11|flags, edns
				title := fmt.Sprintf("opcode %d flags %#04x edns %v", opcode, flags, edns)
				probes = append(probes, overBoth(title, q.pack())...)
				if !edns {
					header := append(q.pack()[:4], make([]byte, 8)...)
					probes = append(probes, overBoth(title+" header only", header)...)
				}
			}
		}
	}
	return probes
}

// chaosProbes ask who the server is. BIND limits these for each client network,
// so each comes from another.
func chaosProbes() []probe {
	var probes []probe
	for _, name := range []string{"version.bind.", "VERSION.Bind.", "hostname.bind.", "authors.bind.", "id.server.", "version.server.", "other.bind.", "bind.", "server.", "x.version.bind."} {
		for _, qtype := range []uint16{dns.TypeTXT, dns.TypeANY, dns.TypeA, dns.TypeSOA, dns.TypeNS} {
			for title, options := range map[string][]option{"no EDNS": nil, "EDNS": {}, "cookie": {{10, []byte("a client")}}} {
				q := usual(name, qtype)
				q.class, q.edns, q.options = dns.ClassCHAOS, options != nil, options
				both := overBoth(fmt.Sprintf("CH %s type %d %s", name, qtype, title), q.pack())
				apart(4+byte(len(probes)>>8), len(probes), both)
				probes = append(probes, both...)
			}
		}
	}
	return probes
}

// apart makes each probe come from another /24 of the client's 127.NET/16.
func apart(network byte, first int, probes []probe) {
	for i := range probes {
		probes[i].source = netip.AddrFrom4([4]byte{127, network, byte(first + i), 1})
	}
}

// from makes the probes come from this address, but for those that must come
// from many.
func from(source netip.Addr, probes []probe) []probe {
	moved := slices.DeleteFunc(slices.Clone(probes), func(p probe) bool { return p.source.IsValid() })
	for i := range moved {
		moved[i].source = source
		moved[i].title += " from " + source.String()
	}
	return moved
}

// every takes each n-th probe.
func every(n int, probes []probe) []probe {
	var some []probe
	for i := 0; i < len(probes); i += n {
		some = append(some, probes[i])
	}
	return some
}

// mutations damage good queries, the same way in every run.
func mutations(count int) []probe {
	random := rand.New(rand.NewPCG(79, 53))
	var seeds []probe
	seeds = append(seeds, every(7, ednsProbes())...)
	seeds = append(seeds, every(11, classProbes())...)
	seeds = append(seeds, every(40, typeProbes())...)
	probes := make([]probe, count)
	for i := range probes {
		seed := seeds[random.IntN(len(seeds))]
		packet := mutate(random, slices.Clone(seed.packet))
		probes[i] = probe{title: "mutation of " + seed.title, packet: packet, tcp: seed.tcp}
	}
	return probes
}

func mutate(random *rand.Rand, packet []byte) []byte {
	for range 1 + random.IntN(3) {
		if len(packet) < 13 {
			return packet
		}
		at := 2 + random.IntN(len(packet)-2) // the ID stays, replies are matched by it
		switch random.IntN(6) {
		case 0:
			packet = packet[:at]
		case 1:
			packet = append(packet, packet[at:]...)
		case 2:
			packet = slices.Insert(packet, at, byte(random.Uint32()))
		case 3:
			packet = slices.Delete(packet, at, min(len(packet), at+1+random.IntN(4)))
		default:
			packet[at] = byte(random.Uint32())
		}
	}
	return packet
}
