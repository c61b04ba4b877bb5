package local

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

const zoneText = `
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
sub   IN NS ns.elsewhere.
dn    IN DNAME elsewhere.
$GENERATE 1-2 gen$ A 10.0.0.$
`

func zoneOf(t *testing.T, origin, text string) *Zone {
	t.Helper()
	var records []dns.RR
	p := dns.NewZoneParser(strings.NewReader(text), origin, "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		records = append(records, rr)
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	z, err := NewZone(origin, records)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestAnswer(t *testing.T) {
	zones := make(Zones)
	zones.Add(zoneOf(t, "s.test.", zoneText))
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
		{"host.sub.s.test.", dns.TypeA, dns.RcodeNameError, "", true},
		{"host.dn.s.test.", dns.TypeA, dns.RcodeNameError, "", true},
		{"gen2.s.test.", dns.TypeA, dns.RcodeSuccess, "gen2.s.test. 10.0.0.2", false},
		{"s.test.", dns.TypeNS, dns.RcodeSuccess, "s.test. ns.s.test.", false},
	}
	z := zones.Find([]byte(wire.PackName("s.test.")))
	for _, test := range tests {
		t.Run(test.name+dns.Type(test.qtype).String(), func(t *testing.T) {
			m := new(dns.Msg)
			z.Answer(m, test.name, test.qtype)
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

// The parser gives what $GENERATE makes its own default, not that of $TTL.
func TestGenerateTTL(t *testing.T) {
	zones := make(Zones)
	zones.Add(zoneOf(t, "s.test.", zoneText))
	m := new(dns.Msg)
	zones.Find([]byte(wire.PackName("s.test."))).Answer(m, "gen1.s.test.", dns.TypeA)
	if len(m.Answer) != 1 || m.Answer[0].Header().Ttl != 3600 {
		t.Errorf("answer = %v, want one record with a TTL of 3600 s", m.Answer)
	}
}

// A chain that never ends does.
func TestLoop(t *testing.T) {
	zones := make(Zones)
	zones.Add(zoneOf(t, "s.test.", zoneText))
	m := new(dns.Msg)
	zones.Find([]byte(wire.PackName("s.test."))).Answer(m, "loop.s.test.", dns.TypeA)
	if n := len(m.Answer); n > maxRestarts {
		t.Errorf("the answer has %d records, want %d at most", n, maxRestarts)
	}
}

func TestWithoutSOA(t *testing.T) {
	if _, err := NewZone("s.test.", []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "s.test."}}}); err == nil {
		t.Error("NewZone without SOA = nil, want an error")
	}
}

// A name of many labels below a zone is looked up without making any.
func TestDeepNameAllocatesNothing(t *testing.T) {
	z := Chaos(Identity{})[wire.PackName("version.bind.")]
	deep := strings.Repeat("a.", 120) + "version.bind."
	if n := testing.AllocsPerRun(10, func() { z.lookup(deep) }); n > 2 {
		t.Errorf("lookup of 122 labels allocates %v times, want 2 at most", n)
	}
}
