package main

import (
	"strings"

	"github.com/miekg/dns"
)

// deviation is a way in which the forwarder differs from BIND on purpose. The
// reasons are those of the README's list.
type deviation struct {
	reason string
	fits   func(f *finding, d difference) bool
}

var deviations = []deviation{
	{
		"negative answers live for the lesser of the SOA's TTL and its MINIMUM (RFC 2308)",
		func(f *finding, d difference) bool {
			return d.field == "authority TTL" && strings.Contains(f.title, "soa-long") && f.ours.negativeTTL() <= 60
		},
	},
	{
		"SERVFAIL says why, in an EDE",
		func(f *finding, d difference) bool {
			return d.field == "EDE" && d.named == "" && strings.HasPrefix(d.ours, "22 ") &&
				f.named.rcode() == dns.RcodeServerFailure && f.ours.rcode() == dns.RcodeServerFailure
		},
	},
	{
		"RD=0 is answered from the cache or refused: no name servers are made known",
		func(f *finding, d difference) bool {
			fromCache := d.field == "authority" && d.ours == "no records" && strings.Contains(d.named, " in ns ")
			return f.noRecursion() && (fromCache || f.ours.rcode() == dns.RcodeRefused && d.field != "reply")
		},
	},
	{
		"sets of more than 100 records are answered (BIND: max-records-per-type)",
		func(f *finding, d difference) bool {
			many := strings.Contains(f.title, "a250.") || strings.Contains(f.title, "a5000.")
			return many && (f.named.rcode() == dns.RcodeServerFailure || f.noRecursion())
		},
	},
	{
		"AD is never set (BIND sets it in truncated replies without EDNS)",
		func(f *finding, d difference) bool {
			return d.field == "flags" && f.named.msg.Truncated && strings.ReplaceAll(d.named, " ad", "") == d.ours
		},
	},
	{
		"a name in a question is not compressed: nothing stands before it that a pointer could mean",
		func(f *finding, _ difference) bool {
			return strings.HasPrefix(f.title, "name-pointer-") && f.ours.rcode() == dns.RcodeFormatError
		},
	},
	{
		"signed queries: NOTAUTH, without a TSIG record",
		func(f *finding, _ difference) bool {
			return strings.HasPrefix(f.title, "tsig-") && f.ours.rcode() == dns.RcodeNotAuth
		},
	},
	{
		"an upstream that answers BADVERS is asked again without EDNS",
		func(f *finding, d difference) bool {
			return d.field == "time" && strings.Contains(f.title, ".badvers.")
		},
	},
	{
		"addresses of mail exchangers and servers are left out only where they do not fit",
		func(f *finding, d difference) bool {
			return d.field == "additional" && d.named == "no records" && len(f.ours.packet) <= dns.MinMsgSize
		},
	},
	{
		"which of several sets minimal-any leaves is nobody's promise",
		func(f *finding, d difference) bool {
			return strings.HasPrefix(f.title, "ANY ") && d.field == "answer" && len(f.named.msg.Answer) > 0 && len(f.ours.msg.Answer) > 0
		},
	},
	{
		"of two faults in one query, BIND may see the other one first",
		func(f *finding, d difference) bool {
			return strings.HasPrefix(f.title, "mutation of ") && d.field == "EDNS" &&
				f.named.rcode() == dns.RcodeFormatError && f.ours.rcode() == dns.RcodeFormatError
		},
	},
}

// rcode is that of a reply which parses.
func (r reply) rcode() int { return r.msg.Rcode }

// negativeTTL is the TTL of the SOA in the authority section.
func (r reply) negativeTTL() uint32 {
	if r.msg == nil || len(r.msg.Ns) == 0 {
		return 0
	}
	return r.msg.Ns[0].Header().Ttl
}

// noRecursion reports whether the probe is a standard query with RD=0.
func (p probe) noRecursion() bool {
	return len(p.packet) > 2 && p.packet[2]&0x79 == 0
}
