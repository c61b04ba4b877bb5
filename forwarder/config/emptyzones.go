package config

import (
	"slices"
	"strings"

	"vpcdns/forwarder/local"
	"vpcdns/forwarder/namedconf"
)

// emptyOptions steer the built-in empty zones.
type emptyOptions struct {
	enabled         string // empty-zones-enable as written; "" is as recursion
	server, contact string // empty-server, empty-contact; canonical
	disabled        []string
	builtin         map[string]bool
	forwarded       []forwardedEmpty
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
// private addresses go no further (RFC 6303). As in named they are left out
// where forwarding is the written will: below a `forward only`, global or of a
// zone. A forward zone without it is forwarded too, though named would answer
// it from the empty zone.
func (b *builder) addEmptyZones() {
	o := &b.emptyZones
	if o.enabled == "no" || o.enabled == "" && !b.cfg.Recursion {
		return
	}
	for _, name := range local.EmptyZoneNames() {
		if b.leftOut(name) {
			continue
		}
		records := local.EmptyZoneRecords(name, o.server, orRoot(o.contact))
		b.cfg.Local = append(b.cfg.Local, LocalZone{Name: name, Records: records, Empty: true})
	}
	b.warnForwarded()
}

func orRoot(name string) string {
	if name == "" {
		return "."
	}
	return name
}

// leftOut reports whether name is not served as an empty zone.
func (b *builder) leftOut(name string) bool {
	if slices.Contains(b.emptyZones.disabled, name) || b.primary[name] {
		return true
	}
	for ; name != "."; name = local.Parent(name) {
		if policy := b.zones[name].policy; policy != "" {
			return policy != noForwarders
		}
	}
	return b.zones["."].policy == "only"
}

// forwardedEmpty is a forward zone without `forward only` at or below a built-in
// empty zone.
type forwardedEmpty struct {
	pos   namedconf.Pos
	zone  namedconf.Item
	above string // the empty zone
}

// belowEmptyZone notes the built-in empty zone at or above a forward zone.
func (b *builder) belowEmptyZone(z *zoneDraft) {
	o := &b.emptyZones
	if o.builtin == nil {
		o.builtin = make(map[string]bool)
		for _, name := range local.EmptyZoneNames() {
			o.builtin[name] = true
		}
	}
	for name := z.name; name != "."; name = local.Parent(name) {
		if o.builtin[name] {
			o.forwarded = append(o.forwarded, forwardedEmpty{z.pos, z.shown, name})
		}
	}
}

// warnForwarded tells of forward zones that named would not forward.
func (b *builder) warnForwarded() {
	if b.zones["."].policy == "only" {
		return
	}
	for _, f := range b.emptyZones.forwarded {
		b.changef(f.pos, "zone '%s' is forwarded; named answers it from its empty zone '%s' unless it says 'forward only;'",
			f.zone, trimmed(f.above))
	}
}

// trimmed is a name as messages show it.
func trimmed(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}
