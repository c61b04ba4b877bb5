package page

import (
	"strings"
	"testing"

	"vpcdns/forwarder"
	"vpcdns/forwarder/watch"
)

// Of who has set an override the key is left.
func TestHideSetter(t *testing.T) {
	for by, want := range map[string]string{
		"key 'ops' at 192.0.2.7#4711":               "key 'ops' at a client",
		"key 'ops.example' at 2001:db8::7#4711":     "key 'ops.example' at a client",
		"key 'ops' at 192.0.2.7#4711 at 10.0.0.1":   "key 'ops' at a client",
		"key 'ops' from:10.0.0.1 at 192.0.2.7#4711": "a client",
		"from:10.0.0.1": "a client",
		"abc10.0.0.1":   "a client",
		"2001:db8::7":   "a client",
		"ops":           "ops",
		"":              "",
	} {
		if got := hideSetter(by); got != want {
			t.Errorf("hideSetter(%q) = %q, want %q", by, got, want)
		}
	}
}

// Addresses of data, of members and of reverse zones are none of clients.
func TestOtherAddressesStay(t *testing.T) {
	ends := []string{"ended: upstream has said a third thing, 10.79.9.9, for 10s", "ended: it was deleted at member 10.0.0.2#953"}
	const zone = "5.2.0.192.in-addr.arpa"
	d := &Document{Troubles: []Trouble{{Kind: "failures", Subject: zone, Text: "upstream fails for " + zone}}}
	for _, by := range ends {
		d.Changes = append(d.Changes, watch.Change{Source: watch.Operator, By: by})
	}
	new(Page).hide(d)
	if d.Troubles[0].Subject != zone || !strings.HasSuffix(d.Troubles[0].Text, zone) {
		t.Errorf("the trouble is %+v", d.Troubles[0])
	}
	for i, by := range ends {
		if d.Changes[i].By != by {
			t.Errorf("the override %q, want %q", d.Changes[i].By, by)
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
