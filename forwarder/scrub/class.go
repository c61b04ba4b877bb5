// Package scrub decides what of an upstream answer is kept: the chain of names
// that the question leads to, what the answer amounts to, and of its other
// records the proofs and the addresses that belong to it. Upstream is believed
// what it says about the question; whatever else it says could end up in the
// cache of a resolver that asks us (RFC 9499, 7, bailiwick).
package scrub

import (
	"vpcdns/forwarder/wire"
)

// Class is what an answer from upstream amounts to.
type Class uint8

const (
	Positive Class = iota // records of the type that was asked, or a DNAME that makes too long a name
	Negative              // NXDOMAIN or NODATA: the name, or the type at it, does not exist (RFC 2308)
	Partial               // a chain of CNAMEs without its end
	Referral              // upstream does not recurse
)

// Classify returns the class of a sound answer whose chain is c, which is straight, and whose rcode was
// NOERROR, NXDOMAIN or YXDOMAIN.
func Classify(m *wire.Message, c wire.Chain) Class {
	switch {
	case c.Cut:
		return Partial
	case m.Rcode() != wire.NoError: // even with records, which contradict it
		return Negative
	case c.Data:
		return Positive
	case Has(m.Section(1), wire.TypeSOA):
		return Negative
	case c.Hops > 0:
		return Partial
	case Has(m.Section(1), wire.TypeNS):
		return Referral
	}
	return Negative
}

// Has reports whether there is a record of the type.
func Has(rrs []wire.RR, rtype uint16) bool {
	for i := range rrs {
		if rrs[i].Type == rtype {
			return true
		}
	}
	return false
}
