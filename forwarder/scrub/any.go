package scrub

import (
	"slices"

	"github.com/miekg/dns"

	"vpcdns/forwarder/wire"
)

// Signed reports whether m has signatures or proofs of DNSSEC (RFC 4034), which
// only those get who set DO or ask for that type, or for ANY.
func Signed(m *wire.Message) bool {
	for s := range m.Sections {
		for i := range m.Section(s) {
			if isForDO(m, s, &m.Section(s)[i]) {
				return true
			}
		}
	}
	return false
}

// isForDO reports whether only who sets DO gets rr of section s (RFC 4035, 3.2.1).
func isForDO(m *wire.Message, s int, rr *wire.RR) bool {
	switch rr.Type {
	case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3:
		qtype := m.Type()
		return s > 0 || rr.Type != qtype && qtype != dns.TypeANY
	}
	return false
}

// Strip makes dst what m is without signatures and proofs.
func Strip(m, dst *wire.Message) error {
	var kept []wire.RR
	var sections [3]int
	for s := range m.Sections {
		for _, rr := range m.Section(s) {
			if rr.Type != wire.TypeOPT && !isForDO(m, s, &rr) {
				kept = append(kept, rr)
				sections[s]++
			}
		}
	}
	if !dst.Pack(m, kept, sections) {
		return ErrMalformed
	}
	return nil
}

// FirstSet returns the records of the first one's type, and their signatures (BIND's
// minimal-any; RFC 8482, 4.1).
func FirstSet(rrs []dns.RR) []dns.RR {
	first := rrs[0].Header().Rrtype
	return slices.DeleteFunc(rrs, func(rr dns.RR) bool {
		sig, ok := rr.(*dns.RRSIG)
		return rr.Header().Rrtype != first && !(ok && sig.TypeCovered == first)
	})
}
