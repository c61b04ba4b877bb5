package config

import (
	"net/netip"
	"slices"

	"vpcdns/acl"
	"vpcdns/forwarder/host"
)

// Named lists the addresses that the statement names one by one.
func (l *Listen) Named() []netip.Addr { return named(nil, l.Match) }

func named(list []netip.Addr, l acl.List) []netip.Addr {
	for _, e := range l {
		switch {
		case e.Negated:
		case e.Kind == acl.Nested:
			list = named(list, e.List)
		case e.Kind == acl.Prefix && e.Prefix.IsSingleIP():
			list = append(list, e.Prefix.Addr())
		}
	}
	return list
}

// checkLoops finds forwarders that are this server itself: at an address that
// listen-on names, wherever the file is for, or at one of own, those of this host.
// elsewhere says that the file may be for another.
func (b *builder) checkLoops(own []netip.AddrPort, elsewhere bool) {
	var here []netip.AddrPort
	for i := range b.cfg.Listen {
		for _, a := range b.cfg.Listen[i].Named() {
			here = append(here, netip.AddrPortFrom(a, b.cfg.Listen[i].Port))
		}
	}
	const loop = "forwarders of zone '%s': %s is an address that this server itself listens on: it would ask itself, a loop; name another server"
	for _, z := range b.cfg.Zones {
		for _, a := range z.Forwarders {
			switch pos := b.zones[z.Name].pos; {
			case slices.Contains(here, a), slices.Contains(own, a) && !elsewhere:
				b.errorf(pos, loop, trimmed(z.Name), host.Address(a))
			case slices.Contains(own, a):
				b.changef(pos, loop+", if this file is for this host", trimmed(z.Name), host.Address(a))
			}
		}
	}
}
