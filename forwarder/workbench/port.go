package workbench

import (
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
)

// addrs counts what FreeAddr has looked at.
var addrs atomic.Uint32

// FreeAddr returns an address of loopback for a server that is started later, with a port
// that is free for UDP and TCP and not returned before. Until then nobody should take it:
// kernels give ports from 32768 on to clients, and other test programs begin to look
// elsewhere.
func FreeAddr(t testing.TB) netip.AddrPort {
	t.Helper()
	const first, ports, apart = 10_000, 22_000, 101
	for range ports {
		n := uint32(os.Getpid())*apart + addrs.Add(1)
		if addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(first+n%ports)); IsFree(addr) {
			return addr
		}
	}
	t.Fatal("no port is free for both UDP and TCP")
	return netip.AddrPort{}
}

// IsFree reports whether an address can be had for UDP and TCP.
func IsFree(addr netip.AddrPort) bool {
	stream, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(addr))
	if err != nil {
		return false
	}
	defer stream.Close()
	packets, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return false
	}
	defer packets.Close()
	return true
}
