package wire

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestChain(t *testing.T) {
	const (
		cname = "www.example. 60 IN CNAME b.example."
		next  = "b.example. 60 IN CNAME c.example."
		a     = "www.example. 60 IN A 192.0.2.1"
		b     = "b.example. 60 IN A 192.0.2.1"
		c     = "c.example. 60 IN A 192.0.2.1"
		sig   = " 60 IN RRSIG A 8 2 60 20300101000000 20200101000000 1 example. c2ln"
		csig  = " 60 IN RRSIG CNAME 8 2 60 20300101000000 20200101000000 1 example. c2ln"
		dname = "example. 60 IN DNAME other."
	)
	tests := []struct {
		name     string
		rtype    uint16
		records  []string
		final    string
		hops     int
		data     bool
		straight bool
	}{
		{name: "nothing", rtype: dns.TypeA, final: "www.example.", straight: true},
		{name: "authority only", rtype: dns.TypeA, records: []string{"--", b}, final: "www.example.", straight: true},
		{name: "address", rtype: dns.TypeA, records: []string{a, a}, final: "www.example.", data: true, straight: true},
		{name: "address in another case", rtype: dns.TypeA, records: []string{"WWW.EXAMPLE. 60 IN A 192.0.2.1"}, final: "www.example.", data: true, straight: true},
		{name: "addresses in two cases", rtype: dns.TypeA, records: []string{a, "WWW.EXAMPLE. 60 IN A 192.0.2.2"}, final: "www.example.", data: true},
		{name: "address with signature", rtype: dns.TypeA, records: []string{a, "www.example." + sig}, final: "www.example.", data: true, straight: true},
		{name: "another type", rtype: dns.TypeAAAA, records: []string{a}, final: "www.example."},
		{name: "another name", rtype: dns.TypeA, records: []string{b}, final: "www.example."},
		{name: "another name behind", rtype: dns.TypeA, records: []string{a, b}, final: "www.example.", data: true},
		{name: "chain", rtype: dns.TypeA, records: []string{cname, next, c}, final: "c.example.", hops: 2, data: true, straight: true},
		{name: "chain in other cases", rtype: dns.TypeA, records: []string{"WWW.example. 60 IN CNAME B.example.", b}, final: "b.example.", hops: 1, data: true, straight: true},
		{name: "chain without end", rtype: dns.TypeA, records: []string{cname, next}, final: "c.example.", hops: 2, straight: true},
		{name: "chain with another type at its end", rtype: dns.TypeAAAA, records: []string{cname, b}, final: "b.example.", hops: 1},
		{name: "chain with signatures", rtype: dns.TypeA, records: []string{cname, "www.example." + csig, b, "b.example." + sig}, final: "b.example.", hops: 1, data: true, straight: true},
		{name: "signatures first", rtype: dns.TypeA, records: []string{"www.example." + csig, cname, "b.example." + sig, b}, final: "b.example.", hops: 1, data: true},
		{name: "signature of another name", rtype: dns.TypeA, records: []string{a, "x.example." + sig}, final: "www.example.", data: true},
		{name: "out of order", rtype: dns.TypeA, records: []string{b, cname}, final: "b.example.", hops: 1},
		{name: "second hop first", rtype: dns.TypeA, records: []string{next, cname, c}, final: "b.example.", hops: 1},
		{name: "loop", rtype: dns.TypeA, records: []string{cname, "b.example. 60 IN CNAME www.example."}, final: "www.example.", hops: 2, straight: true},
		{name: "loop on itself", rtype: dns.TypeA, records: []string{"www.example. 60 IN CNAME www.example."}, final: "www.example.", hops: 1, straight: true},
		{name: "signature between data", rtype: dns.TypeA, records: []string{a, "www.example." + sig, "www.example. 60 IN A 192.0.2.2"}, final: "www.example.", data: true},
		{name: "signature of another type", rtype: dns.TypeA, records: []string{a, "www.example." + csig}, final: "www.example.", data: true},
		{name: "signature alone", rtype: dns.TypeA, records: []string{"www.example." + sig}, final: "www.example."},
		{name: "any of one type", rtype: dns.TypeANY, records: []string{a, "www.example. 60 IN A 192.0.2.2"}, final: "www.example.", data: true, straight: true},
		{name: "alias behind data", rtype: dns.TypeA, records: []string{a, cname}, final: "www.example.", data: true},
		{name: "alias behind data, and its data", rtype: dns.TypeA, records: []string{a, cname, b}, final: "www.example.", data: true},
		{name: "alias asked for", rtype: dns.TypeCNAME, records: []string{cname}, final: "www.example.", data: true, straight: true},
		{name: "alias asked for, and its target", rtype: dns.TypeCNAME, records: []string{cname, b}, final: "www.example.", data: true},
		{name: "any", rtype: dns.TypeANY, records: []string{cname, a, "www.example." + sig}, final: "www.example.", data: true},
		{name: "signatures asked for", rtype: dns.TypeRRSIG, records: []string{"www.example." + sig}, final: "www.example.", data: true, straight: true},
		{name: "DNAME", rtype: dns.TypeA, records: []string{dname, "www.example. 60 IN CNAME www.other.", "www.other. 60 IN A 192.0.2.1"}, final: "www.other.", hops: 1, data: true},
		{name: "DNAME with signatures", rtype: dns.TypeA, records: []string{dname, strings.Replace("example."+csig, "CNAME", "DNAME", 1), "www.example. 60 IN CNAME www.other."}, final: "www.other.", hops: 1},
		{name: "DNAME at the name itself", rtype: dns.TypeA, records: []string{"www.example. 60 IN DNAME other."}, final: "www.example."},
		{name: "DNAME elsewhere", rtype: dns.TypeA, records: []string{"b.example. 60 IN DNAME other.", a}, final: "www.example.", data: true},
		{name: "DNAME asked for", rtype: dns.TypeDNAME, records: []string{"www.example. 60 IN DNAME other."}, final: "www.example.", data: true, straight: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m Message
			if !m.Parse(packed(t, "www.example.", tt.rtype, tt.records...)) {
				t.Fatal("Parse = false")
			}
			c := m.Chain(nil)
			final, _, err := dns.UnpackDomainName(m.Msg, c.Final)
			if err != nil || dns.CanonicalName(final) != tt.final || c.Hops != tt.hops || c.Data != tt.data || c.Straight != tt.straight {
				t.Errorf("Chain = %s, %+v, want %s, %d hops, data %v, straight %v", final, c, tt.final, tt.hops, tt.data, tt.straight)
			}
		})
	}
}

// A chain that leads elsewhere ends there, and with it what the rcode is about.
func TestChainCut(t *testing.T) {
	msg := packed(t, "www.example.", TypeA, "www.example. 60 IN CNAME b.example.", "b.example. 60 IN CNAME C.Test.",
		"b.example. 60 IN RRSIG CNAME 8 2 60 20300101000000 20200101000000 1 example. c2ln", "c.test. 60 IN A 192.0.2.1",
		"--", "test. 60 IN NS ns.test.", "--", "ns.test. 60 IN A 192.0.2.2")
	msg[3] |= NXDomain
	AddOPT(msg, 0)
	var m Message
	if !m.Parse(AppendOPT(msg, 1232, BadVers, false)) {
		t.Fatal("Parse = false")
	}
	c := m.Chain(func(name []byte) bool { return string(name) == string(nameOf("c.test")) })
	if final := AppendName(nil, m.Msg, c.Final); !c.Cut || !c.Straight || c.Data || c.Hops != 2 || NameText(final) != "c.test." {
		t.Fatalf("Chain = %s, %+v, want 2 hops to c.test., cut", NameText(final), c)
	}
	m.CutOff(c)
	a, _ := m.AppendAnswer(nil, longest)
	got := unpack(t, AppendReply(nil, &Query{Question: m.Question}, QR, Answer(a), Aging{}, &Order{}))
	if m.Rcode() != NoError || len(got.Answer) != 3 || len(got.Ns)+len(got.Extra) != 0 {
		t.Errorf("left is rcode %d and %v, want two aliases and a signature", m.Rcode(), got)
	}
}

func TestReferral(t *testing.T) {
	const (
		a     = "www.example. 60 IN A 192.0.2.1"
		other = "other.example. 60 IN A 192.0.2.1"
		alias = "www.example. 60 IN CNAME other.example."
		ns    = "example. 60 IN NS ns.example."
		soa   = "example. 60 IN SOA ns.example. root.example. 1 2 3 4 5"
	)
	for _, tt := range []struct {
		name    string
		rcode   byte
		records []string
		want    bool
	}{
		{"NS alone", NoError, []string{"--", ns}, true},
		{"NS beside a record of another name", NoError, []string{other, "--", ns}, true},
		{"NS below an answer", NoError, []string{a, "--", ns}, false},
		{"NS below a chain", NoError, []string{alias, "--", ns}, false},
		{"NS beside the SOA", NoError, []string{"--", ns, soa}, false},
		{"SOA", NoError, []string{"--", soa}, false},
		{"nothing", NoError, nil, false},
		{"NXDOMAIN", NXDomain, []string{"--", ns}, false},
	} {
		msg := packed(t, "www.example.", TypeA, tt.records...)
		msg[3] |= tt.rcode
		var m Message
		if !m.Parse(msg) {
			t.Fatalf("%s: Parse = false", tt.name)
		}
		if got := m.Referral(); got != tt.want {
			t.Errorf("%s: Referral() = %v, want %v", tt.name, got, tt.want)
		}
	}
}
