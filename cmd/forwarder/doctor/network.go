package doctor

import (
	"bufio"
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"vpcdns/forwarder/host"
)

// Headers of a datagram in octets: IP without options, and UDP.
const (
	headers4 = 20 + 8
	headers6 = 40 + 8
)

// checkSize tells whether answers as long as the configuration allows come in one
// piece: fragments are lost in many networks.
func checkSize(_ context.Context, m *Machine, r *report) {
	before := len(r.findings)
	for _, a := range servers(m.Config) {
		if a.Addr().IsLoopback() {
			continue
		}
		size := m.Config.ServerFor(a.Addr()).UDPSize
		if room, name, ok := roomTo(a.Addr()); ok && int(size) > room {
			r.add(Warning, "edns-udp-size 1232", "answers of %s may have %d octets, and %s carries %d in one piece", host.Address(a), size, name, room)
		}
	}
	if size := m.Config.EDNS.MaxUDPSize; size > 1452 { // Ethernet and IPv6
		r.add(Warning, "max-udp-size 1232", "clients may get %d octets in one datagram, which most networks carry in pieces only", size)
	}
	if len(r.findings) == before {
		r.ok("%d octets from servers and %d to clients come in one piece", m.Config.EDNS.UDPSize, m.Config.EDNS.MaxUDPSize)
	}
}

// roomTo is how long the answer of a server can be that comes in one piece.
func roomTo(a netip.Addr) (room int, name string, ok bool) {
	i, err := net.InterfaceByName(host.InterfaceTo(a, netip.Addr{}))
	if err != nil {
		return 0, "", false
	}
	if a.Is4() {
		return i.MTU - headers4, i.Name, true
	}
	return i.MTU - headers6, i.Name, true
}

// Flags of /proc/net/if_inet6 (linux/if_addr.h).
const (
	dadFailed = 0x08
	tentative = 0x40
)

// checkIPv6 tells of addresses that cannot be served yet, or at all.
func checkIPv6(_ context.Context, m *Machine, r *report) {
	v6 := slices.ContainsFunc(m.Addresses, func(a netip.AddrPort) bool { return a.Addr().Is6() })
	f, err := os.Open("/proc/net/if_inet6")
	if !v6 || err != nil {
		r.ok("none is served")
		return
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 6 {
			continue
		}
		switch flags, err := strconv.ParseUint(fields[4], 16, 32); {
		case err != nil:
		case flags&dadFailed != 0:
			r.add(Problem, "give this host another", "%s of %s is another host's too", address6(fields[0]), fields[5])
		case flags&tentative != 0:
			r.add(Warning, "wait a second or two: it is served as soon as it is ready", "%s of %s is tentative still", address6(fields[0]), fields[5])
		}
	}
	if len(r.findings) == 0 {
		r.ok("all are ready")
	}
}

// address6 reads 32 hexadecimal digits.
func address6(digits string) string {
	var groups []string
	for i := 0; i+4 <= len(digits); i += 4 {
		groups = append(groups, digits[i:i+4])
	}
	a, err := netip.ParseAddr(strings.Join(groups, ":"))
	if err != nil {
		return digits
	}
	return a.String()
}
