package host

import (
	"net"
	"net/netip"
)

// InterfaceTo returns the name of the interface by which packets to an address
// leave, "" when there is no way to it. Nothing is sent.
func InterfaceTo(a netip.Addr) string {
	c, err := net.Dial("udp", netip.AddrPortFrom(a, 53).String())
	if err != nil {
		return ""
	}
	defer c.Close()
	from, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return ""
	}
	return interfaceOf(from.Addr().Unmap().WithZone(""))
}

// interfaceOf returns the name of the interface that has an address.
func interfaceOf(a netip.Addr) string {
	list, err := net.Interfaces()
	if err != nil {
		return ""
	}
	for _, i := range list {
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, n := range addrs {
			if p, err := netip.ParsePrefix(n.String()); err == nil && p.Addr() == a {
				return i.Name
			}
		}
	}
	return ""
}
