package udp

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/netip"
	"syscall"
)

// The source ports of upstream queries: the range of Linux (ip_local_port_range)
// and so of BIND, which firewalls are made for.
const (
	firstPort = 32768
	lastPort  = 60999
)

// portTries is how often a port may turn out to be taken. Ports are sparsely
// used, so that even a second try is rare.
const portTries = 64

// randomPort returns an unpredictable port (RFC 5452, section 9.2).
func randomPort() uint16 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return firstPort + uint16(uint64(binary.NativeEndian.Uint32(b[:]))*(lastPort-firstPort+1)>>32)
}

// bindRandom calls bind with source on random ports until one is free. A
// source that has a port is used as it is.
func bindRandom(source netip.AddrPort, bind func(netip.AddrPort) error) error {
	if source.Port() != 0 {
		return bind(source)
	}
	var err error
	for range portTries {
		err = bind(netip.AddrPortFrom(source.Addr(), randomPort()))
		if !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
	}
	return err
}

// sourceFor returns source, or the unspecified address of server's family.
func sourceFor(server, source netip.AddrPort) netip.AddrPort {
	switch {
	case source.Addr().IsValid():
		return source
	case server.Addr().Is4():
		return netip.AddrPortFrom(netip.IPv4Unspecified(), source.Port())
	}
	return netip.AddrPortFrom(netip.IPv6Unspecified(), source.Port())
}
