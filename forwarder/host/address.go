package host

import (
	"net/netip"
	"strconv"
)

// Address is how people read the address of a server or client, as BIND writes
// it: 10.0.0.1#53, 2001:db8::1#53.
func Address(a netip.AddrPort) string {
	return a.Addr().String() + "#" + strconv.Itoa(int(a.Port()))
}
