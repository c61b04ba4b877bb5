package querylog

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

func TestLines(t *testing.T) {
	const from = "client @0x3039 192.0.2.7#12345 (www.example): "
	tests := []struct {
		name string
		edit func(m *dns.Msg, q *Query)
		line func(q *Query) []byte
		want string
	}{
		{"plain", nil, asked, from + "query: www.example IN A + (10.79.1.10)"},
		{"everything", func(m *dns.Msg, q *Query) {
			m.CheckingDisabled, m.RecursionDesired = true, false
			m.SetEdns0(1232, true)
			m.IsEdns0().Option = []dns.EDNS0{
				&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"},
				&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: []byte{198, 51, 100, 0}},
			}
			q.TCP, q.View = true, "inside"
		}, asked, from + "view inside: query: www.example IN A -E(0)TDCK (10.79.1.10) [ECS 198.51.100.0/24/0]"},
		{"good cookie", func(m *dns.Msg, q *Query) {
			m.SetEdns0(1232, false)
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}}
			q.GoodCookie = true
		}, asked, from + "query: www.example IN A +E(0)V (10.79.1.10)"},
		{"odd octets", func(m *dns.Msg, _ *Query) { m.Question[0].Name = `a\.b\032\255.example.` }, asked,
			`client @0x3039 192.0.2.7#12345 (a\.b\032\255.example): query: a\.b\032\255.example IN A + (10.79.1.10)`},
		{"root, of a type that BIND calls otherwise", func(m *dns.Msg, _ *Query) { m.Question[0] = dns.Question{Name: ".", Qtype: 11, Qclass: 255} }, asked,
			"client @0x3039 192.0.2.7#12345 (.): query: . ANY WKS + (10.79.1.10)"},
		{"response", nil, func(q *Query) []byte {
			return AppendResponse(nil, q, "NOERROR", []byte{0, 0, 0x80, 0, 0, 1, 0, 2, 0, 3, 1, 4})
		}, from + "response: www.example IN A NOERROR 2 3 260 + (10.79.1.10)"},
		{"denied", nil, func(q *Query) []byte {
			return AppendDenied(nil, q, "query (cache)", []byte("\x05other\x07example\x00"), "allow-query-cache did not match")
		}, from + "query (cache) 'other.example/A/IN' denied (allow-query-cache did not match)"},
	}
	for _, test := range tests {
		m := new(dns.Msg).SetQuestion("www.example.", dns.TypeA)
		q := Query{Query: new(wire.Query), Client: netip.MustParseAddrPort("192.0.2.7:12345"), Local: netip.MustParseAddrPort("10.79.1.10:53")}
		if test.edit != nil {
			test.edit(m, &q)
		}
		msg, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		if fault := q.Parse(msg); fault != wire.Sound {
			t.Fatalf("%s: Parse = %v, want a sound query", test.name, fault)
		}
		if got := string(test.line(&q)); got != test.want {
			t.Errorf("%s: line = %q,\nwant %q", test.name, got, test.want)
		}
	}
}

func asked(q *Query) []byte { return AppendQuery(nil, q) }
