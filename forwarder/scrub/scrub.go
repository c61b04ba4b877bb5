package scrub

import (
	"errors"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// ErrMalformed is an answer that cannot be understood, or not be said again.
var ErrMalformed = errors.New("malformed answer")

// Scrub makes m fit to be kept, and returns what it amounts to, and its chain. Most
// answers are fit, or are once their end is cut off; of the others what belongs to
// the question is picked, and written anew. A chain ends where it leads elsewhere.
// A referral is left as it is.
func Scrub(m *wire.Message, r Rules) (Class, wire.Chain, error) {
	r.Minimal = r.Minimal && m.Type() != wire.TypeNS
	c := m.Chain(r.Elsewhere)
	class := Classify(m, c)
	if class == Referral || isFit(m, c, class, r.Minimal) {
		return class, c, nil
	}
	return pickFrom(m, r)
}

// Rules say what may be kept. The zero value keeps all that belongs to the question.
type Rules struct {
	Elsewhere wire.Elsewhere // where a chain ends
	Foreign   wire.Elsewhere // names that the server has no say in: their DNAMEs do not count
	Apart     wire.Elsewhere // names of which nothing stays beside the data of others, as it changes by itself
	Minimal   bool           // no additional records stay (minimal-responses yes), but under name servers, as in BIND
}

// isFit reports whether m can be kept as it is, without what stands behind the
// answer section of one that is not negative.
func isFit(m *wire.Message, c wire.Chain, class Class, minimal bool) bool {
	switch {
	case !c.Straight:
		return false
	case class == Negative:
		if c.Data || m.Rcode() == wire.YXDomain || !isDenial(m, c) {
			return false
		}
	case class == Positive && hasMore(m, minimal):
		return false
	default:
		m.CutOff(c)
	}
	return m.Distinct() && m.Keepable() && m.Compact()
}

// isDenial reports whether nothing stands behind the answer section but what belongs
// to a negative answer.
func isDenial(m *wire.Message, c wire.Chain) bool {
	soas := 0
	for i := range m.Section(1) {
		rr := &m.Section(1)[i]
		if !m.Denies(rr, c.Final) {
			return false
		}
		if rr.Type == wire.TypeSOA {
			soas++
		}
	}
	return soas <= 1 && !hasAdditional(m)
}

// hasMore reports whether something stands behind the answer section of a positive
// answer that may belong to it.
func hasMore(m *wire.Message, minimal bool) bool {
	if Has(m.Section(1), dns.TypeNSEC) || Has(m.Section(1), dns.TypeNSEC3) {
		return true
	}
	return !minimal && NamesHosts(m.Type()) && hasAdditional(m)
}

func hasAdditional(m *wire.Message) bool {
	n := m.Sections[2]
	return n > 1 || n == 1 && m.Section(2)[0].Type != wire.TypeOPT
}
