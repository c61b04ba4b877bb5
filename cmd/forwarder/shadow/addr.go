package shadow

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ParseAddr reads an address in BIND's way, 127.0.0.1#5353. Without a port it has
// the one that is given.
func ParseAddr(s string, port uint16) (netip.AddrPort, error) {
	host, number, has := strings.Cut(s, "#")
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("address %q is not like 127.0.0.1 or 127.0.0.1#53", s)
	}
	if !has {
		return netip.AddrPortFrom(addr, port), nil
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n == 0 {
		return netip.AddrPort{}, fmt.Errorf("the port of %q is not a number from 1 to 65535", s)
	}
	return netip.AddrPortFrom(addr, uint16(n)), nil
}
