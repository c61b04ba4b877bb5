package scrub

import (
	"fmt"
	"slices"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// MinimalAny returns the answer to an ANY query with its first set alone, and
// the signatures of that (BIND's minimal-any; RFC 8482, 4.1).
func MinimalAny(question []byte, ans wire.Answer) wire.Answer {
	q := wire.Query{Question: question}
	packed := wire.AppendReply(nil, &q, wire.QR, ans, wire.Aging{}, new(wire.Order))
	m := new(dns.Msg)
	if err := m.Unpack(packed); err != nil || len(m.Answer) == 0 {
		return ans
	}
	m.Answer, m.Ns, m.Extra = FirstSet(m.Answer), nil, nil
	packed, err := m.Pack()
	if err != nil {
		return ans
	}
	var small wire.Message
	if !small.Parse(packed) {
		return ans
	}
	kept, _ := small.AppendAnswer(nil, wire.TTLPolicy{Max: 1<<31 - 1})
	return wire.Answer(kept)
}

// Signed reports whether m has signatures or proofs of DNSSEC (RFC 4034), which
// only those get who set DO or ask for that type, or for ANY.
func Signed(m *wire.Message) bool {
	qtype := m.Type()
	if qtype == wire.TypeANY {
		return false
	}
	for i := range m.RRs {
		if t := m.RRs[i].Type; isDNSSEC(t) && t != qtype {
			return true
		}
	}
	return false
}

func isDNSSEC(rrtype uint16) bool {
	return rrtype == dns.TypeRRSIG || rrtype == dns.TypeNSEC || rrtype == dns.TypeNSEC3
}

// Strip makes dst what m is without signatures and proofs (RFC 4035, 3.2.1).
func Strip(m, dst *wire.Message) error {
	u := new(dns.Msg)
	if err := u.Unpack(m.Msg); err != nil {
		return fmt.Errorf("unpacking answer: %w", err)
	}
	qtype := m.Type()
	for _, section := range []*[]dns.RR{&u.Answer, &u.Ns, &u.Extra} {
		*section = slices.DeleteFunc(*section, func(rr dns.RR) bool {
			t := rr.Header().Rrtype
			return t == dns.TypeOPT || isDNSSEC(t) && t != qtype
		})
	}
	return Pack(u, dst)
}

// FirstSet returns the records of the first one's type, and their signatures.
func FirstSet(rrs []dns.RR) []dns.RR {
	first := rrs[0].Header().Rrtype
	return slices.DeleteFunc(rrs, func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		return rr.Header().Rrtype != first && !(ok && sig.TypeCovered == first)
	})
}
