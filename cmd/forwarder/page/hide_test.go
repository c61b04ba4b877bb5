package page

import (
	"net/netip"
	"strings"
	"testing"

	"vpcdns/forwarder"
)

// Of addresses in texts those of servers stay, and what only looks like one.
func TestHide(t *testing.T) {
	known := knownAddrs{netip.MustParseAddr("10.79.0.2"): true, netip.MustParseAddr("2001:db8::2"): true}
	tests := map[string]string{
		"key 'ops' at 192.0.2.7#4711":                       "key 'ops' at a client",
		"192.0.2.7":                                         "a client",
		"from 192.0.2.7, twice":                             "from a client, twice",
		"from 192.0.2.7.":                                   "from a client.",
		"from 192.0.2.7: refused":                           "from a client: refused",
		"at 192.0.2.7:4711 and [2001:db8::7]:4711":          "at a client and [a client]:4711",
		"at 2001:db8::7#4711":                               "at a client",
		"at fe80::7%eth0#4711":                              "at a client",
		"at ::ffff:192.0.2.7#4711":                          "at a client",
		"upstream 10.79.0.2#53 does not answer":             "upstream 10.79.0.2#53 does not answer",
		"read udp 10.79.0.2:53: i/o timeout":                "read udp 10.79.0.2:53: i/o timeout",
		"upstream 2001:db8::2#53 fails":                     "upstream 2001:db8::2#53 fails",
		"set at 12:34:56 on 2026-11-29, 1.5 s, 9.18.24, 3:": "set at 12:34:56 on 2026-11-29, 1.5 s, 9.18.24, 3:",
		"/etc/named.conf:12:5: faced, dead.beef, cafe":      "/etc/named.conf:12:5: faced, dead.beef, cafe",
		"": "",
	}
	for text, want := range tests {
		if got := known.hide(text); got != want {
			t.Errorf("hide(%q) = %q, want %q", text, got, want)
		}
	}
}

// An address of its own that is not there is no client's, though it is not served.
func TestOwnAddressStays(t *testing.T) {
	t.Parallel()
	s := newSite(t, Options{}, "listen-on port 5399 { 192.0.2.9; };", forwarder.Options{})
	d := s.until("its trouble", func(d *Document) bool { return len(d.Troubles) > 0 })
	if got := d.Troubles[0]; got.Subject != "192.0.2.9" && got.Subject != "192.0.2.9#5399" || !strings.Contains(got.Text, "192.0.2.9") {
		t.Errorf("the page says %q of %q", got.Text, got.Subject)
	}
}
