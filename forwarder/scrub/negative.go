package scrub

import (
	"encoding/binary"

	"vpcdns/forwarder/wire"
)

// BareNegativeTTL is how long a negative answer without SOA is believed, in
// seconds. RFC 2308, 5 would not keep it at all, but the VPC resolver leaves
// the SOA out of those it has in its own cache, and each question counts
// against its limit.
const BareNegativeTTL = 5

// NegativeTTL returns for how many seconds a negative answer may be kept: the
// lesser of its SOA's TTL and MINIMUM (RFC 2308, 5), and of the TTLs of its proofs
// as in BIND, within the bounds (max-ncache-ttl and min-ncache-ttl). All of these get
// that TTL.
func NegativeTTL(m *wire.Message, bounds wire.TTLPolicy) uint32 {
	authority := m.Section(1)
	if !Has(authority, wire.TypeSOA) {
		return min(BareNegativeTTL, bounds.Max)
	}
	ttl := bounds.Max
	for i := range authority {
		rr := &authority[i]
		if ttl = min(ttl, rr.TTL); rr.Type == wire.TypeSOA {
			ttl = min(ttl, binary.BigEndian.Uint32(m.Msg[rr.End-4:]))
		}
	}
	ttl = max(ttl, bounds.Min)
	for i := range authority {
		authority[i].TTL = ttl
	}
	return ttl
}
