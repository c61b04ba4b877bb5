package forwarder

import (
	"fmt"
	"slices"
	"strings"

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
	if c.Straight && !superfluous && !minimal && !bulky && r.msg.Keepable() {
		return nil
	}
	m := new(dns.Msg)
	if err := m.Unpack(r.msg.Msg); err != nil {
		return fmt.Errorf("unpacking answer: %w", err)
	}
	m.Answer = relevant(m)
	if len(m.Answer) == 0 && v == positive {
		return errMalformed
	}
	if v == positive {
		m.Ns = slices.DeleteFunc(m.Ns, isNS)
	}
	m.Extra = slices.DeleteFunc(m.Extra, func(rr dns.RR) bool {
		return r.st.cfg.MinimalResponses || rr.Header().Rrtype == dns.TypeOPT
	})
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
		if !r.msg.Parse(packed) {
			return errMalformed
		}
		if r.msg.Keepable() {
			break
		}
	}
	return nil
}

func isNS(rr dns.RR) bool {
	if sig, ok := rr.(*dns.RRSIG); ok {
		return sig.TypeCovered == dns.TypeNS
	}
	return rr.Header().Rrtype == dns.TypeNS
}

// relevant returns the records of the answer section that the question leads
// to, in the order of the chain.
func relevant(m *dns.Msg) []dns.RR {
	q := m.Question[0]
	var chain []dns.RR
	seen := make(map[string]bool)
	for name := dns.CanonicalName(q.Name); !seen[name]; {
		seen[name] = true
		next := name
		for _, rr := range m.Answer {
			h := rr.Header()
			owner := dns.CanonicalName(h.Name)
			d, isDNAME := rr.(*dns.DNAME)
			switch {
			case isDNAME && owner != name && dns.IsSubDomain(owner, name):
				chain = append(chain, d)
				continue
			case owner != name:
				continue
			}
			chain = append(chain, rr)
			if c, ok := rr.(*dns.CNAME); ok && q.Qtype != dns.TypeCNAME && q.Qtype != dns.TypeANY {
				next = dns.CanonicalName(c.Target)
			}
		}
		if strings.EqualFold(next, name) {
			break
		}
		name = next
	}
	return dns.Dedup(chain, nil)
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
