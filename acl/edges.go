package acl

import "net/netip"

// edges is a set of addresses: the sorted addresses at which one walks into
// the set, out of it, in again, and so on. An address is in the set if the
// number of edges at or before it is odd. The order is that of netip.Addr: all
// of IPv4, then all of IPv6 with the IPv4-mapped addresses in their place
// there, so that a set of one family that reaches its end closes at the start
// of the other, and only the end of IPv6 needs no edge.
type edges []netip.Addr

// everything is the set of all addresses of both families.
func everything() edges { return edges{netip.IPv4Unspecified()} }

// between returns the addresses from first to last, both included.
func between(first, last netip.Addr) edges {
	if end, ok := after(last); ok {
		return edges{first, end}
	}
	return edges{first}
}

// after returns the address that follows a in the order of edges, and false if
// there is none.
func after(a netip.Addr) (netip.Addr, bool) {
	if next := a.Next(); next.IsValid() {
		return next, true
	}
	return netip.IPv6Unspecified(), a.Is4()
}

// within returns the addresses of a prefix, none if it is not valid.
func within(p netip.Prefix) edges {
	if !p.IsValid() {
		return nil
	}
	return between(p.Masked().Addr(), last(p))
}

func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func union(a, b edges) edges { return combine(a, b, func(inA, inB bool) bool { return inA || inB }) }
func minus(a, b edges) edges { return combine(a, b, func(inA, inB bool) bool { return inA && !inB }) }

// combine returns the addresses for which in holds, given whether a and b have
// them. in(false, false) must be false.
func combine(a, b edges, in func(inA, inB bool) bool) edges {
	var out edges
	for i, j := 0, 0; i < len(a) || j < len(b); {
		at := earlier(a[i:], b[j:])
		if i < len(a) && a[i] == at {
			i++
		}
		if j < len(b) && b[j] == at {
			j++
		}
		if in(i&1 == 1, j&1 == 1) != (len(out)&1 == 1) {
			out = append(out, at)
		}
	}
	return out
}

// earlier returns the lesser of the first edges of a and b, of which one may
// be empty.
func earlier(a, b edges) netip.Addr {
	if len(b) == 0 || len(a) > 0 && a[0].Less(b[0]) {
		return a[0]
	}
	return b[0]
}
