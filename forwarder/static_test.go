package forwarder

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/wire"
)

const staticText = `
$ORIGIN s.test.
$TTL 60
@     IN SOA ns admin 1 2 3 4 30
@     IN NS ns
ns    IN A 10.0.0.53
a     IN CNAME b
b     IN A 10.0.0.1
b     IN A 10.0.0.2
out   IN CNAME www.elsewhere.
gone  IN CNAME nothing
loop  IN CNAME pool
pool  IN CNAME loop
x.y.z IN TXT "deep"
*.w   IN A 10.0.0.9
in.w  IN TXT "in"
*.cw  IN CNAME b
`

func zoneOf(t *testing.T, origin, text string) StaticZone {
	t.Helper()
	z := StaticZone{Name: origin}
	p := dns.NewZoneParser(strings.NewReader(text), origin, "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		z.Records = append(z.Records, rr)
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	return z
}

func TestStaticAnswer(t *testing.T) {
	zones, err := newStatic(&Config{Static: []StaticZone{zoneOf(t, "s.test.", staticText)}}, acl.Env{})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		qtype  uint16
		rcode  int
		answer string // owners and data
		soa    bool
	}{
		{"b.s.test.", dns.TypeA, dns.RcodeSuccess, "b.s.test. 10.0.0.1; b.s.test. 10.0.0.2", false},
		{"b.s.test.", dns.TypeAAAA, dns.RcodeSuccess, "", true},
		{"a.s.test.", dns.TypeA, dns.RcodeSuccess, "a.s.test. b.s.test.; b.s.test. 10.0.0.1; b.s.test. 10.0.0.2", false},
		{"a.s.test.", dns.TypeAAAA, dns.RcodeSuccess, "a.s.test. b.s.test.", true},
		{"a.s.test.", dns.TypeCNAME, dns.RcodeSuccess, "a.s.test. b.s.test.", false},
		{"out.s.test.", dns.TypeA, dns.RcodeSuccess, "out.s.test. www.elsewhere.", false},
		{"gone.s.test.", dns.TypeA, dns.RcodeNameError, "gone.s.test. nothing.s.test.", true},
		{"none.s.test.", dns.TypeA, dns.RcodeNameError, "", true},
		{"z.s.test.", dns.TypeA, dns.RcodeSuccess, "", true},
		{"y.z.s.test.", dns.TypeTXT, dns.RcodeSuccess, "", true},
		{"u.y.z.s.test.", dns.TypeTXT, dns.RcodeNameError, "", true},
		{"any.thing.w.s.test.", dns.TypeA, dns.RcodeSuccess, "any.thing.w.s.test. 10.0.0.9", false},
		{"any.w.s.test.", dns.TypeTXT, dns.RcodeSuccess, "", true},
		{"in.w.s.test.", dns.TypeA, dns.RcodeSuccess, "", true},
		{"below.in.w.s.test.", dns.TypeA, dns.RcodeNameError, "", true}, // in.w is closer than w
		{"q.cw.s.test.", dns.TypeA, dns.RcodeSuccess, "q.cw.s.test. b.s.test.; b.s.test. 10.0.0.1; b.s.test. 10.0.0.2", false},
		{"s.test.", dns.TypeNS, dns.RcodeSuccess, "s.test. ns.s.test.", false},
	}
	z := zones.find([]byte(wire.PackName("s.test.")))
	for _, test := range tests {
		t.Run(test.name+dns.Type(test.qtype).String(), func(t *testing.T) {
			m := new(dns.Msg)
			z.answer(m, test.name, test.qtype)
			if got := ownersAndData(m.Answer); m.Rcode != test.rcode || got != test.answer {
				t.Errorf("answer = %d %q, want %d %q", m.Rcode, got, test.rcode, test.answer)
			}
			if soa := slices.ContainsFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA && rr.Header().Ttl == 30 }); soa != test.soa {
				t.Errorf("SOA of TTL 30 in authority = %v, want %v", soa, test.soa)
			}
		})
	}
}

func ownersAndData(rrs []dns.RR) string {
	list := []string{}
	for _, rr := range rrs {
		f := strings.Fields(rr.String())
		list = append(list, f[0]+" "+f[len(f)-1])
	}
	slices.Sort(list)
	slices.SortStableFunc(list, func(a, b string) int { // the chain first
		return strings.Compare(last(b), last(a))
	})
	return strings.Join(list, "; ")
}

func last(s string) string {
	if strings.HasSuffix(s, "test.") {
		return "z"
	}
	return ""
}

// A chain that never ends does.
func TestStaticLoop(t *testing.T) {
	zones, err := newStatic(&Config{Static: []StaticZone{zoneOf(t, "s.test.", staticText)}}, acl.Env{})
	if err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg)
	zones.find([]byte(wire.PackName("s.test."))).answer(m, "loop.s.test.", dns.TypeA)
	if n := len(m.Answer); n > maxChase {
		t.Errorf("the answer has %d records, want %d at most", n, maxChase)
	}
}

func TestStaticWithoutSOA(t *testing.T) {
	z := StaticZone{Name: "s.test.", Records: []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "s.test."}}}}
	if _, err := newStatic(&Config{Static: []StaticZone{z}}, acl.Env{}); err == nil {
		t.Error("newStatic of a zone without SOA = nil, want an error")
	}
}
