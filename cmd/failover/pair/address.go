package pair

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ControlPort is that of control channels, DNSPort that of DNS.
const (
	ControlPort = 953
	DNSPort     = 53
)

// Lookup reads HOST, HOST:PORT, [IPv6]:PORT or ADDRESS#PORT. A name is looked up; its
// first address counts, IPv4 before IPv6.
func Lookup(ctx context.Context, s string, port uint16) (netip.AddrPort, error) {
	host, port, err := splitPort(s, port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(a.Unmap(), port), nil
	}
	for _, family := range []string{"ip4", "ip6"} {
		list, lookupErr := net.DefaultResolver.LookupNetIP(ctx, family, host)
		if err = lookupErr; err == nil && len(list) > 0 {
			return netip.AddrPortFrom(list[0].Unmap(), port), nil
		}
	}
	return netip.AddrPort{}, fmt.Errorf("looking up %s: %w", host, err)
}

func splitPort(s string, port uint16) (host string, _ uint16, err error) {
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

// BINDAddr writes an address as BIND does: 10.0.0.1#953.
func BINDAddr(a netip.AddrPort) string { return fmt.Sprintf("%s#%d", a.Addr(), a.Port()) }
