package config

import (
	"fmt"
	"strings"
	"testing"
)

// TestNamesOfRootServers is about names for which named would ask the root
// servers, and those that nobody here asks for.
func TestNamesOfRootServers(t *testing.T) {
	const (
		all   = " are REFUSED: options has no forwarders; named would ask the root servers; say which servers to ask\n"
		empty = ": its names are REFUSED: it has no forwarders; named would ask the root servers; leave the zone out to forward them as others\n"
		first = ": without 'forward' it is 'forward only' here: names get SERVFAIL when the forwarders fail, where named would ask the root servers; say forward only\n"
		bogus = ": its names get SERVFAIL: no forwarder of it may be asked, as server clauses, blackhole or query-source say\n"
		none  = "no client may recurse: what is forwarded is REFUSED, as by named; say recursion yes, and in allow-recursion who may\n"

		global = "options { forward only; forwarders { 10.79.0.2; }; };\n"
		zone   = `zone "%s" { type forward; forward only; forwarders { 10.79.0.3; }; };` + "\n"
		dead   = `zone "%s" { type forward; forwarders { }; };` + "\n"
		silent = `zone "%s" { type forward; forwarders { 10.79.0.3; }; };` + "\n"
	)
	zones := func(s string, names ...string) (all string) {
		for _, n := range names {
			all += fmt.Sprintf(s, n)
		}
		return all
	}
	for _, c := range []struct{ name, conf, want string }{
		{"global forwarders", global, ""},
		{"root zone", zones(zone, "."), ""},
		{"nothing", "", " all names" + all},
		{"options alone", "\noptions { };", "2:1: all names" + all},
		{"empty forwarders", "options { forwarders { }; };", "1:1: all names" + all},
		{"empty root zone", zones(dead, "."), " all names" + all},
		{"one zone", zones(zone, "a"), " names outside of zone 'a'" + all},
		{"two zones", zones(zone, "a", "b.c."), " names outside of zones 'a', 'b.c.'" + all},
		{"many zones", zones(zone, strings.Split("a b c d e f g h i j k l m n", " ")...), " names outside of zones 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l' and 2 more" + all},
		{"zone without forwarders", global + zones(dead, "a", "b"), "2:1: zone 'a'" + empty + "3:1: zone 'b'" + empty},
		{"zone without a statement", global + `zone "a" { type forward; };`, "2:1: zone 'a'" + empty},
		{"zone without forwarders beside one", zones(dead, "a") + zones(zone, "b"), " names outside of zone 'b'" + all + "1:1: zone 'a'" + empty},
		{"implicit first", global + zones(silent, "a", "b"), "2:1: zones 'a', 'b'" + first},
		{"implicit first beside only", global + zones(zone, "a") + zones(silent, "b"), "3:1: zone 'b'" + first},
		{"forward first", "options { forward first; forwarders { 10.79.0.2; }; };", "1:11: options: 'forward first' is treated as 'forward only'" +
			": names get SERVFAIL when the forwarders fail, where named would ask the root servers; say forward only\n"},
		{"implicit first of options", "options { forwarders { 10.79.0.2; }; };", "1:11: options" + first},
		{"implicit first of all", "options { forwarders { 10.79.0.2; }; };" + zones(silent, "a"), "1:11: options, zone 'a'" + first},
		{"bogus", global + zones(zone, "a") + "server 10.79.0.3 { bogus yes; };", "2:1: zone 'a'" + bogus},
		{"blackholed", "options { blackhole { 10.79.0.0/24; }; forward only; forwarders { 10.79.0.2; }; };", "1:54: zone '.'" + bogus},
		{"not all bogus", global + `zone "a" { type forward; forward only; forwarders { 10.79.0.3; 10.79.0.4; }; }; server 10.79.0.3 { bogus yes; };`, ""},
		{"closed family", "options { query-source none; forward only; forwarders { 10.79.0.2; }; };", "1:44: zone '.'" + bogus},
		{"no recursion", "options { recursion no; };", ""},
		{"no recursion, forwarders", "options { recursion no; forward only; forwarders { 10.79.0.2; }; };", "1:39: " + none},
		{"no recursion, zones", "options { recursion no; };\n" + zones(dead, "a") + zones(silent, "b"), "3:1: " + none},
		{"nobody recurses", "options { allow-recursion { none; }; };\n" + zones(zone, "a"), "2:1: " + none},
		{"view", "options { forward only; };\nview v { forwarders { 10.79.0.2; }; };", ""},
		{"implicit first of a view", "view v { forwarders { 10.79.0.2; }; };", "1:10: view 'v'" + first},
		{"view without forwarders", "view v { };", "1:1: all names" + all},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, got := ours(t, c.conf)
			if got = without(got, byDefault); got != c.want {
				t.Errorf("findings in %q:\n%s\nwant\n%s", c.conf, got, c.want)
			}
		})
	}
}

// Primary zones are answered too.
func TestNamesOfPrimaryZones(t *testing.T) {
	t.Chdir("../../testdata/named.conf")
	for zone, want := range map[string]string{
		"corp.test": "names outside of zone 'corp.test' are REFUSED",
		"localhost": "all names but localhost and its like are REFUSED",
	} {
		_, _, got := ours(t, fmt.Sprintf(`zone %q { type primary; file "al2/named.localhost"; };`, zone))
		if !strings.Contains(got, want) {
			t.Errorf("findings %q lack %q", got, want)
		}
	}
}
