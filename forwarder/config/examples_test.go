package config

import (
	"fmt"
	"slices"
	"strings"

	"vpcdns/forwarder/namedconf"
)

// example writes something that a syntax accepts; false if it does not say.
func example(s syntax) (string, bool) {
	switch s := s.(type) {
	case namedconf.ValueKind:
		return exampleOf[s], true
	case keyword:
		return string(s), true
	case words:
		return s[0], true
	case sequence:
		return exampleSequence(s)
	case optional:
		return exampleSequence(sequence(s))
	case choice:
		return example(s[0])
	case namedconf.List:
		e, ok := example(s.Element)
		return "{ " + e + "; }", ok
	case matchList:
		return "{ 192.0.2.0/24; !localhost; }", true
	case endpoint:
		return exampleEndpoint(s), true
	case querySource:
		return exampleEndpoint(endpoint{V4: !s.V6}), true
	case anyOrder:
		return exampleSequence(sequence{s[0]})
	case namedconf.Noted:
		return example(s.Part)
	case namedconf.Clauses:
		return exampleBlock(place(s)), true
	case nothing:
		return "", true
	}
	return "", false
}

var exampleOf = map[namedconf.ValueKind]string{
	aBoolean: "yes", aNumber: "20", aFixedPoint: "0.25", aSize: "3m", aPercentage: "50%", aDuration: "60",
	aName: "example", aString: `"example"`, aWord: "none", aPrefix: "192.0.2.0/24",
}

func exampleEndpoint(e endpoint) string {
	if e.V4 {
		return "192.0.2.1"
	}
	return "2001:db8::1"
}

func exampleSequence(s sequence) (string, bool) {
	var parts []string
	for _, p := range s {
		e, ok := example(p)
		if !ok {
			return "", false
		}
		parts = append(parts, e)
	}
	return strings.Join(parts, " "), true
}

// givenValues are examples where BIND wants more than the syntax says.
var givenValues = map[string]string{
	"algorithm":                   "hmac-sha256",
	"secret":                      `"c2VjcmV0IQ=="`,
	"cookie-secret":               `"00112233445566778899aabbccddeeff"`,
	"check-names":                 "",
	"directory":                   `"/"`,
	"dnssec-policy":               "",
	"auto-dnssec":                 "",
	"max-rsa-exponent-size":       "4096",
	"severity":                    "info",
	"category":                    "queries { null; }",
	"type":                        "",
	"tls-port":                    "853",
	"keys":                        "",
	"inet":                        "192.0.2.1 allow { any; }",
	"listen-on":                   "port 53 { any; }",
	"listen-on-v6":                "port 53 { any; }",
	"rrset-order":                 "{ order none; }",
	"qps-scale":                   "250",
	"slip":                        "2",
	"max-table-size":              "500",
	"cookie-algorithm":            "siphash24",
	"disable-algorithms":          "example. { RSASHA1; }",
	"disable-ds-digests":          "example. { SHA-1; }",
	"forward":                     "only",
	"forwarders":                  "port 53 dscp 4 { 192.0.2.1 dscp 5 port 53; }",
	"allow-transfer":              "port 853 { none; }",
	"also-notify":                 "port 53 { 192.0.2.1; }",
	"fetch-quota-params":          "100 0.10 0.30 0.70",
	"masterfile-format":           "text",
	"response-padding":            "{ any; } block-size 468",
	"preferred-glue":              "A",
	"sig-signing-type":            "65534",
	"use-v4-udp-ports":            "{ range 1024 65535; }",
	"use-v6-udp-ports":            "{ range 1024 65535; }",
	"avoid-v4-udp-ports":          "{ 1024; }",
	"avoid-v6-udp-ports":          "{ 1024; }",
	"dnskey-sig-validity":         "0",
	"tkey-dhkey":                  `"example" 20`,
	"allow-update":                "{ none; }",
	"root-delegation-only":        "",
	"server":                      "192.0.2.0/24 { }",
	"zone":                        `"example" { type forward; forwarders { }; }`,
	"include":                     "",
	"max-zone-ttl":                "unlimited",
	"trust-anchors":               `{ . initial-ds 20326 8 2 "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"; }`,
	"dnstap":                      "{ client query; resolver; }",
	"dnstap-output":               `file "tap" size 20m versions 3 suffix timestamp`,
	"fstrm-set-buffer-hint":       "8192",
	"fstrm-set-flush-timeout":     "5",
	"fstrm-set-input-queue-size":  "512",
	"fstrm-set-output-queue-size": "64",
	"fstrm-set-reopen-interval":   "10",
	"session-keyalg":              "hmac-sha256",
	"ipv6-prefix-length":          "56",
	"channel":                     "example { null; }",
	"min-refresh-time":            "10",
	"interface-interval":          "60",
	"database":                    "rbt",
	"check-spf":                   "warn",
	"managed-keys":                "",
	"trusted-keys":                "",
	"logging":                     "{ }",
	"masters":                     "",
	"primaries":                   "p { 192.0.2.1; }",
	"parental-agents":             "",
	"key":                         `"example" { algorithm hmac-sha256; secret "c2VjcmV0IQ=="; }`,
}

// value returns an example of the option's values; false if there is none.
func (o option) value() (string, bool) {
	if v, ok := givenValues[o.name]; ok {
		return v, v != ""
	}
	return example(o.syntax)
}

// apart are options that Debian's named-checkconf does not know, and one that needs
// another.
var apart = strings.Fields("dnsrps-enable dnsrps-options dnstap")

// inBlock returns the options of a block that both we and the peer accept.
func inBlock(in place) []option {
	var fit []option
	for _, o := range options() {
		if o.in&in == 0 {
			continue
		}
		_, ok := o.value()
		ok = ok && !(in == inServer && strings.HasSuffix(o.name, "-v6")) // the example's server has an IPv4 address
		if ok && o.treatment != Refused && o.age.known() && !slices.Contains(apart, o.name) {
			fit = append(fit, o)
		}
	}
	return fit
}

// exampleBlock writes a block with one of each option, in the alphabet's
// order.
func exampleBlock(in place) string {
	fit := inBlock(in)
	slices.SortStableFunc(fit, func(a, b option) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	b.WriteString("{\n")
	for _, o := range fit {
		v, _ := o.value()
		fmt.Fprintf(&b, "%s %s;\n", o.name, v)
	}
	return b.String() + "}"
}

// frames are how the blocks stand in a file.
var frames = map[place]string{
	inView:       `view "v" %s;`,
	inOptions:    "options %s;",
	inRateLimit:  "options { rate-limit %s; };",
	inPrimary:    `zone "localhost" %s;`,
	inForward:    `zone "example" %s;`,
	inHint:       `zone "." %s;`,
	inServer:     "server 192.0.2.0/24 %s;",
	inKey:        `key "k" %s;`,
	inControls:   "controls %s;",
	inStatistics: "statistics-channels %s;",
	inLogging:    "logging %s;",
}

var frameTypes = map[place]string{inPrimary: "primary", inForward: "forward", inHint: "hint"}

// requires is what a block must have to be good.
func requires(in place) string {
	switch in {
	case inPrimary, inForward, inHint:
		return "type " + frameTypes[in] + "; "
	}
	return ""
}
