package health

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"vpcdns/forwarder/upstream"
)

func TestSourceText(t *testing.T) {
	server := netip.MustParseAddrPort("10.79.0.2:53")
	for _, tc := range []struct {
		name, owner, leaves string
		from                netip.Addr
		err                 error
		want                []string
	}{
		{"no such address", "", "", netip.MustParseAddr("10.79.1.11"), upstream.ErrLocal{Err: syscall.EADDRNOTAVAIL}, []string{"not asked from 10.79.1.11", "no interface has this address", "--query-source"}},
		{"no route", "eth1", "", netip.MustParseAddr("10.79.1.11"), syscall.ENETUNREACH, []string{"cannot be asked from 10.79.1.11 (eth1): network is unreachable", "ip route get 10.79.0.2 from 10.79.1.11"}},
		{"the wrong way", "eth1", "eth0", netip.MustParseAddr("10.79.1.11"), nil, []string{"packets leave by eth0", "ip rule add from 10.79.1.11 lookup"}},
		{"the wrong way over IPv6", "eth1", "eth0", netip.MustParseAddr("fd00::11"), nil, []string{"ip -6 rule add from fd00::11", "ip -6 route add"}},
		{"the right way", "eth1", "eth1", netip.MustParseAddr("10.79.1.11"), nil, []string{"does not answer to 10.79.1.11 (eth1)", "security groups"}},
	} {
		e := upstream.Event{Kind: upstream.SourceLeftOut, Server: server, Source: tc.from, Err: tc.err}
		got := sourceText(&e, func(_, _ netip.Addr) string { return tc.leaves }, func(netip.Addr) string { return tc.owner })
		for _, want := range tc.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q does not say %q", tc.name, got, want)
			}
		}
		if tc.err != nil && errors.Is(tc.err, syscall.ENETUNREACH) && strings.Contains(got, "ip rule") {
			t.Errorf("%s: %q tells of a rule, which is not what is missing", tc.name, got)
		}
	}
}
