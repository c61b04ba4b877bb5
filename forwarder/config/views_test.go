package config

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"vpcdns/acl"
)

// TestView checks that a view which all clients match is the same as its
// statements outside of it, over those of options.
func TestView(t *testing.T) {
	for _, c := range []struct{ name, view, flat string }{
		{"empty", `view "x" { };`, ""},
		{"zone", `view "x" { zone "a" { type forward; forwarders { 192.0.2.1; }; }; };`, `zone "a" { type forward; forwarders { 192.0.2.1; }; };`},
		{"any", `view "x" IN { match-clients { any; }; match-destinations { any; }; match-recursive-only no; recursion no; };`, opts("recursion no;")},
		{"list of any", `acl all { any; }; view "x" { match-clients { all; }; recursion no; };`, opts("recursion no;")},
		{"options stay", opts("recursion no; max-cache-ttl 7;") + ` view "x" { };`, opts("recursion no; max-cache-ttl 7;")},
		{"option hides", opts("recursion no; max-cache-ttl 7;") + ` view "x" { max-cache-ttl 8; };`, opts("recursion no; max-cache-ttl 8;")},
		{"repeated option hides", opts("empty-zones-enable yes; disable-empty-zone d.f.ip6.arpa;") + ` view "x" { disable-empty-zone "10.in-addr.arpa"; };`,
			opts("empty-zones-enable yes; disable-empty-zone 10.in-addr.arpa;")},
		{"forwarders hide", opts("forward only; forwarders { 192.0.2.1; };") + ` view "x" { forwarders { 192.0.2.2; }; };`,
			opts("forward only; forwarders { 192.0.2.2; };")},
		{"access hides", opts("allow-recursion { 10/8; };") + ` view "x" { allow-recursion { 192.0.2/24; }; };`, opts("allow-recursion { 192.0.2/24; };")},
		{"servers hide", `server 10/8 { bogus yes; }; view "x" { server 192.0.2.1 { edns no; }; };`, `server 192.0.2.1 { edns no; };`},
		{"servers stay", `server 10/8 { bogus yes; }; view "x" { };`, `server 10/8 { bogus yes; };`},
		{"options of the process", opts("port 5300;") + ` view "x" { forwarders { 192.0.2.1; }; };`, opts("port 5300; forwarders { 192.0.2.1; };")},
		{"never reached", `view "x" { recursion no; }; view "y" { match-clients { 10/8; }; recursion yes; };`, opts("recursion no;")},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, want := load(t, c.view), load(t, c.flat)
			if got.View != "x" || want.View != "_default" {
				t.Errorf("the views are %q and %q, want x and _default", got.View, want.View)
			}
			if got.View = want.View; !reflect.DeepEqual(got, want) {
				t.Errorf("Config of %q is not that of %q:\n%s", c.view, c.flat, difference(got, want))
			}
		})
	}
}

// TestViewClients checks that whom the view does not match may do nothing, but
// ask for CHAOS what the options allow.
func TestViewClients(t *testing.T) {
	cfg := load(t, opts("allow-query { 10/8; 192.0.2/24; };")+`
		view "x" { match-clients { !10.9/16; 10/8; }; allow-query { 10.1/16; 10.9/16; 192.0.2/24; }; };`)
	zone := cfg.Local[0].AllowQuery
	for addr, want := range map[string]struct{ chaos, rest bool }{
		"10.1.0.1":    {true, true},
		"10.2.0.1":    {true, false}, // matched, not allowed
		"10.9.0.1":    {true, false}, // allowed, not matched
		"192.0.2.1":   {true, false},
		"203.0.113.1": {false, false},
	} {
		for name, list := range map[string]acl.List{"AllowCache": cfg.AllowCache, "AllowRecurse": cfg.AllowRecurse, "a zone": zone} {
			if got := allows(list, addr); got != want.rest {
				t.Errorf("%s allows %s: %t, want %t; it is %v", name, addr, got, want.rest, list)
			}
		}
		if got := allows(cfg.AllowQuery, addr); got != want.chaos {
			t.Errorf("AllowQuery allows %s: %t, want %t", addr, got, want.chaos)
		}
	}
}

func allows(l acl.List, addr string) bool {
	return l.Compile(acl.Env{}).Match(netip.MustParseAddr(addr))
}

// Several views are an error that says what to do.
func TestViews(t *testing.T) {
	const conf = `view "inside" { match-clients { 10/8; }; };
view "outside" { };
view "x" CH { };
`
	_, _, got := ours(t, conf)
	for _, want := range []string{
		"2:1: view 'outside': one view is served, and that is 'inside': run a forwarder for each view, with a file of its own and a listen-on address of its own\n",
		"3:10: view 'x': class CH is not served; leave the view out, and say version none, hostname none and the like in options\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("findings in %q:\n%s\nlack %s", conf, got, want)
		}
	}
	const dead = `view "x" { }; view "y" { };`
	if _, _, got := ours(t, dead); !strings.Contains(got, "1:15: view 'y' is ignored: all clients match the view 'x' before it\n") {
		t.Errorf("findings in %q: %s", dead, got)
	}
}
