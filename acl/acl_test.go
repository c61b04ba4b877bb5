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
	{name: "nil list", denied: "10.0.0.1"},
	{name: "none", list: acl.None(), denied: "10.0.0.1"},
	{name: "any", list: acl.All(), allowed: "10.0.0.1"},
	{name: "any has IPv6", list: acl.All(), allowed: "2001:db8::1"},
	{name: "any has zones", list: acl.All(), allowed: "fe80::1%eth0"},
	{name: "never", list: acl.List{never}, denied: "10.0.0.1"},
	{name: "negated never", list: acl.List{not(never)}, denied: "10.0.0.1"},
	{name: "never is passed over", list: acl.List{never, not(never), any}, allowed: "10.0.0.1"},
	{name: "invalid prefix", list: acl.List{{}}, denied: "0.0.0.0"},

	{name: "network's first", list: acl.List{prefix("10.0.0.0/8")}, allowed: "10.0.0.0", denied: "9.255.255.255"},
	{name: "network's last", list: acl.List{prefix("10.0.0.0/8")}, allowed: "10.255.255.255", denied: "11.0.0.0"},
	{name: "address", list: acl.List{prefix("10.0.0.1/32")}, allowed: "10.0.0.1", denied: "10.0.0.2"},
	{name: "host bits", list: acl.List{prefix("10.1.2.3/8")}, allowed: "10.200.0.1", denied: "11.0.0.1"},
	{name: "odd length", list: acl.List{prefix("10.0.0.0/9")}, allowed: "10.127.255.255", denied: "10.128.0.0"},
	{name: "IPv4 end", list: acl.List{prefix("255.255.255.255/32")}, allowed: "255.255.255.255", denied: "::"},
	{name: "all of IPv4", list: acl.List{prefix("0.0.0.0/0")}, allowed: "255.255.255.255", denied: "::"},
	{name: "all of IPv6", list: acl.List{prefix("::/0")}, allowed: "::", denied: "255.255.255.255"},
	{name: "IPv6 end", list: acl.List{prefix("ff00::/8")}, allowed: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", denied: "fe80::1"},
	{name: "IPv6 prefix", list: acl.List{prefix("2001:db8::/32")}, allowed: "2001:db8:ffff::1", denied: "2001:db9::"},
	{name: "both families", list: acl.List{prefix("0.0.0.0/0"), prefix("::/1")}, allowed: "::1", denied: "8000::"},

	{name: "first match allows", list: acl.List{prefix("10.0.0.1/32"), not(prefix("10.0.0.0/8")), any}, allowed: "10.0.0.1", denied: "10.0.0.2"},
	{name: "first match denies", list: acl.List{not(prefix("10.0.0.1/32")), prefix("10.0.0.0/8")}, allowed: "10.0.0.2", denied: "10.0.0.1"},
	{name: "too late to deny", list: acl.List{prefix("10.0.0.0/8"), not(prefix("10.0.0.1/32"))}, allowed: "10.0.0.1", denied: "11.0.0.1"},
	{name: "only negations", list: acl.List{not(prefix("10.0.0.0/8"))}, denied: "11.0.0.1"},
	{name: "after none", list: acl.List{not(any), prefix("10.0.0.0/8")}, denied: "10.0.0.1"},

	{name: "nested", list: acl.List{nested(prefix("10.0.0.0/8")), prefix("192.168.0.0/16")}, allowed: "192.168.0.1", denied: "172.16.0.1"},
	{name: "negated nested", list: acl.List{not(nested(prefix("10.0.0.0/8"))), any}, allowed: "11.0.0.1", denied: "10.0.0.1"},
	{name: "double negation allows nothing", list: acl.List{not(nested(not(prefix("10.0.0.1/32"))))}, denied: "10.0.0.1"},
	{name: "double negation decides nothing", list: acl.List{not(nested(not(prefix("10.0.0.1/32")))), any}, allowed: "10.0.0.1"},
	{name: "nested denial decides nothing", list: acl.List{nested(not(prefix("10.0.0.1/32")), prefix("10.0.0.0/8")), any}, allowed: "10.0.0.1"},
	{name: "nested denial is in force inside", list: acl.List{nested(not(prefix("10.0.0.1/32")), prefix("10.0.0.0/8"))}, allowed: "10.0.0.2", denied: "10.0.0.1"},
	{name: "negated nested with a hole", list: acl.List{not(nested(not(prefix("10.0.0.1/32")), prefix("10.0.0.0/8"))), any}, allowed: "10.0.0.1", denied: "10.0.0.2"},
	{name: "three deep", list: acl.List{nested(not(nested(prefix("10.1.0.0/16"), nested(not(any)))), prefix("10.0.0.0/8"))}, allowed: "10.2.0.1", denied: "10.1.0.1"},
	{name: "nested none", list: acl.List{nested(acl.None()...), any}, allowed: "10.0.0.1"},
	{name: "negated nested none", list: acl.List{not(nested(acl.None()...)), any}, allowed: "10.0.0.1"},
	{name: "nested empty", list: acl.List{nested()}, denied: "10.0.0.1"},

	{name: "localhost", list: acl.List{localhost}, allowed: "10.79.1.10", denied: "10.79.1.11"},
	{name: "localhost is not 127/8", list: acl.List{localhost}, allowed: "127.0.0.1", denied: "127.0.0.2"},
	{name: "localhost of IPv6", list: acl.List{localhost}, allowed: "::1", denied: "::2"},
	{name: "localnets", list: acl.List{localnets}, allowed: "10.79.1.255", denied: "10.79.2.10"},
	{name: "localnets of loopback", list: acl.List{localnets}, allowed: "127.0.0.2", denied: "128.0.0.1"},
	{name: "localnets of a link", list: acl.List{localnets}, allowed: "fe80::2%eth0", denied: "fe80:0:0:1::2"},
	{name: "negated localnets", list: acl.List{not(localnets), any}, allowed: "10.79.2.10", denied: "10.79.1.255"},
	{name: "reference", list: goodclients, allowed: "10.200.0.1", denied: "192.168.0.1"},
	{name: "reference, loopback", list: goodclients, allowed: "127.3.2.1", denied: "172.16.0.1"},
	{name: "reference, IPv6", list: goodclients, allowed: "::1", denied: "2001:db8::1"},

	{name: "mapped is IPv6", list: acl.List{prefix("10.0.0.0/8")}, allowed: "10.0.0.1", denied: "::ffff:10.0.0.1"},
	{name: "mapped prefix", list: acl.List{prefix("::ffff:10.0.0.0/104")}, allowed: "::ffff:10.0.0.1", denied: "10.0.0.1"},
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

func TestRecompile(t *testing.T) {
	ten := netip.MustParsePrefix("10.0.0.0/8")
	for _, test := range []struct {
		name string
		list acl.List
		same bool
	}{
		{name: "nobody", list: nil, same: true},
		{name: "a prefix", list: acl.List{{Prefix: ten}}, same: true},
		{name: "localhost", list: acl.List{{Prefix: ten}, {Kind: acl.Localhost}}},
		{name: "localnets within", list: acl.List{{Kind: acl.Nested, List: acl.List{{Kind: acl.Localnets, Negated: true}}}}},
	} {
		old := test.list.Compile(acl.Env{})
		env := acl.Env{Localhost: []netip.Addr{netip.MustParseAddr("192.0.2.1")}, Localnets: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
		if got := test.list.Recompile(env, old); (got == old) != test.same {
			t.Errorf("%s: Recompile gives the old Set: %v, want %v", test.name, got == old, test.same)
		}
		if got := test.list.Recompile(env, nil); got == nil {
			t.Errorf("%s: Recompile without an old Set is nil", test.name)
		}
	}
}
