package scrub

import (
	"errors"
	"fmt"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// ErrMalformed is an answer that cannot be understood, or not be said again.
var ErrMalformed = errors.New("malformed answer")

// smallestUDP is what every client takes over UDP, in octets (RFC 1035, 2.3.4).
const smallestUDP = 512

// Scrub makes m fit to be kept, and returns what it amounts to, and its chain. Most
// answers are fit; the rest is unpacked, rid of what does not belong to it, and
// packed so that its sets can be reordered. A chain ends where it leads elsewhere.
// With minimal no additional records stay (minimal-responses yes). A referral is
// left as it is.
func Scrub(m *wire.Message, elsewhere wire.Elsewhere, minimal bool) (Class, wire.Chain, error) {
	c := m.Chain(elsewhere)
	if c.Straight && c.Cut {
		m.CutOff(c)
	}
	class := Classify(m, c)
	if class == Referral || fit(m, c, class, minimal) {
		return class, c, nil
	}
	if err := repack(m, elsewhere, minimal); err != nil {
		return class, c, err
	}
	found := c.Data
	c = m.Chain(elsewhere)
	if found && m.Sections[0] == 0 {
		return class, c, ErrMalformed
	}
	return Classify(m, c), c, nil
}

// fit reports whether m can be kept as it is.
func fit(m *wire.Message, c wire.Chain, class Class, minimal bool) bool {
	additional := minimal && m.Sections[2] > 0 // before DropReferral takes it away
	superfluous := class != Negative && Has(m.Section(1), wire.TypeNS) && !m.DropReferral()
	bulky := len(m.Msg) > smallestUDP && m.Uncompressed()
	return c.Straight && !superfluous && !additional && !bulky && m.InBailiwick(c) && m.Keepable()
}

// repack makes m anew of what belongs to its question.
func repack(m *wire.Message, elsewhere wire.Elsewhere, minimal bool) error {
	u := new(dns.Msg)
	if err := u.Unpack(m.Msg); err != nil {
		return fmt.Errorf("unpacking answer: %w", err)
	}
	scrubUnpacked(u, elsewhere, minimal)
	return Pack(u, m)
}

// scrubUnpacked takes from m what does not belong to its question.
func scrubUnpacked(m *dns.Msg, elsewhere wire.Elsewhere, minimal bool) {
	var chain []string
	var whole bool
	m.Answer, chain, whole = Chain(m, elsewhere)
	if !whole {
		m.Rcode, m.Ns, m.Extra = dns.RcodeSuccess, nil, nil
		return
	}
	m.Ns, m.Extra = proofs(m, chain), addresses(m)
	if minimal {
		m.Extra = nil
	}
}

// Pack packs m into dst: compressed when its sets can be reordered so, else
// plain.
func Pack(m *dns.Msg, dst *wire.Message) error {
	for _, m.Compress = range []bool{true, false} {
		packed, err := m.Pack()
		if err != nil {
			return fmt.Errorf("packing answer: %w", err)
		}
		if !dst.Parse(packed) || new(dns.Msg).Unpack(packed) != nil { // data may be read but not be written
			return ErrMalformed
		}
		if dst.Keepable() {
			break
		}
	}
	return nil
}
