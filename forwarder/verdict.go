package forwarder

import (
	"encoding/binary"

	"vpcdns/forwarder/wire"
)

// verdict is what an answer from upstream amounts to.
type verdict uint8

const (
	positive verdict = iota // records of the type that was asked
	negative                // the name, or the type at it, does not exist (RFC 2308)
	partial                 // a chain of CNAMEs without its end
	referral                // upstream does not recurse
)

// verdictOf judges a sound answer whose rcode was NOERROR, NXDOMAIN or
// YXDOMAIN.
func verdictOf(m *wire.Message, c wire.Chain) verdict {
	switch {
	case m.Rcode() != wire.NoError: // even with records, which contradict it
		return negative
	case c.Data:
		return positive
	case has(m.Section(1), wire.TypeSOA):
		return negative
	case c.Hops > 0:
		return partial
	case has(m.Section(1), wire.TypeNS):
		return referral
	}
	return negative
}

func has(rrs []wire.RR, rtype uint16) bool {
	for i := range rrs {
		if rrs[i].Type == rtype {
			return true
		}
	}
	return false
}

// bareNegativeTTL is how long a negative answer without SOA is believed, in
// seconds. RFC 2308, 5 would not keep it at all, but the VPC resolver leaves
// the SOA out of those it has in its own cache, and each question counts
// against its limit.
const bareNegativeTTL = 5

// negativeTTL returns how long a negative answer may be kept: the lesser of
// its SOA's TTL and MINIMUM (RFC 2308, 5), within max-ncache-ttl and
// min-ncache-ttl. It sets the SOA's TTL to that. Positive answers are not
// limited.
func (r *replier) negativeTTL(v verdict, o *CacheConfig) uint32 {
	if v == positive {
		return ^uint32(0)
	}
	authority := r.msg.Section(1)
	for i := range authority {
		rr := &authority[i]
		if rr.Type != wire.TypeSOA {
			continue
		}
		minimum := binary.BigEndian.Uint32(r.msg.Msg[rr.End-4:])
		rr.TTL = max(seconds(o.MinNTTL), min(rr.TTL, minimum, seconds(o.MaxNTTL)))
		return rr.TTL
	}
	return min(bareNegativeTTL, seconds(o.MaxNTTL))
}
