package peer

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// kind is what an answer is good for.
type kind uint8

const (
	unknown kind = iota // it is not known there at the moment what clients would get
	data
	none   // there are no such data: NODATA, or NXDOMAIN
	cut    // it was not had whole
	failed // it was not for us
)

// Most of what is kept of an answer: a datagram that is full of pointers unpacks to a
// hundred times as much.
const (
	maxData  = 8    // records
	maxDatum = 200  // octets of each
	maxEnd   = 1000 // octets of all that are compared
)

// answer is what a server gives of a set.
type answer struct {
	kind kind
	data []string // the CNAMEs that lead there too; sorted. What is left out is counted in its last line
	end  string   // the data at the end of the chain alone, or a digest of many
	ttl  uint32   // the least, in seconds
	why  string   // for failed: the response code; for cut: words

	overridden bool // an operator has said so
	assumed    bool // it is not theirs, but what upstream says
}

// isKnown reports whether it says what clients get.
func (a *answer) isKnown() bool { return a.kind == data || a.kind == none }

// differs reports whether two servers give clients other data. The way there makes no
// difference.
func (a *answer) differs(b *answer) bool {
	return a.isKnown() && b.isKnown() && (a.kind != b.kind || a.end != b.end)
}

// read returns what a message says of a type.
func read(m *dns.Msg, rtype uint16) answer {
	switch {
	case m == nil:
		return answer{}
	case m.Truncated:
		return answer{kind: cut, why: "no whole answer, as TCP does not pass"}
	case m.Rcode == dns.RcodeNameError:
		return answer{kind: none, ttl: denialTTL(m)}
	case m.Rcode == dns.RcodeRefused && says(m, dns.ExtendedErrorCodeNotAuthoritative): // it would have to ask upstream (RFC 8914, 4.21)
		return answer{}
	case m.Rcode != dns.RcodeSuccess:
		return answer{kind: failed, why: dns.RcodeToString[m.Rcode]}
	}
	a := readData(m.Answer, rtype)
	a.overridden = a.kind == data && says(m, dns.ExtendedErrorCodeForgedAnswer) // RFC 8914, 4.5
	if a.kind == unknown && slices.ContainsFunc(m.Ns, isSOA) {                  // else a referral, or a part of a chain (RFC 2308, 2.2)
		return answer{kind: none, ttl: denialTTL(m)}
	}
	return a
}

// readData reads an answer section.
func readData(rrs []dns.RR, rtype uint16) (a answer) {
	var end []string
	for _, rr := range rrs {
		h := rr.Header()
		if h.Rrtype != rtype && h.Rrtype != dns.TypeCNAME {
			continue
		}
		text := dataText(rr)
		if len(a.data) == 0 || h.Ttl < a.ttl {
			a.ttl = h.Ttl
		}
		a.data = append(a.data, text)
		if h.Rrtype == rtype {
			end = append(end, text)
		}
	}
	if len(end) == 0 {
		return answer{}
	}
	a.kind, a.data = data, shortened(distinct(a.data))
	a.end = digest(strings.Join(distinct(end), "\n"))
	return a
}

// shortened is data to be shown, bounded.
func shortened(list []string) []string {
	kept := make([]string, min(len(list), maxData))
	for i := range kept {
		if kept[i] = strings.Clone(list[i]); len(kept[i]) > maxDatum {
			kept[i] = strings.ToValidUTF8(list[i][:maxDatum], "") + "…"
		}
	}
	if more := len(list) - len(kept); more > 0 {
		kept = append(kept, fmt.Sprintf("and %d more", more))
	}
	return kept
}

// digest stands for a text, and is no longer than maxEnd.
func digest(text string) string {
	if len(text) <= maxEnd {
		return text
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// dataText is a record as dig +short shows it. Names in it are in lower case: theirs has
// no meaning (RFC 4343).
func dataText(rr dns.RR) string {
	text := strings.TrimPrefix(rr.String(), rr.Header().String())
	switch rr.Header().Rrtype {
	case dns.TypeCNAME, dns.TypeMX, dns.TypeSRV, dns.TypePTR, dns.TypeNS:
		return strings.ToLower(text)
	}
	return text
}

func isSOA(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA }

// denialTTL is how long a denial may be kept (RFC 2308, 5).
func denialTTL(m *dns.Msg) uint32 {
	if i := slices.IndexFunc(m.Ns, isSOA); i >= 0 {
		soa := m.Ns[i].(*dns.SOA)
		return min(soa.Hdr.Ttl, soa.Minttl)
	}
	return 0
}

// says reports whether a message has an extended error (RFC 8914).
func says(m *dns.Msg, code uint16) bool {
	opt := m.IsEdns0()
	return opt != nil && slices.ContainsFunc(opt.Option, func(o dns.EDNS0) bool {
		e, ok := o.(*dns.EDNS0_EDE)
		return ok && e.InfoCode == code
	})
}

// assumed is what a server gives once it has asked upstream, which says this.
func assumed(upstream []string) answer {
	a := answer{kind: none, assumed: true}
	if len(upstream) > 0 {
		list := distinct(slices.Clone(upstream))
		a.kind, a.data, a.end = data, shortened(list), digest(strings.Join(list, "\n"))
	}
	return a
}
