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
// lesser of its SOA's TTL and MINIMUM (RFC 2308, 5), within the bounds
// (max-ncache-ttl and min-ncache-ttl). It sets the SOA's TTL to that.
func NegativeTTL(m *wire.Message, bounds wire.TTLPolicy) uint32 {
	authority := m.Section(1)
	for i := range authority {
		rr := &authority[i]
		if rr.Type != wire.TypeSOA {
			continue
		}
		minimum := binary.BigEndian.Uint32(m.Msg[rr.End-4:])
		rr.TTL = max(bounds.Min, min(rr.TTL, minimum, bounds.Max))
		return rr.TTL
	}
	return min(BareNegativeTTL, bounds.Max)
}
