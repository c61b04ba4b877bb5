package main

import (
	"net/netip"

	"vpcdns/forwarder"
)

// dnsPort is what -p replaces.
const dnsPort = 53

// setPort does what -p asks for: what would listen on port 53 listens on port
// p, and forwarders that would be asked there are asked at p.
func setPort(c *forwarder.Config, p uint16) {
	if p == 0 {
		return
	}
	for i := range c.Listen {
		if c.Listen[i].Port == dnsPort {
			c.Listen[i].Port = p
		}
	}
	for _, z := range c.Zones {
		for i, server := range z.Forwarders {
			if server.Port() == dnsPort {
				z.Forwarders[i] = netip.AddrPortFrom(server.Addr(), p)
			}
		}
	}
}
