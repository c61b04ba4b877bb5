package udp

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// Peer is the address and port of a client, comparable, in the layout of the
// kernel's sockaddr_in and sockaddr_in6 so that it needs no conversion between
// receiving and sending. The zero value is no address.
type Peer struct {
	family uint16   // AF_INET or AF_INET6
	port   [2]byte  // big endian
	rest   [24]byte // IPv4: address, zeros; IPv6: flow label, address, scope
}

// Where the parts of an address stand in Peer.rest.
const (
	v6Addr  = 4
	v6Scope = 20
)

// PeerOf returns the Peer of a. The zone of an IPv6 address is an interface's
// name or index; one that no interface has counts as none. The Peer of an
// invalid address is the zero Peer.
func PeerOf(a netip.AddrPort) Peer {
	var p Peer
	binary.BigEndian.PutUint16(p.port[:], a.Port())
	switch addr := a.Addr(); {
	case addr.Is4():
		p.family = syscall.AF_INET
		v4 := addr.As4()
		copy(p.rest[:], v4[:])
	case addr.Is6():
		p.family = syscall.AF_INET6
		v6 := addr.As16()
		copy(p.rest[v6Addr:], v6[:])
		binary.NativeEndian.PutUint32(p.rest[v6Scope:], scopeOf(addr.Zone()))
	default:
		return Peer{}
	}
	return p
}

// AddrPort returns the address of p. An IPv4 client of a dual-stack socket is
// an IPv4-mapped IPv6 address; the zone of a link-local address is the
// interface's index. It allocates only for a zone.
func (p Peer) AddrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16(p.port[:])
	switch p.family {
	case syscall.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(p.rest[:4])), port)
	case syscall.AF_INET6:
		return netip.AddrPortFrom(p.addr6(), port)
	}
	return netip.AddrPort{}
}

func (p *Peer) addr6() netip.Addr {
	addr := netip.AddrFrom16([16]byte(p.rest[v6Addr:v6Scope]))
	return withScope(addr, binary.NativeEndian.Uint32(p.rest[v6Scope:]))
}

func withScope(addr netip.Addr, scope uint32) netip.Addr {
	if scope == 0 {
		return addr
	}
	return addr.WithZone(strconv.FormatUint(uint64(scope), 10))
}

// String returns the address and port as netip.AddrPort does.
func (p Peer) String() string { return p.AddrPort().String() }

// trim clears what an earlier, longer address left behind this one.
func (p *Peer) trim() {
	if p.family == syscall.AF_INET {
		clear(p.rest[4:])
	}
}

func scopeOf(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	ifi, err := net.InterfaceByName(zone)
	if err != nil {
		return 0
	}
	return uint32(ifi.Index)
}
