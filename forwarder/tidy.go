package forwarder

import (
	"fmt"
	"slices"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// tidy makes r.msg fit to be kept. Most answers are; the rest is unpacked,
// rid of what does not belong to it, and packed so that its sets can be
// reordered.
func (r *replier) tidy(c wire.Chain, v verdict) error {
	minimal := r.st.cfg.MinimalResponses && r.msg.Sections[2] > 0
	superfluous := v == positive && has(r.msg.Section(1), wire.TypeNS) && !r.msg.DropReferral()
	bulky := len(r.msg.Msg) > smallestUDP && r.msg.Uncompressed()
	if c.Straight && !superfluous && !minimal && !bulky && r.msg.InBailiwick(c) && r.msg.Keepable() {
		return nil
	}
	m := new(dns.Msg)
	if err := m.Unpack(r.msg.Msg); err != nil {
		return fmt.Errorf("unpacking answer: %w", err)
	}
	var chain []string
	m.Answer, chain = relevant(m)
	if len(m.Answer) == 0 && v == positive {
		return errMalformed
	}
	m.Ns, m.Extra = denials(m, chain), helpers(m)
	if r.st.cfg.MinimalResponses {
		m.Extra = nil
	}
	return r.repack(m)
}

// repack packs m into r.msg: compressed when its sets can be reordered so,
// else plain.
func (r *replier) repack(m *dns.Msg) error {
	for _, m.Compress = range []bool{true, false} {
		packed, err := m.Pack()
		if err != nil {
			return fmt.Errorf("packing answer: %w", err)
		}
		if !r.msg.Parse(packed) || new(dns.Msg).Unpack(packed) != nil { // data may be read but not be written
			return errMalformed
		}
		if r.msg.Keepable() {
			break
		}
	}
	return nil
}

// minimalAny returns the answer to an ANY query with its first set alone, and
// the signatures of that (BIND's minimal-any; RFC 8482, 4.1).
func minimalAny(question []byte, ans wire.Answer) wire.Answer {
	q := wire.Query{Question: question}
	packed := wire.AppendReply(nil, &q, wire.QR, ans, wire.Aging{}, new(wire.Order))
	m := new(dns.Msg)
	if err := m.Unpack(packed); err != nil || len(m.Answer) == 0 {
		return ans
	}
	m.Answer, m.Ns, m.Extra = firstSet(m.Answer), nil, nil
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

// firstSet returns the records of the first one's type, and their signatures.
func firstSet(rrs []dns.RR) []dns.RR {
	first := rrs[0].Header().Rrtype
	return slices.DeleteFunc(rrs, func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		return rr.Header().Rrtype != first && !(ok && sig.TypeCovered == first)
	})
}
