package main

import (
	"strings"

	"github.com/miekg/dns"
)

// deviation is a way in which the forwarder differs from BIND on purpose.
type deviation struct {
	reason string // as in the forwarder's column of forwarder/README.md
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
		"a TTL of 2^31 and more is 0 (RFC 2181)",
		func(f *finding, d difference) bool {
			large := strings.HasPrefix(f.title, "ttl-2147483648.") || strings.HasPrefix(f.title, "ttl-4294967295.")
			return large && d.field == "answer TTL" // 0, or min-cache-ttl
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
		"RD=0 is answered from the cache, or REFUSED with EDE 20: no name servers are made known",
		func(f *finding, d difference) bool {
			fromCache := d.field == "authority" && d.ours == "no records" && strings.Contains(d.named, " in ns ")
			return f.noRecursion() && (fromCache || f.ours.rcode() == dns.RcodeRefused && d.field != "reply")
		},
	},
	{
		"sets of more than 100 records are answered",
		func(f *finding, d difference) bool {
			many := strings.Contains(f.title, "a250.") || strings.Contains(f.title, "a5000.") || strings.HasPrefix(f.title, "over-100-")
			return many && (f.named.rcode() == dns.RcodeServerFailure || f.noRecursion())
		},
	},
	{
		"AD is never set",
		func(f *finding, d difference) bool {
			return d.field == "flags" && f.named.msg.Truncated && strings.ReplaceAll(d.named, " ad", "") == d.ours
		},
	},
	{
		"a compressed name in a question is FORMERR",
		func(f *finding, _ difference) bool {
			return strings.HasPrefix(f.title, "name-pointer-") && f.ours.rcode() == dns.RcodeFormatError
		},
	},
	{
		"signed queries get NOTAUTH, without a TSIG record",
		func(f *finding, d difference) bool {
			signed := strings.HasPrefix(f.title, "tsig-") || strings.HasPrefix(f.title, "TSIG")
			return signed && d.field == "additional" && d.ours == "no records" && strings.Contains(d.named, "tsig")
		},
	},
	{
		"several questions are FORMERR, without any of them",
		func(f *finding, _ difference) bool {
			return strings.HasPrefix(f.title, "several questions") && f.ours.rcode() == dns.RcodeFormatError
		},
	},
	{
		"transfers are NOTAUTH",
		func(f *finding, _ difference) bool {
			return strings.HasPrefix(f.title, "transfer of a zone here") && f.ours.rcode() == dns.RcodeNotAuth
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
		"an answer keeps of its additional section the addresses of hosts that it names, and what a NAPTR, HTTPS or SVCB record leads to",
		func(f *finding, d difference) bool {
			return d.field == "additional" && strings.HasPrefix(f.title, "tlsa.add.")
		},
	},
	{
		"what does not belong to an empty answer is cut off",
		func(f *finding, d difference) bool {
			odd := strings.HasPrefix(f.title, "below.add.") || strings.HasPrefix(f.title, "beside.add.")
			return odd && f.named.rcode() == dns.RcodeServerFailure && f.ours.rcode() == dns.RcodeSuccess
		},
	},
	{
		"signed proofs stay with what a wildcard made, whether they fit or not",
		func(f *finding, d difference) bool {
			return d.field == "authority" && d.named == "no records" && strings.HasPrefix(f.title, "wild2.sig.")
		},
	},
	{
		"a CNAME that came with its DNAME keeps its own TTL",
		func(f *finding, d difference) bool {
			return d.field == "answer TTL" && strings.HasPrefix(f.title, "x.ttl.")
		},
	},
	{
		"which of several sets `minimal-any` leaves may be another one",
		func(f *finding, d difference) bool {
			several := strings.Contains(" "+f.title+" ", " ANY ") || strings.Contains(f.title, " RRSIG")
			return several && d.field == "answer" && len(f.named.msg.Answer) > 0 && len(f.ours.msg.Answer) > 0
		},
	},
	{
		"a signed denial below a DNAME of a primary zone may be 8 octets longer",
		func(f *finding, d difference) bool {
			return d.field == "size" && strings.Contains(f.title, "renamed-long.") && len(f.ours.packet)-len(f.named.packet) <= 8
		},
	},
	{
		"it may fit: names are compressed more",
		func(f *finding, d difference) bool {
			const gain = 40 // octets
			size := f.size() - len(f.ours.packet)
			fits := f.named.msg.Truncated && !f.ours.msg.Truncated
			more := d.field == "additional" && len(f.ours.msg.Extra) > len(f.named.msg.Extra)
			return size >= 0 && (fits && size < gain || more)
		},
	},
	{
		"a query with two faults gets FORMERR for the one that is seen first here, with or without an OPT",
		func(f *finding, d difference) bool {
			return strings.HasPrefix(f.title, "mutation of ") && d.field == "EDNS" &&
				f.named.rcode() == dns.RcodeFormatError && f.ours.rcode() == dns.RcodeFormatError
		},
	},
	{
		"transfers, and what is no query, of clients that the view does not match are answered as those of others",
		func(f *finding, d difference) bool {
			asOthers := f.ours.rcode() == dns.RcodeNotAuth || f.ours.rcode() == dns.RcodeFormatError || f.ours.rcode() == dns.RcodeNotImplemented
			return f.source == unmatched && (d.field == "EDE" || f.named.rcode() == dns.RcodeRefused) && asOthers
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

// size is the largest reply that the query allows over UDP.
func (p probe) size() int {
	m := new(dns.Msg)
	if m.Unpack(p.packet) != nil || m.IsEdns0() == nil {
		return dns.MinMsgSize
	}
	return max(dns.MinMsgSize, int(m.IsEdns0().UDPSize()))
}

// noRecursion reports whether the probe is a standard query with RD=0.
func (p probe) noRecursion() bool {
	return len(p.packet) > 2 && p.packet[2]&0x79 == 0
}
