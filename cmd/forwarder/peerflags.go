package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpcdns/forwarder/host"
)

// peerAddresses are the values of --peer: the other forwarders of a pair, which are asked
// what they give.
type peerAddresses []netip.AddrPort

// maxPeers is how many there may be: a pair has one.
const maxPeers = 8

func (p *peerAddresses) Type() string { return "address" }

func (p *peerAddresses) String() string { return strings.ReplaceAll(addrTexts(*p), ", ", ",") }

func (p *peerAddresses) Set(s string) error {
	a, err := netip.ParseAddrPort(urlNotation(s))
	if addr, bad := netip.ParseAddr(s); bad == nil {
		a, err = netip.AddrPortFrom(addr, 53), nil
	}
	switch {
	case err != nil || a.Port() == 0:
		return fmt.Errorf("%q is not like 10.79.2.10 or 10.79.2.10#53: give the address, a name may lead to this forwarder itself", s)
	case a.Addr().IsUnspecified() || a.Addr().IsMulticast():
		return fmt.Errorf("%s is the address of no single server", a.Addr())
	}
	a = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	if slices.Contains(*p, a) {
		return nil
	}
	if len(*p) == maxPeers {
		return fmt.Errorf("%s is one too many: %d are the most", host.Address(a), maxPeers)
	}
	*p = append(*p, a)
	return nil
}

// addrs are where they ask from, as far as that is known.
func (p peerAddresses) addrs() (list []netip.Addr) {
	for _, a := range p {
		list = append(list, a.Addr().WithZone(""))
	}
	return list
}

// own returns those that are this forwarder's.
func (p peerAddresses) own(served []netip.AddrPort) []netip.AddrPort {
	return slices.DeleteFunc(slices.Clone(p), func(a netip.AddrPort) bool { return !slices.Contains(served, a) })
}
