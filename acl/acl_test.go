package acl_test

import (
	"fmt"
	"net/netip"
	"testing"

	"vpcdns/acl"
)

func prefix(s string) acl.Element { return acl.Element{Prefix: netip.MustParsePrefix(s)} }

func not(e acl.Element) acl.Element {
	e.Negated = !e.Negated
	return e
}

func nested(l ...acl.Element) acl.Element { return acl.Element{Kind: acl.Nested, List: l} }

var (
	any       = acl.Element{Kind: acl.Any}
	localhost = acl.Element{Kind: acl.Localhost}
	localnets = acl.Element{Kind: acl.Localnets}
	never     = acl.Element{Kind: acl.Never}
)

// host is a forwarder in a VPC.
var host = acl.Env{
	Localhost: []netip.Addr{
		netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.79.1.10"),
		netip.MustParseAddr("::1"), netip.MustParseAddr("fe80::10"),
	},
	Localnets: []netip.Prefix{
		netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("10.79.1.10/24"),
		netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("fe80::10/64"),
	},
}

// goodclients is the list of the reference configuration.
var goodclients = acl.List{prefix("10.0.0.0/8"), localhost, localnets}

// semantics are BIND's, seen with named 9.18 where its manual leaves a doubt.
var semantics = []struct {
	name    string
	list    acl.List
	allowed string // an address that the list allows, "" if there is none
	denied  string
}{
	{"nil list", nil, "", "10.0.0.1"},
	{"none", acl.None(), "", "10.0.0.1"},
	{"any", acl.All(), "10.0.0.1", ""},
	{"any has IPv6", acl.All(), "2001:db8::1", ""},
	{"any has zones", acl.All(), "fe80::1%eth0", ""},
	{"never", acl.List{never}, "", "10.0.0.1"},
	{"negated never", acl.List{not(never)}, "", "10.0.0.1"},
	{"never is passed over", acl.List{never, not(never), any}, "10.0.0.1", ""},
	{"invalid prefix", acl.List{{}}, "", "0.0.0.0"},

	{"network's first", acl.List{prefix("10.0.0.0/8")}, "10.0.0.0", "9.255.255.255"},
	{"network's last", acl.List{prefix("10.0.0.0/8")}, "10.255.255.255", "11.0.0.0"},
	{"address", acl.List{prefix("10.0.0.1/32")}, "10.0.0.1", "10.0.0.2"},
	{"host bits", acl.List{prefix("10.1.2.3/8")}, "10.200.0.1", "11.0.0.1"},
	{"odd length", acl.List{prefix("10.0.0.0/9")}, "10.127.255.255", "10.128.0.0"},
	{"IPv4 end", acl.List{prefix("255.255.255.255/32")}, "255.255.255.255", "::"},
	{"all of IPv4", acl.List{prefix("0.0.0.0/0")}, "255.255.255.255", "::"},
	{"all of IPv6", acl.List{prefix("::/0")}, "::", "255.255.255.255"},
	{"IPv6 end", acl.List{prefix("ff00::/8")}, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::1"},
	{"IPv6 prefix", acl.List{prefix("2001:db8::/32")}, "2001:db8:ffff::1", "2001:db9::"},
	{"both families", acl.List{prefix("0.0.0.0/0"), prefix("::/1")}, "::1", "8000::"},

	{"first match allows", acl.List{prefix("10.0.0.1/32"), not(prefix("10.0.0.0/8")), any}, "10.0.0.1", "10.0.0.2"},
	{"first match denies", acl.List{not(prefix("10.0.0.1/32")), prefix("10.0.0.0/8")}, "10.0.0.2", "10.0.0.1"},
	{"too late to deny", acl.List{prefix("10.0.0.0/8"), not(prefix("10.0.0.1/32"))}, "10.0.0.1", "11.0.0.1"},
	{"only negations", acl.List{not(prefix("10.0.0.0/8"))}, "", "11.0.0.1"},
	{"after none", acl.List{not(any), prefix("10.0.0.0/8")}, "", "10.0.0.1"},

	{"nested", acl.List{nested(prefix("10.0.0.0/8")), prefix("192.168.0.0/16")}, "192.168.0.1", "172.16.0.1"},
	{"negated nested", acl.List{not(nested(prefix("10.0.0.0/8"))), any}, "11.0.0.1", "10.0.0.1"},
	{"double negation allows nothing", acl.List{not(nested(not(prefix("10.0.0.1/32"))))}, "", "10.0.0.1"},
	{"double negation decides nothing", acl.List{not(nested(not(prefix("10.0.0.1/32")))), any}, "10.0.0.1", ""},
	{"nested denial decides nothing", acl.List{nested(not(prefix("10.0.0.1/32")), prefix("10.0.0.0/8")), any}, "10.0.0.1", ""},
	{"nested denial is in force inside", acl.List{nested(not(prefix("10.0.0.1/32")), prefix("10.0.0.0/8"))}, "10.0.0.2", "10.0.0.1"},
	{"negated nested with a hole", acl.List{not(nested(not(prefix("10.0.0.1/32")), prefix("10.0.0.0/8"))), any}, "10.0.0.1", "10.0.0.2"},
	{"three deep", acl.List{nested(not(nested(prefix("10.1.0.0/16"), nested(not(any)))), prefix("10.0.0.0/8"))}, "10.2.0.1", "10.1.0.1"},
	{"nested none", acl.List{nested(acl.None()...), any}, "10.0.0.1", ""},
	{"negated nested none", acl.List{not(nested(acl.None()...)), any}, "10.0.0.1", ""},
	{"nested empty", acl.List{nested()}, "", "10.0.0.1"},

	{"localhost", acl.List{localhost}, "10.79.1.10", "10.79.1.11"},
	{"localhost is not 127/8", acl.List{localhost}, "127.0.0.1", "127.0.0.2"},
	{"localhost of IPv6", acl.List{localhost}, "::1", "::2"},
	{"localnets", acl.List{localnets}, "10.79.1.255", "10.79.2.10"},
	{"localnets of loopback", acl.List{localnets}, "127.0.0.2", "128.0.0.1"},
	{"localnets of a link", acl.List{localnets}, "fe80::2%eth0", "fe80:0:0:1::2"},
	{"negated localnets", acl.List{not(localnets), any}, "10.79.2.10", "10.79.1.255"},
	{"reference", goodclients, "10.200.0.1", "192.168.0.1"},
	{"reference, loopback", goodclients, "127.3.2.1", "172.16.0.1"},
	{"reference, IPv6", goodclients, "::1", "2001:db8::1"},

	{"mapped is IPv6", acl.List{prefix("10.0.0.0/8")}, "10.0.0.1", "::ffff:10.0.0.1"},
	{"mapped prefix", acl.List{prefix("::ffff:10.0.0.0/104")}, "::ffff:10.0.0.1", "10.0.0.1"},
}

func TestMatch(t *testing.T) {
	for _, tt := range semantics {
		t.Run(tt.name, func(t *testing.T) {
			checkMatch(t, tt.list, host, tt.allowed, true)
			checkMatch(t, tt.list, host, tt.denied, false)
		})
	}
}

func checkMatch(t *testing.T, l acl.List, env acl.Env, addr string, want bool) {
	t.Helper()
	if addr == "" {
		return
	}
	a := netip.MustParseAddr(addr)
	if got := l.Compile(env).Match(a); got != want {
		t.Errorf("%v.Match(%v) = %v, want %v", l, a, got, want)
	}
}

func TestMatchMapped(t *testing.T) {
	env := acl.Env{MatchMapped: true}
	v4 := acl.List{prefix("10.0.0.0/8")}
	checkMatch(t, v4, env, "::ffff:10.0.0.1", true)
	checkMatch(t, v4, env, "::ffff:11.0.0.1", false)
	checkMatch(t, v4, env, "::a00:1", false)
	checkMatch(t, acl.List{prefix("::/0")}, env, "::ffff:10.0.0.1", false)
	checkMatch(t, acl.List{prefix("::/0")}, env, "2001:db8::1", true)
}

func TestMatchWithoutAddressOrSet(t *testing.T) {
	if acl.All().Compile(host).Match(netip.Addr{}) {
		t.Error("{ any; }.Match(netip.Addr{}) = true, want false")
	}
	var none *acl.Set
	if none.Match(netip.MustParseAddr("10.0.0.1")) {
		t.Error("(*Set)(nil).Match(10.0.0.1) = true, want false")
	}
}

func TestMatchAllocates(t *testing.T) {
	env := host
	env.MatchMapped = true
	s := goodclients.Compile(env)
	for _, a := range []netip.Addr{
		netip.MustParseAddr("192.168.0.1"), netip.MustParseAddr("::ffff:10.0.0.1"), netip.MustParseAddr("fe80::1%eth0"),
	} {
		if n := testing.AllocsPerRun(100, func() { s.Match(a) }); n != 0 {
			t.Errorf("Match(%v) allocates %v times, want 0", a, n)
		}
	}
}

// TestCompileLarge compiles what a country's list looks like: many prefixes,
// every other one of them carved out of the next.
func TestCompileLarge(t *testing.T) {
	var l acl.List
	for i := range 1 << 13 {
		a := netip.AddrFrom4([4]byte{byte(i >> 7), byte(i << 1), 0, 0})
		l = append(l, not(acl.Element{Prefix: netip.PrefixFrom(a, 24)}), acl.Element{Prefix: netip.PrefixFrom(a, 16)})
	}
	checkMatch(t, l, host, "10.2.0.255", false)
	checkMatch(t, l, host, "10.2.1.0", true)
	checkMatch(t, l, host, "10.3.1.0", false)
}

func TestString(t *testing.T) {
	tests := []struct {
		list acl.List
		want string
	}{
		{nil, "{ }"},
		{acl.None(), "{ none; }"},
		{acl.All(), "{ any; }"},
		{goodclients, "{ 10.0.0.0/8; localhost; localnets; }"},
		{acl.List{not(prefix("10.0.0.1/32")), prefix("10.1.2.3/8"), prefix("::1/128")}, "{ !10.0.0.1; 10.0.0.0/8; ::1; }"},
		{acl.List{not(nested(not(localnets), any)), not(localhost)}, "{ !{ !localnets; any; }; !localhost; }"},
		{acl.List{never, not(never), {}}, "{ { }; !{ }; { }; }"},
		{acl.List{prefix("2001:db8::/32"), prefix("::ffff:10.0.0.0/104")}, "{ 2001:db8::/32; ::ffff:10.0.0.0/104; }"},
	}
	for _, tt := range tests {
		if got := tt.list.String(); got != tt.want {
			t.Errorf("String() = %q, want %q", got, tt.want)
		}
	}
}

func ExampleList_Compile() {
	goodclients := acl.List{
		{Prefix: netip.MustParsePrefix("10.0.0.0/8")},
		{Kind: acl.Localhost},
	}
	set := goodclients.Compile(acl.Env{Localhost: []netip.Addr{netip.MustParseAddr("127.0.0.1")}})
	fmt.Println(goodclients)
	fmt.Println(set.Match(netip.MustParseAddr("10.20.0.7")), set.Match(netip.MustParseAddr("192.168.0.7")))
	// Output:
	// { 10.0.0.0/8; localhost; }
	// true false
}

func BenchmarkMatch(b *testing.B) {
	s := goodclients.Compile(host)
	for _, addr := range []string{"10.20.0.7", "192.168.0.7", "fe80::7", "2001:db8::7"} {
		a := netip.MustParseAddr(addr)
		b.Run(addr, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Match(a)
			}
		})
	}
}
