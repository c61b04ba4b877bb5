package host

import (
	"fmt"
	"net"
	"net/netip"
)

// InterfaceTo returns the name of the interface by which packets to an address
// leave, from source if that is valid; "" when there is no way to it. Nothing is sent.
func InterfaceTo(a, source netip.Addr) string {
	if source.IsValid() {
		if name, err := routeFrom(a, source); err == nil {
			return name
		}
		return InterfaceWith(source)
	}
	c, err := net.Dial("udp", netip.AddrPortFrom(a, 53).String())
	if err != nil {
		return ""
	}
	defer c.Close()
	from, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return ""
	}
	return InterfaceWith(from.Addr())
}

// InterfaceWith returns the name of the interface that has an address, "" if none has.
func InterfaceWith(a netip.Addr) string {
	a = a.Unmap().WithZone("")
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

// RouteCommands are those that make packets from an address leave by the interface
// that has it.
func RouteCommands(from netip.Addr, name string) string {
	ip := "ip"
	if from.Is6() {
		ip = "ip -6"
	}
	return fmt.Sprintf("%s rule add from %s lookup TABLE, %s route add default via GATEWAY dev %s table TABLE", ip, from, ip, name)
}
