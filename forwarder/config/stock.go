package config

import (
	"strings"

	"github.com/miekg/dns"
)

// The package of BIND brings files that stock configurations include. They go
// with it, and here they are not needed.
var stockIncludes = map[string]string{
	"named.rfc1912.zones":                   rfc1912Includes,
	"named.root.key":                        "", // trust anchors
	"crypto-policies/back-ends/bind.config": "", // algorithms not to validate with
	"etc/bind/named.conf.default-zones":     debianIncludes,
	"etc/bind/bind.keys":                    "", // trust anchors
}

const rfc1912Includes = `
zone "localhost.localdomain" IN { type master; file "named.localhost"; };
zone "localhost" IN { type master; file "named.localhost"; };
zone "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa" IN { type master; file "named.loopback"; };
zone "1.0.0.127.in-addr.arpa" IN { type master; file "named.loopback"; };
zone "0.in-addr.arpa" IN { type master; file "named.empty"; };
`

const debianIncludes = `
zone "localhost" { type master; file "/etc/bind/db.local"; };
zone "127.in-addr.arpa" { type master; file "/etc/bind/db.127"; };
zone "0.in-addr.arpa" { type master; file "/etc/bind/db.0"; };
zone "255.in-addr.arpa" { type master; file "/etc/bind/db.255"; };
`

// stockInclude returns what a file of BIND's package says that is missing; see
// namedconf.Loader.
func stockInclude(path string) (text string, ok bool) {
	for name, text := range stockIncludes {
		if path == name || strings.HasSuffix(path, "/"+name) {
			return text, true
		}
	}
	return "", false
}

const (
	stockSOA       = "$TTL 86400\n@ SOA @ rname.invalid. 0 86400 3600 604800 10800\n"
	stockLocalhost = stockSOA + "@ NS @\n@ A 127.0.0.1\n@ AAAA ::1\n"
	stockEmpty     = stockSOA + "@ NS @\n"
)

// stockZones are the zones of those files, by canonical name, with what their
// own files say.
var stockZones = map[string]string{
	"localhost.":              stockLocalhost,
	"localhost.localdomain.":  stockLocalhost,
	"0.in-addr.arpa.":         stockLocalhost,
	"127.in-addr.arpa.":       stockEmpty + "1.0.0 PTR localhost.\n",
	"0.0.127.in-addr.arpa.":   stockEmpty + "1 PTR localhost.\n",
	"1.0.0.127.in-addr.arpa.": stockLocalhost + "@ PTR localhost.\n",
	"255.in-addr.arpa.":       stockEmpty,
	"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.": stockLocalhost + "@ PTR localhost.\n",
}

// stockRecords are those of a stock zone whose file is missing.
func stockRecords(apex string) (list []dns.RR) {
	p := dns.NewZoneParser(strings.NewReader(stockZones[apex]), apex, "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		list = append(list, rr)
	}
	return list
}
