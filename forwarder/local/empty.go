package local

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// EmptyZoneNames are the names of BIND's empty zones: RFC 1918, 3849, 4193,
// 5737, 6303, 6598, 7534, 8375 and 9462.
func EmptyZoneNames() []string {
	names := []string{"10.in-addr.arpa."}
	for i := 16; i < 32; i++ {
		names = append(names, fmt.Sprintf("%d.172.in-addr.arpa.", i))
	}
	names = append(names, "168.192.in-addr.arpa.")
	for i := 64; i < 128; i++ {
		names = append(names, fmt.Sprintf("%d.100.in-addr.arpa.", i))
	}
	return append(names,
		"0.in-addr.arpa.", "127.in-addr.arpa.", "254.169.in-addr.arpa.",
		"2.0.192.in-addr.arpa.", "100.51.198.in-addr.arpa.", "113.0.203.in-addr.arpa.",
		"255.255.255.255.in-addr.arpa.",
		strings.Repeat("0.", 32)+"ip6.arpa.", "1."+strings.Repeat("0.", 31)+"ip6.arpa.",
		"d.f.ip6.arpa.", "8.e.f.ip6.arpa.", "9.e.f.ip6.arpa.", "a.e.f.ip6.arpa.", "b.e.f.ip6.arpa.",
		"8.b.d.0.1.0.0.2.ip6.arpa.", "empty.as112.arpa.", "home.arpa.", "resolver.arpa.")
}

// EmptyZoneRecords are those of BIND's empty zones (RFC 6303, section 3).
func EmptyZoneRecords(name, server, contact string) []dns.RR {
	if server == "" {
		server = name
	}
	h := func(t uint16, ttl uint32) dns.RR_Header {
		return dns.RR_Header{Name: name, Rrtype: t, Class: dns.ClassINET, Ttl: ttl}
	}
	return []dns.RR{
		&dns.SOA{
			Hdr: h(dns.TypeSOA, 86400), Ns: server, Mbox: contact,
			Refresh: 28800, Retry: 7200, Expire: 604800, Minttl: 86400,
		},
		&dns.NS{Hdr: h(dns.TypeNS, 0), Ns: server},
	}
}
