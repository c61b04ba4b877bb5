package forwarder

import (
	"fmt"
	"slices"
	"strings"

	"vpcdns/forwarder/namedconf"
)

// emptyOptions steer the built-in empty zones.
type emptyOptions struct {
	enabled         string // empty-zones-enable as written; "" is as recursion
	server, contact string // empty-server, empty-contact; canonical
	disabled        []string
	forwarded       []*zoneDraft // forward zones without `forward only`
}

func (b *builder) emptyZonesEnable(s namedconf.Statement) { b.emptyZones.enabled = value(s, 1) }

func (b *builder) disableEmptyZone(s namedconf.Statement) {
	if n, ok := b.domain(s, s.Items[1]); ok {
		b.emptyZones.disabled = append(b.emptyZones.disabled, n)
	}
}

// emptyName sets empty-server or empty-contact.
func (b *builder) emptyName(s namedconf.Statement) {
	n, ok := b.domain(s, s.Items[1])
	if !ok {
		return
	}
	if s.Name() == "empty-server" {
		b.emptyZones.server = n
	} else {
		b.emptyZones.contact = n
	}
}

// addEmptyZones serves the built-in empty zones, so that questions about
// private addresses stay in the house (RFC 6303). As in named they stand back
// where forwarding is the written will: below a `forward only`, global or of a
// zone. A forward zone without it is forwarded too, though named would answer
// it from the empty zone.
func (b *builder) addEmptyZones() {
	o := &b.emptyZones
	if o.enabled == "no" || o.enabled == "" && !b.cfg.Recursion {
		return
	}
	for _, name := range emptyZoneNames() {
		if b.standsBack(name) {
			continue
		}
		records := emptyZoneRecords(name, o.server, orRoot(o.contact))
		b.cfg.Static = append(b.cfg.Static, StaticZone{Name: name, Records: records, Empty: true})
	}
	b.warnForwarded()
}

func orRoot(name string) string {
	if name == "" {
		return "."
	}
	return name
}

// standsBack reports whether name is not served as an empty zone.
func (b *builder) standsBack(name string) bool {
	if slices.Contains(b.emptyZones.disabled, name) || b.primary[name] {
		return true
	}
	for ; name != "."; name = parent(name) {
		if policy, ok := b.policies[name]; ok {
			return policy != noForwarders
		}
	}
	return b.policies["."] == "only"
}

// warnForwarded tells of forward zones that named would not forward.
func (b *builder) warnForwarded() {
	if b.policies["."] == "only" {
		return
	}
	empty := make(map[string]bool)
	for _, name := range emptyZoneNames() {
		empty[name] = true
	}
	for _, z := range b.emptyZones.forwarded {
		for name := z.name; name != "."; name = parent(name) {
			if empty[name] {
				b.warnf(z.pos, "zone '%s' is forwarded; named answers it from its empty zone '%s' unless it says 'forward only;'",
					z.shown, trimmed(name))
			}
		}
	}
}

// emptyZoneNames are the names of BIND's empty zones: RFC 1918, 3849, 4193,
// 5737, 6303, 6598, 7534, 8375 and 9462.
func emptyZoneNames() []string {
	names := []string{"10.in-addr.arpa."}
	for i := 16; i < 32; i++ {
		names = append(names, fmt.Sprintf("%d.172.in-addr.arpa.", i))
	}
	names = append(names, "168.192.in-addr.arpa.")
	for i := 64; i < 128; i++ {
		names = append(names, fmt.Sprintf("%d.100.in-addr.arpa.", i))
	}
	return append(names,
		"0.in-addr.arpa.", "127.in-addr.arpa.", "254.169.in-addr.arpa.",
		"2.0.192.in-addr.arpa.", "100.51.198.in-addr.arpa.", "113.0.203.in-addr.arpa.",
		"255.255.255.255.in-addr.arpa.",
		strings.Repeat("0.", 32)+"ip6.arpa.", "1."+strings.Repeat("0.", 31)+"ip6.arpa.",
		"d.f.ip6.arpa.", "8.e.f.ip6.arpa.", "9.e.f.ip6.arpa.", "a.e.f.ip6.arpa.", "b.e.f.ip6.arpa.",
		"8.b.d.0.1.0.0.2.ip6.arpa.", "empty.as112.arpa.", "home.arpa.", "resolver.arpa.")
}
