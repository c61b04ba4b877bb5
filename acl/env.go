package acl

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Env is what a List needs to know from outside itself.
type Env struct {
	Localhost   []netip.Addr   // `localhost`
	Localnets   []netip.Prefix // `localnets`
	MatchMapped bool           // match-mapped-addresses: see Set.Match
}

// HostEnv returns the environment that the host's interfaces make now, sorted
// and without duplicates, so that Equal tells whether anything changed.
// MatchMapped is false.
//
// As in BIND, Localhost has every address of every interface, loopback and
// link-local ones included, and Localnets the network of each, such as
// 127.0.0.0/8 and fe80::/64. An interface that is down counts like one that is
// up: clients must not be refused because a link flaps. Unspecified addresses
// do not count, nor do networks of prefix length 0. Only link-local addresses
// of IPv6 have a zone, the interface's name, so that they can be listened on.
func HostEnv() (Env, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return Env{}, fmt.Errorf("reading interfaces: %w", err)
	}
	var e Env
	for _, i := range interfaces {
		addrs, err := i.Addrs()
		if err != nil {
			return Env{}, fmt.Errorf("reading addresses of %s: %w", i.Name, err)
		}
		e.addAll(addrs, i.Name)
	}
	e.sort()
	return e, nil
}

func (e *Env) addAll(addrs []net.Addr, zone string) {
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			e.add(n, zone)
		}
	}
}

func (e *Env) add(n *net.IPNet, zone string) {
	ip, ok := netip.AddrFromSlice(n.IP)
	if ip = ip.Unmap(); !ok || ip.IsUnspecified() {
		return
	}
	if bits, _ := n.Mask.Size(); bits > 0 {
		e.Localnets = append(e.Localnets, netip.PrefixFrom(ip, bits).Masked())
	}
	if ip.Is6() && ip.IsLinkLocalUnicast() {
		ip = ip.WithZone(zone)
	}
	e.Localhost = append(e.Localhost, ip)
}

func (e *Env) sort() {
	slices.SortFunc(e.Localhost, netip.Addr.Compare)
	slices.SortFunc(e.Localnets, netip.Prefix.Compare)
	e.Localhost = slices.Compact(e.Localhost)
	e.Localnets = slices.Compact(e.Localnets)
}

// Equal reports whether both say the same, in the same order.
func (e Env) Equal(o Env) bool {
	return e.MatchMapped == o.MatchMapped &&
		slices.Equal(e.Localhost, o.Localhost) && slices.Equal(e.Localnets, o.Localnets)
}

func (e *Env) localhost() edges {
	var all edges
	for _, a := range e.Localhost {
		a = a.WithZone("")
		all = union(all, between(a, a))
	}
	return all
}

func (e *Env) localnets() edges {
	var all edges
	for _, p := range e.Localnets {
		all = union(all, within(p))
	}
	return all
}
