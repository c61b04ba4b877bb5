package control

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Port is that of control channels.
const Port = 953

// Lookup is LookupAll for who wants one address.
func Lookup(ctx context.Context, s string, port uint16) (netip.AddrPort, error) {
	list, err := LookupAll(ctx, s, port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return list[0], nil
}

// MaxAddrs are the addresses of a name at most: a fleet has fewer members.
const MaxAddrs = 64

// LookupAll reads HOST, HOST:PORT, [IPv6]:PORT or ADDRESS#PORT; port is for what has none.
// A name is looked up: the list has all its addresses, one at least, each once and in their
// order, IPv4 before IPv6. There may be more than MaxAddrs.
func LookupAll(ctx context.Context, s string, port uint16) ([]netip.AddrPort, error) {
	host, port, err := SplitHost(s, port)
	if err != nil {
		return nil, err
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(a.Unmap(), port)}, nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("looking up %s: %w", host, err)
	}
	list := make([]netip.AddrPort, len(addrs))
	for i, a := range addrs {
		list[i] = netip.AddrPortFrom(a.Unmap(), port)
	}
	slices.SortFunc(list, netip.AddrPort.Compare)
	return slices.Compact(list), nil
}

// SplitHost reads what LookupAll does, and looks nothing up.
func SplitHost(s string, port uint16) (host string, _ uint16, err error) {
	host, digits := s, ""
	switch {
	case strings.Contains(s, "#"):
		host, digits, _ = strings.Cut(s, "#")
	case strings.HasPrefix(s, "[") || strings.Count(s, ":") == 1:
		if host, digits, err = net.SplitHostPort(s); err != nil {
			if host, digits = strings.Trim(s, "[]"), ""; strings.Contains(host, "]") {
				return "", 0, fmt.Errorf("%q is not like HOST or HOST:PORT", s)
			}
		}
	}
	if host == "" {
		return "", 0, fmt.Errorf("%q is not like HOST or HOST:PORT", s)
	}
	if host == s || host == strings.Trim(s, "[]") {
		return host, port, nil
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("%q is not like HOST or HOST:PORT: %q is no port", s, digits)
	}
	return host, uint16(n), nil
}
