package wire

import (
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
		{"nothing", dns.TypeA, nil, "www.example.", 0, false, true},
		{"authority only", dns.TypeA, []string{"--", b}, "www.example.", 0, false, true},
		{"address", dns.TypeA, []string{a, a}, "www.example.", 0, true, true},
		{"address in another case", dns.TypeA, []string{"WWW.EXAMPLE. 60 IN A 192.0.2.1"}, "www.example.", 0, true, true},
		{"address with signature", dns.TypeA, []string{a, "www.example." + sig}, "www.example.", 0, true, true},
		{"another type", dns.TypeAAAA, []string{a}, "www.example.", 0, false, false},
		{"another name", dns.TypeA, []string{b}, "www.example.", 0, false, false},
		{"another name behind", dns.TypeA, []string{a, b}, "www.example.", 0, true, false},
		{"chain", dns.TypeA, []string{cname, next, c}, "c.example.", 2, true, true},
		{"chain in other cases", dns.TypeA, []string{"WWW.example. 60 IN CNAME B.example.", b}, "b.example.", 1, true, true},
		{"chain without end", dns.TypeA, []string{cname, next}, "c.example.", 2, false, true},
		{"chain with another type at its end", dns.TypeAAAA, []string{cname, b}, "b.example.", 1, false, false},
		{"chain with signatures", dns.TypeA, []string{cname, "www.example." + csig, b, "b.example." + sig}, "b.example.", 1, true, true},
		{"signatures first", dns.TypeA, []string{"www.example." + csig, cname, "b.example." + sig, b}, "b.example.", 1, true, true},
		{"signature of another name", dns.TypeA, []string{a, "x.example." + sig}, "www.example.", 0, true, false},
		{"out of order", dns.TypeA, []string{b, cname}, "b.example.", 1, false, false},
		{"second hop first", dns.TypeA, []string{next, cname, c}, "b.example.", 1, false, false},
		{"loop", dns.TypeA, []string{cname, "b.example. 60 IN CNAME www.example."}, "www.example.", 2, false, true},
		{"loop on itself", dns.TypeA, []string{"www.example. 60 IN CNAME www.example."}, "www.example.", 1, false, true},
		{"two targets", dns.TypeA, []string{cname, "www.example. 60 IN CNAME c.example."}, "b.example.", 1, false, false},
		{"alias behind data", dns.TypeA, []string{a, cname}, "b.example.", 1, false, false},
		{"alias behind data, and its data", dns.TypeA, []string{a, cname, b}, "b.example.", 1, true, false},
		{"alias asked for", dns.TypeCNAME, []string{cname}, "www.example.", 0, true, true},
		{"alias asked for, and its target", dns.TypeCNAME, []string{cname, b}, "www.example.", 0, true, false},
		{"any", dns.TypeANY, []string{cname, a, "www.example." + sig}, "www.example.", 0, true, true},
		{"signatures asked for", dns.TypeRRSIG, []string{"www.example." + sig}, "www.example.", 0, true, true},
		{"DNAME", dns.TypeA, []string{dname, "www.example. 60 IN CNAME www.other.", "www.other. 60 IN A 192.0.2.1"}, "www.other.", 1, true, true},
		{"DNAME with signatures", dns.TypeA, []string{dname, "example." + csig, "www.example. 60 IN CNAME www.other."}, "www.other.", 1, false, true},
		{"DNAME at the name itself", dns.TypeA, []string{"www.example. 60 IN DNAME other."}, "www.example.", 0, false, false},
		{"DNAME elsewhere", dns.TypeA, []string{"b.example. 60 IN DNAME other.", a}, "www.example.", 0, true, false},
		{"DNAME asked for", dns.TypeDNAME, []string{"www.example. 60 IN DNAME other."}, "www.example.", 0, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m Message
			if !m.Parse(packed(t, "www.example.", tt.rtype, tt.records...)) {
				t.Fatal("Parse = false")
			}
			c := m.Chain()
			final, _, err := dns.UnpackDomainName(m.Msg, c.Final)
			if err != nil || dns.CanonicalName(final) != tt.final || c.Hops != tt.hops || c.Data != tt.data || c.Straight != tt.straight {
				t.Errorf("Chain = %s, %+v, want %s, %d hops, data %v, straight %v", final, c, tt.final, tt.hops, tt.data, tt.straight)
			}
		})
	}
}
