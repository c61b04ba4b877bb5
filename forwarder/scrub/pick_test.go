package scrub

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

const (
	soa     = "authority example. 60 IN SOA . . 1 2 3 4 60"
	address = "www.example. 60 IN A 10.0.0.1"
	alias   = "www.example. 60 IN CNAME b.example."
	target  = "b.example. 60 IN A 10.0.0.2"
)

// signature signs a type; it says of how many labels the name was that was signed.
func signature(owner, covered string, labels int) string {
	return fmt.Sprintf("%s 60 IN RRSIG %s 8 %d 60 20300101000000 20200101000000 1 example. AAAA", owner, covered, labels)
}

// What is kept of an answer about www.example.
func TestScrubPicks(t *testing.T) {
	proof, ofProof := "authority a.example. 60 IN NSEC z.example. A", "authority "+signature("a.example.", "NSEC", 2)
	for _, test := range []struct {
		name    string
		qtype   uint16
		records []string
		want    []string
	}{
		{"other types and names", dns.TypeA, []string{"www.example. 60 IN TXT x", address, target}, []string{address}},
		{"an SOA under data", dns.TypeA, []string{address, soa}, []string{address}},
		{"an SOA under a chain", dns.TypeA, []string{alias, target, soa}, []string{alias, target}},
		{"duplicates", dns.TypeA, []string{address, address}, []string{address}},
		{"data, then an alias", dns.TypeA, []string{address, alias, target}, []string{address}},
		{"an alias, then data", dns.TypeA, []string{alias, address, target}, []string{alias, target}},
		{"the target first", dns.TypeA, []string{target, alias}, []string{alias, target}},
		{"a loop", dns.TypeA, []string{"b.example. 60 IN CNAME www.example.", alias}, []string{alias, "b.example. 60 IN CNAME www.example."}},
		{"signatures of what is kept", dns.TypeA, []string{signature("www.example.", "A", 2), address, signature("www.example.", "MX", 2), signature("b.example.", "A", 2)}, []string{address, signature("www.example.", "A", 2)}},
		{"signatures that are asked for", dns.TypeRRSIG, []string{signature("www.example.", "A", 2), address}, []string{signature("www.example.", "A", 2)}},
		{"all types", dns.TypeANY, []string{address, "www.example. 60 IN TXT x", "www.example. 60 IN A 10.0.0.3", target, soa}, []string{address, "www.example. 60 IN A 10.0.0.3", "www.example. 60 IN TXT x"}},
		{"proofs of a wildcard", dns.TypeA, []string{address, signature("www.example.", "A", 1), proof, ofProof, soa}, []string{address, signature("www.example.", "A", 1), proof, ofProof}},
		{"proofs that nobody signed", dns.TypeA, []string{address, signature("www.example.", "A", 1), proof}, []string{address, signature("www.example.", "A", 1)}},
		{"proofs without a wildcard", dns.TypeA, []string{address, signature("www.example.", "A", 2), proof, ofProof}, []string{address, signature("www.example.", "A", 2)}},
		{"a denial", dns.TypeA, []string{soa, proof, "authority example. 60 IN NS ns.example.", "authority b.example. 60 IN A 10.0.0.9", "additional ns.example. 60 IN A 10.0.0.53"}, []string{soa, proof}},
		{"a denial behind a chain", dns.TypeAAAA, []string{alias, target, soa}, []string{alias, soa}},
		{"a chain without its end", dns.TypeAAAA, []string{alias, target, "authority example. 60 IN NS ns.example."}, []string{alias}},
		{"hosts", dns.TypeMX, []string{"www.example. 60 IN MX 1 b.example.", "additional b.example. 60 IN TXT x", "additional " + target, "additional " + target, "additional ns.example. 60 IN A 10.0.0.53"},
			[]string{"www.example. 60 IN MX 1 b.example.", "additional " + target}},
		{"no host", dns.TypeMX, []string{"www.example. 60 IN MX 0 .", "additional . 60 IN A 10.0.0.9"}, []string{"www.example. 60 IN MX 0 ."}},
		{"what is no host", dns.TypePTR, []string{"www.example. 60 IN PTR b.example.", "additional " + target}, []string{"www.example. 60 IN PTR b.example."}},
		{"a service's own name", dns.TypeHTTPS, []string{"www.example. 60 IN HTTPS 1 . alpn=h2", "additional " + address, "additional " + target}, []string{"www.example. 60 IN HTTPS 1 . alpn=h2", "additional " + address}},
		{"a service's alias", dns.TypeHTTPS, []string{"www.example. 60 IN HTTPS 0 b.example.", "additional b.example. 60 IN HTTPS 1 . alpn=h2", "additional b.example. 60 IN SVCB 1 ."}, []string{"www.example. 60 IN HTTPS 0 b.example.", "additional b.example. 60 IN HTTPS 1 . alpn=h2"}},
		{"services of a rule", dns.TypeNAPTR, []string{`www.example. 60 IN NAPTR 1 1 "s" "x" "" b.example.`, "additional b.example. 60 IN SRV 1 1 1 h.example.", "additional h.example. 60 IN A 10.0.0.9"},
			[]string{`www.example. 60 IN NAPTR 1 1 "s" "x" "" b.example.`, "additional b.example. 60 IN SRV 1 1 1 h.example."}},
		{"a DNAME above", dns.TypeA, []string{"www.example. 60 IN CNAME www.test.", "example. 60 IN DNAME test.", "www.test. 60 IN A 10.0.0.5"}, []string{"example. 60 IN DNAME test.", "www.example. 60 IN CNAME www.test.", "www.test. 60 IN A 10.0.0.5"}},
		{"the highest DNAME", dns.TypeA, []string{"example. 60 IN DNAME test.", ". 60 IN DNAME org."}, []string{". 60 IN DNAME org.", "www.example. 60 IN CNAME www.example.org."}},
		{"a DNAME of another name", dns.TypeA, []string{"b.example. 60 IN DNAME test.", address}, []string{address}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var m wire.Message
			if msg := answerOf(t, test.qtype, test.records); !m.Parse(msg) {
				t.Fatalf("Parse(%x) = false", msg)
			}
			if _, _, err := Scrub(&m, Rules{}); err != nil {
				t.Fatal(err)
			}
			if got, want := written(t, &m), recordsOf(unpacked(t, answerOf(t, test.qtype, test.want))); !slices.Equal(got, want) {
				t.Errorf("of %q is left\n%q, want\n%q", test.records, got, want)
			}
		})
	}
}

// What contradicts itself is malformed; behind an alias its target is asked for anew.
func TestScrubContradictions(t *testing.T) {
	for _, test := range []struct {
		name    string
		rcode   byte
		records []string
		chain   bool
	}{
		{"NXDOMAIN with data", wire.NXDomain, []string{address}, false},
		{"NXDOMAIN with data and SOA", wire.NXDomain, []string{address, soa}, false},
		{"NXDOMAIN with other records", wire.NXDomain, []string{target, soa}, false},
		{"NXDOMAIN with data behind an alias", wire.NXDomain, []string{alias, target, soa}, true},
		{"YXDOMAIN with data", wire.YXDomain, []string{address}, false},
		{"YXDOMAIN with an alias", wire.YXDomain, []string{alias}, true},
		{"only records of another type", wire.NoError, []string{"www.example. 60 IN TXT x", soa}, false},
		{"only signatures", wire.NoError, []string{signature("www.example.", "A", 2)}, false},
		{"SOAs of two zones", wire.NoError, []string{soa, "authority www.example. 60 IN SOA . . 1 2 3 4 60"}, false},
		{"SOAs of two zones behind an alias", wire.NoError, []string{alias, soa, "authority b.example. 60 IN SOA . . 1 2 3 4 60"}, true},
		{"a DNAME at the name itself", wire.NoError, []string{"www.example. 60 IN DNAME test."}, false},
		{"another CNAME than its DNAME's", wire.NXDomain, []string{"example. 60 IN DNAME test.", alias, soa}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			msg := answerOf(t, dns.TypeA, test.records)
			msg[3] |= test.rcode
			var m wire.Message
			if !m.Parse(msg) {
				t.Fatalf("Parse(%x) = false", msg)
			}
			class, c, err := Scrub(&m, Rules{})
			switch {
			case !test.chain && err != ErrMalformed:
				t.Errorf("Scrub = %d, %v, want ErrMalformed", class, err)
			case test.chain && (err != nil || class != Partial || !c.Cut || m.Rcode() != wire.NoError || m.Sections[1]+m.Sections[2] > 0):
				t.Errorf("Scrub = %d, %+v, %v, with rcode %d and sections %v, want a chain that goes on", class, c, err, m.Rcode(), m.Sections)
			}
		})
	}
}

// A DNAME of a zone that other servers have is not believed.
func TestScrubDNAMEElsewhere(t *testing.T) {
	var m wire.Message
	m.Parse(answerOf(t, dns.TypeA, []string{"example. 60 IN DNAME test.", address}))
	elsewhere := func(name []byte) bool { return wire.NameText(name) == "example." }
	if class, _, err := Scrub(&m, Rules{Foreign: elsewhere}); class != Positive || err != nil || m.Sections[0] != 1 {
		t.Errorf("Scrub = %d, %v with %d records, want the address alone", class, err, m.Sections[0])
	}
}

// Each further name of a chain has an answer of its own.
func TestTails(t *testing.T) {
	const next = "b.example. 60 IN CNAME c.example."
	for _, test := range []struct {
		name    string
		rcode   byte
		records []string
		want    []string // a line for each tail
	}{
		{"an address", 0, []string{address}, nil},
		{"a chain", 0, []string{alias, next, "c.example. 60 IN A 10.0.0.3"},
			[]string{"b.example. 0: b.example. 0 in cname c.example., c.example. 0 in a 10.0.0.3", "c.example. 0: c.example. 0 in a 10.0.0.3"}},
		{"a signed chain", 0, []string{alias, signature("www.example.", "CNAME", 2), target, signature("b.example.", "A", 2)},
			[]string{"b.example. 0: b.example. 0 in a 10.0.0.2, b.example. 0 in rrsig a 8 2 60 20300101000000 20200101000000 1 example. aaaa"}},
		{"a denial", wire.NXDomain, []string{alias, soa}, []string{"b.example. 3: example. 0 in soa . . 1 2 3 4 60"}},
		{"nothing said of its end", 0, []string{alias}, nil},
		{"a loop", 0, []string{alias, "b.example. 60 IN CNAME www.example."}, []string{"b.example. 0: b.example. 0 in cname www.example."}},
	} {
		t.Run(test.name, func(t *testing.T) {
			msg := answerOf(t, dns.TypeA, test.records)
			msg[3] |= test.rcode
			var m wire.Message
			if !m.Parse(msg) {
				t.Fatal("Parse = false")
			}
			if _, _, err := Scrub(&m, Rules{}); err != nil {
				t.Fatal(err)
			}
			var got []string
			for tail := range Tails(&m) {
				name := wire.NameText(tail.Question[:len(tail.Question)-4])
				records := strings.ReplaceAll(strings.Join(written(t, tail), ", "), "\t", " ")
				got = append(got, fmt.Sprintf("%s %d: %s", name, tail.Rcode(), records))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("Tails = %q, want %q", got, test.want)
			}
		})
	}
}

// A record may be of any type, also of those that are for questions only: nobody says
// what is in it.
func TestScrubTypes(t *testing.T) {
	for _, qtype := range []uint16{dns.TypeANY, dns.TypeMX, dns.TypeNS, dns.TypeSVCB, dns.TypeNAPTR} {
		for rtype := range uint16(300) {
			m := new(dns.Msg).SetQuestion("a.test.", qtype)
			m.Response = true
			for _, data := range []string{"0a000001", "ffffffffff", ""} {
				m.Answer = append(m.Answer, &dns.RFC3597{Hdr: dns.RR_Header{Name: "a.test.", Rrtype: rtype, Class: dns.ClassINET, Ttl: 10}, Rdata: data})
			}
			m.Extra = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "b.test.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 10}, A: []byte{10, 0, 0, 1}}}
			for id := range 4 { // what is taken for a name must not depend on the header
				m.Id = [...]uint16{0, 0x0c0c, 0x3f3f, 0xc0b2}[id]
				msg, err := m.Pack()
				if err != nil {
					t.Fatal(err)
				}
				var parsed wire.Message
				if parsed.Parse(msg) {
					Scrub(&parsed, Rules{})
				}
			}
		}
	}
}
