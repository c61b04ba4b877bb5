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
self  IN CNAME self
tosub IN CNAME host.sub
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
	records, problems := loadText(t, origin, text, DefaultChecks())
	for _, p := range problems {
		if !p.Warning {
			t.Fatal(p)
		}
	}
	z, err := NewZone(origin, records)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestAnswer(t *testing.T) {
	tests := []struct {
		name   string
		qtype  uint16
		rcode  int
		answer string // owners and data
		soa    bool
		rest   Rest
	}{
		{"b.s.test.", dns.TypeA, dns.RcodeSuccess, "b.s.test. 10.0.0.1; b.s.test. 10.0.0.2", false, Rest{}},
		{"b.s.test.", dns.TypeAAAA, dns.RcodeSuccess, "", true, Rest{}},
		{"a.s.test.", dns.TypeA, dns.RcodeSuccess, "a.s.test. b.s.test.; b.s.test. 10.0.0.1; b.s.test. 10.0.0.2", false, Rest{}},
		{"a.s.test.", dns.TypeAAAA, dns.RcodeSuccess, "a.s.test. b.s.test.", true, Rest{}},
		{"a.s.test.", dns.TypeCNAME, dns.RcodeSuccess, "a.s.test. b.s.test.", false, Rest{}},
		{"out.s.test.", dns.TypeA, dns.RcodeSuccess, "out.s.test. www.elsewhere.", false, Rest{Kind: Alias, Name: "www.elsewhere."}},
		{"gone.s.test.", dns.TypeA, dns.RcodeNameError, "gone.s.test. nothing.s.test.", true, Rest{}},
		{"none.s.test.", dns.TypeA, dns.RcodeNameError, "", true, Rest{}},
		{"z.s.test.", dns.TypeA, dns.RcodeSuccess, "", true, Rest{}},
		{"y.z.s.test.", dns.TypeTXT, dns.RcodeSuccess, "", true, Rest{}},
		{"u.y.z.s.test.", dns.TypeTXT, dns.RcodeNameError, "", true, Rest{}},
		{"any.thing.w.s.test.", dns.TypeA, dns.RcodeSuccess, "any.thing.w.s.test. 10.0.0.9", false, Rest{}},
		{"any.w.s.test.", dns.TypeTXT, dns.RcodeSuccess, "", true, Rest{}},
		{"in.w.s.test.", dns.TypeA, dns.RcodeSuccess, "", true, Rest{}},
		{"below.in.w.s.test.", dns.TypeA, dns.RcodeNameError, "", true, Rest{}}, // in.w is closer than w
		{"q.cw.s.test.", dns.TypeA, dns.RcodeSuccess, "q.cw.s.test. b.s.test.; b.s.test. 10.0.0.1; b.s.test. 10.0.0.2", false, Rest{}},
		{"host.sub.s.test.", dns.TypeA, dns.RcodeSuccess, "", false, Rest{Kind: Delegated, Name: "host.sub.s.test."}},
		{"sub.s.test.", dns.TypeNS, dns.RcodeSuccess, "", false, Rest{Kind: Delegated, Name: "sub.s.test."}},
		{"sub.s.test.", dns.TypeDS, dns.RcodeSuccess, "", true, Rest{}},
		{"tosub.s.test.", dns.TypeA, dns.RcodeSuccess, "tosub.s.test. host.sub.s.test.", false, Rest{Kind: Delegated, Name: "host.sub.s.test."}},
		{"host.dn.s.test.", dns.TypeA, dns.RcodeSuccess, "dn.s.test. elsewhere.; host.dn.s.test. host.elsewhere.", false, Rest{Kind: Alias, Name: "host.elsewhere."}},
		{"dn.s.test.", dns.TypeA, dns.RcodeSuccess, "", true, Rest{}},
		{"dn.s.test.", dns.TypeDNAME, dns.RcodeSuccess, "dn.s.test. elsewhere.", false, Rest{}},
		{"gen2.s.test.", dns.TypeA, dns.RcodeSuccess, "gen2.s.test. 10.0.0.2", false, Rest{}},
		{"s.test.", dns.TypeNS, dns.RcodeSuccess, "s.test. ns.s.test.", false, Rest{}},
		{"self.s.test.", dns.TypeA, dns.RcodeServerFailure, "self.s.test. self.s.test.", false, Rest{Kind: Endless}},
		{"loop.s.test.", dns.TypeA, dns.RcodeServerFailure, "loop.s.test. pool.s.test.; pool.s.test. loop.s.test.", false, Rest{Kind: Endless}},
	}
	z := zoneOf(t, "s.test.", zoneText)
	for _, test := range tests {
		t.Run(test.name+dns.Type(test.qtype).String(), func(t *testing.T) {
			m := new(dns.Msg)
			rest := z.Answer(m, test.name, test.qtype, Beside{})
			if got := ownersAndData(m.Answer); m.Rcode != test.rcode || got != test.answer || rest != test.rest {
				t.Errorf("answer = %d %q %v, want %d %q %v", m.Rcode, got, rest, test.rcode, test.answer, test.rest)
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
	return strings.Join(list, "; ")
}

// A chain is followed for as many links as BIND does, those before it in another
// zone included.
func TestLongChain(t *testing.T) {
	z := zoneOf(t, "s.test.", zoneText+"$GENERATE 1-12 k$ CNAME n$\n$GENERATE 1-11 n$ CNAME k${1,0,d}\nn12 A 10.0.0.12\n")
	before := &dns.CNAME{Hdr: dns.RR_Header{Name: "before.", Rrtype: dns.TypeCNAME}, Target: "n7.s.test."}
	for _, test := range []struct {
		name   string
		before []dns.RR
		rcode  int
		links  int
	}{
		{"k7.s.test.", nil, dns.RcodeSuccess, 11},
		{"n6.s.test.", nil, dns.RcodeServerFailure, 12},
		{"n7.s.test.", nil, dns.RcodeSuccess, 10},
		{"n7.s.test.", []dns.RR{before}, dns.RcodeSuccess, 11},
		{"n7.s.test.", []dns.RR{before, before}, dns.RcodeServerFailure, 12},
	} {
		m := &dns.Msg{Answer: test.before}
		z.Answer(m, test.name, dns.TypeA, Beside{})
		if got := links(m.Answer); m.Rcode != test.rcode || got != test.links {
			t.Errorf("%s behind %d links: rcode %d, %d links, want %d, %d", test.name, len(test.before), m.Rcode, got, test.rcode, test.links)
		}
	}
}

// A private root is a zone like others.
func TestRoot(t *testing.T) {
	z := zoneOf(t, ".", "$TTL 60\n. SOA ns. admin. 1 2 3 4 30\n. NS ns.\nns A 10.0.0.53\n* A 10.0.0.9\na.b TXT x\ncorp NS ns.corp.\nns.corp A 10.0.0.5\nold DNAME .\n")
	for _, test := range []struct {
		name   string
		qtype  uint16
		rcode  int
		answer string
		rest   Rest
	}{
		{".", dns.TypeNS, dns.RcodeSuccess, ". ns.", Rest{}},
		{"any.thing.", dns.TypeA, dns.RcodeSuccess, "any.thing. 10.0.0.9", Rest{}},
		{"b.", dns.TypeA, dns.RcodeSuccess, "", Rest{}},
		{"x.b.", dns.TypeA, dns.RcodeNameError, "", Rest{}},
		{"www.corp.", dns.TypeA, dns.RcodeSuccess, "", Rest{Kind: Delegated, Name: "www.corp."}},
		{"ns.old.", dns.TypeA, dns.RcodeSuccess, "old. .; ns.old. ns.; ns. 10.0.0.53", Rest{}},
	} {
		m := new(dns.Msg)
		rest := z.Answer(m, test.name, test.qtype, Beside{})
		if got := ownersAndData(m.Answer); m.Rcode != test.rcode || got != test.answer || rest != test.rest {
			t.Errorf("%s: %d %q %v, want %d %q %v", test.name, m.Rcode, got, rest, test.rcode, test.answer, test.rest)
		}
	}
	below := zoneOf(t, ".", "$TTL 60\n. SOA ns. admin. 1 2 3 4 30\n. NS .\n. A 10.0.0.53\n. DNAME corp.\n")
	m := new(dns.Msg)
	if below.Answer(m, "www.", dns.TypeA, Beside{}); m.Rcode != dns.RcodeServerFailure || ownersAndData(m.Answer[:2]) != ". corp.; www. www.corp." {
		t.Errorf("a root that is renamed: %v", m)
	}
}

func TestUnloaded(t *testing.T) {
	m := new(dns.Msg)
	if rest := Unloaded("s.test.").Answer(m, "www.s.test.", dns.TypeA, Beside{}); rest.Kind != Failed || m.Rcode != dns.RcodeServerFailure {
		t.Errorf("answer of a zone that could not be loaded = %v %d, want failed, SERVFAIL", rest, m.Rcode)
	}
}

// A DS record is in the zone above.
func TestFind(t *testing.T) {
	zones := make(Zones)
	zones.Add(zoneOf(t, "s.test.", zoneText))
	zones.Add(zoneOf(t, "sub.s.test.", "@ 60 SOA ns admin 1 2 3 4 30\n@ 60 NS ns.else.\n"))
	for _, test := range []struct {
		name  string
		qtype uint16
		apex  string
	}{
		{"s.test.", dns.TypeA, "s.test."},
		{"s.test.", dns.TypeDS, ""},
		{"www.s.test.", dns.TypeDS, "s.test."},
		{"sub.s.test.", dns.TypeDS, "s.test."},
		{"sub.s.test.", dns.TypeNS, "sub.s.test."},
		{"test.", dns.TypeA, ""},
		{".", dns.TypeDS, ""},
	} {
		got := ""
		if z := zones.Find([]byte(wire.PackName(test.name)), test.qtype); z != nil {
			got = z.Apex
		}
		if got != test.apex {
			t.Errorf("Find(%s, %v) = %q, want %q", test.name, dns.Type(test.qtype), got, test.apex)
		}
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
	if n := testing.AllocsPerRun(10, func() { z.cut(deep, dns.TypeA); z.wildcard(deep) }); n > 2 {
		t.Errorf("lookup of 122 labels allocates %v times, want 2 at most", n)
	}
}
