package wire

import (
	"encoding/binary"
	"net/netip"
)

// Addresses appends the addresses of the answer section's A and AAAA records.
func (a Answer) Addresses(dst []netip.Addr) []netip.Addr {
	const rtype, data = -4, 6 // from the TTL on
	body := a.body()
	for i := range a.Count(0) {
		at := a.ttl(i)
		switch uint16(body[at+rtype])<<8 | uint16(body[at+rtype+1]) {
		case TypeA:
			dst = append(dst, netip.AddrFrom4([4]byte([]byte(body[at+data:at+data+4]))))
		case TypeAAAA:
			dst = append(dst, netip.AddrFrom16([16]byte([]byte(body[at+data:at+data+16]))))
		}
	}
	return dst
}

// IsAlias reports whether the answer section begins with a CNAME, or the DNAME that it is
// made of.
func (a Answer) IsAlias() bool {
	if a.Count(0) == 0 {
		return false
	}
	body, at := a.body(), a.ttl(0)-4
	rtype := uint16(body[at])<<8 | uint16(body[at+1])
	return rtype == TypeCNAME || rtype == TypeDNAME
}

// LongestTTL is the greatest TTL of the answer section's records, as they are kept; 0
// without records.
func (a Answer) LongestTTL() (most uint32) {
	body := a.body()
	for i := range a.Count(0) {
		most = max(most, binary.BigEndian.Uint32([]byte(body[a.ttl(i):a.ttl(i)+4])))
	}
	return most
}
