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

// Scrub makes m, whose chain is c, fit to be kept. Most answers are; the rest is
// unpacked, rid of what does not belong to it, and packed so that its sets can be
// reordered. With minimal no additional records stay (minimal-responses yes).
func Scrub(m *wire.Message, c wire.Chain, class Class, minimal bool) error {
	additional := minimal && m.Sections[2] > 0 // before DropReferral takes it away
	superfluous := class == Positive && Has(m.Section(1), wire.TypeNS) && !m.DropReferral()
	bulky := len(m.Msg) > smallestUDP && m.Uncompressed()
	if c.Straight && !superfluous && !additional && !bulky && m.InBailiwick(c) && m.Keepable() {
		return nil
	}
	u := new(dns.Msg)
	if err := u.Unpack(m.Msg); err != nil {
		return fmt.Errorf("unpacking answer: %w", err)
	}
	scrubUnpacked(u, minimal)
	if len(u.Answer) == 0 && class == Positive {
		return ErrMalformed
	}
	return Pack(u, m)
}

// scrubUnpacked takes from m what does not belong to its question.
func scrubUnpacked(m *dns.Msg, minimal bool) {
	var chain []string
	m.Answer, chain = Chain(m)
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
