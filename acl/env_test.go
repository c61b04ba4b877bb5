package acl

import (
	"net"
	"net/netip"
	"reflect"
	"slices"
	"testing"
)

func TestEnvAdd(t *testing.T) {
	got := hostOf([]net.Addr{
		network("127.0.0.1/8"),
		network("10.79.1.10/24"),
		network("10.79.1.11/24"),
		network("fe80::10/64"),
		network("fe80::10/64"), // a second link
		network("10.0.0.9/0"),
		network("0.0.0.0/24"),
		&net.IPAddr{IP: net.IPv4(10, 0, 0, 1)},
		&net.IPNet{},
	})
	want := Env{
		Localhost: addrs("10.0.0.9", "10.79.1.10", "10.79.1.11", "127.0.0.1", "fe80::10%eth0"),
		Localnets: []netip.Prefix{
			netip.MustParsePrefix("10.79.1.0/24"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("fe80::/64"),
		},
	}
	if !got.Equal(want) {
		t.Errorf("addAll(…) = %v, want %v", got, want)
	}
}

func network(s string) *net.IPNet {
	ip, n, err := net.ParseCIDR(s)
	if err != nil {
		panic(err)
	}
	return &net.IPNet{IP: ip, Mask: n.Mask}
}

func addrs(s ...string) (l []netip.Addr) {
	for _, a := range s {
		l = append(l, netip.MustParseAddr(a))
	}
	return l
}

func TestHostEnv(t *testing.T) {
	e, err := HostEnv()
	if err != nil {
		t.Fatalf("HostEnv() failed: %v", err)
	}
	if !slices.Contains(e.Localhost, netip.MustParseAddr("127.0.0.1")) {
		t.Errorf("HostEnv().Localhost = %v, want 127.0.0.1 in it", e.Localhost)
	}
	if !slices.Contains(e.Localnets, netip.MustParsePrefix("127.0.0.0/8")) {
		t.Errorf("HostEnv().Localnets = %v, want 127.0.0.0/8 in it", e.Localnets)
	}
}

func TestEnvEqual(t *testing.T) {
	base := func() Env { return hostOf([]net.Addr{network("127.0.0.1/8"), network("10.0.0.1/24")}) }
	tests := []struct {
		name   string
		change func(*Env)
		want   bool
	}{
		{"same", func(*Env) {}, true},
		{"address gone", func(e *Env) { e.Localhost = e.Localhost[1:] }, false},
		{"address renumbered", func(e *Env) { e.Localhost[0] = e.Localhost[0].Next() }, false},
		{"network resized", func(e *Env) { e.Localnets[0] = netip.PrefixFrom(e.Localnets[0].Addr(), 25) }, false},
		{"mapped", func(e *Env) { e.MatchMapped = true }, false},
	}
	for _, tt := range tests {
		e := base()
		tt.change(&e)
		if got := base().Equal(e); got != tt.want {
			t.Errorf("%s: Equal = %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestEdges holds combine to the truth table at the ends of both families,
// where sets close in the other family or not at all.
func TestEdges(t *testing.T) {
	v4, v6 := within(netip.MustParsePrefix("0.0.0.0/0")), within(netip.MustParsePrefix("::/0"))
	tests := []struct {
		name      string
		got, want edges
	}{
		{"both families", union(v4, v6), everything()},
		{"IPv6 is the rest", minus(everything(), v4), v6},
		{"IPv4 is the rest", minus(everything(), v6), v4},
		{"nothing left", minus(v4, everything()), nil},
		{"neighbours join", union(within(netip.MustParsePrefix("10.0.0.0/9")), within(netip.MustParsePrefix("10.128.0.0/9"))),
			within(netip.MustParsePrefix("10.0.0.0/8"))},
		{"last address", within(netip.MustParsePrefix("255.255.255.255/32")), addrs("255.255.255.255", "::")},
	}
	for _, tt := range tests {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

// hostOf is HostEnv for a host whose only interface, eth0, has these addresses.
func hostOf(addrs []net.Addr) Env {
	var e Env
	e.addAll(addrs, "eth0")
	e.sort()
	return e
}
