package scrub

import (
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

// FirstSet returns the records of the first one's type, and their signatures.
func FirstSet(rrs []dns.RR) []dns.RR {
	first := rrs[0].Header().Rrtype
	return slices.DeleteFunc(rrs, func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		return rr.Header().Rrtype != first && !(ok && sig.TypeCovered == first)
	})
}
