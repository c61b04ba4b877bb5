package config

import "testing"

// TestListenOnNothing is about lists that no address of an interface can match.
func TestListenOnNothing(t *testing.T) {
	const no4, no6 = "1:11: listen-on: no address can match this list: it serves none; `any` serves all\n",
		"1:11: listen-on-v6: no address can match this list: it serves none; `any` serves all\n"
	for _, c := range []struct{ name, conf, want string }{
		{"any", "listen-on { any; }; listen-on-v6 { any; };", ""},
		{"none", "listen-on { none; }; listen-on-v6 { { none; }; };", ""},
		{"empty", "listen-on { };", ""},
		{"all but one", "listen-on { !127.0.0.1; 0.0.0.0/0; };", ""},
		{"built in", "listen-on { localhost; }; listen-on-v6 { localnets; };", ""},
		{"unspecified", "listen-on { 0.0.0.0; };", "1:23: listen-on: '0.0.0.0' never matches: no interface has such an address; `any` serves all\n"},
		{"unspecified IPv6", "listen-on-v6 { ::; };", "1:26: listen-on-v6: '::' never matches: no interface has such an address; `any` serves all\n"},
		{"one of several", "listen-on { 127.0.0.1; 224.0.0.1; };", "1:34: listen-on: '224.0.0.1' never matches: no interface has such an address; `any` serves all\n"},
		{"broadcast", "listen-on { 255.255.255.255; };", "1:23: listen-on: '255.255.255.255' never matches: no interface has such an address; `any` serves all\n"},
		{"mapped", "listen-on-v6 { ::ffff:127.0.0.1; };", "1:26: listen-on-v6: '::ffff:127.0.0.1' never matches: no interface has such an address; `any` serves all\n"},
		{"other family", "listen-on { ::1; };", "1:23: listen-on: '::1' never matches: it is an IPv6 address; write it in listen-on-v6\n"},
		{"other family IPv4", "listen-on-v6 { 127/8; };", "1:26: listen-on-v6: '127.0.0.0/8' never matches: it is an IPv4 address; write it in listen-on\n"},
		{"negated alone", "listen-on { !127.0.0.1; };", no4},
		{"behind none", "listen-on { none; 127.0.0.1; };", no4},
		{"behind not localhost", "listen-on-v6 { !localhost; ::1; };", no6},
		{"behind not all", "listen-on { !0.0.0.0/0; 127.0.0.1; };", no4},
		{"key", "listen-on { key k; };", no4 + "1:23: 'key k' matches nobody: queries are not signed here; name addresses\n"},
		{"negated list", "listen-on { !{ any; }; };", no4},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, got := ours(t, opts(c.conf)); apartFromRoots(got) != c.want {
				t.Errorf("findings in %q:\n%s\nwant\n%s", c.conf, got, c.want)
			}
		})
	}
}

// A list of both families is written once, and named twice.
func TestListenOnSharedList(t *testing.T) {
	const conf = "acl us { 127.0.0.1; ::1; }; options { listen-on { us; }; listen-on-v6 { us; }; };"
	if _, _, got := ours(t, conf); apartFromRoots(got) != "" {
		t.Errorf("findings in %q: %s, want none", conf, got)
	}
	const half = "acl us { 127.0.0.1; }; options { listen-on-v6 { us; }; };"
	if _, _, got := ours(t, half); apartFromRoots(got) == "" {
		t.Errorf("no findings in %q, want one", half)
	}
}
