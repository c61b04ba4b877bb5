package config

import (
	"net/netip"

	"vpcdns/acl"
	"vpcdns/forwarder/namedconf"
)

// listenOn reads listen-on and listen-on-v6.
func (b *builder) listenOn(s namedconf.Statement) {
	l := Listen{Port: b.port, V6: s.Name() == "listen-on-v6", Match: b.list(s.Items[len(s.Items)-1].Body)}
	if port, ok := after("port", s.Items); ok {
		l.Port = b.portNumber(port)
	}
	b.checkListen(s, l)
	b.cfg.Listen = append(b.cfg.Listen, l)
}

// checkListen warns of a list that can serve nothing, unless it says so.
func (b *builder) checkListen(s namedconf.Statement, l Listen) {
	warned := false
	for _, e := range s.Items[len(s.Items)-1].Body {
		if why := neverServed(e.Items, l.V6); why != "" {
			written := acl.Element{Prefix: prefixOf(e.Items[0].Text)}
			b.changef(e.Pos(), "%s: '%v' never matches: %s", s.Name(), written, why)
			warned = true
		}
	}
	if !warned && !saysNone(l.Match) && !canServe(l.Match, l.V6) {
		b.changef(s.Pos(), "%s: no address can match this list: it serves none; `any` serves all", s.Name())
	}
}

// neverServed says why no interface has an address that an element of a list
// names; "" if one may have.
func neverServed(items []namedconf.Item, v6 bool) string {
	if items[0].Kind != namedconf.Word || len(items) > 1 {
		return ""
	}
	switch p := prefixOf(items[0].Text); {
	case p.Addr().Is6() && !v6:
		return "it is an IPv6 address; write it in listen-on-v6"
	case p.Addr().Is4() && v6:
		return "it is an IPv4 address; write it in listen-on"
	case !servable(p):
		return "no interface has such an address; `any` serves all"
	}
	return ""
}

// servable reports whether an interface may have an address in p.
func servable(p netip.Prefix) bool {
	a := p.Addr()
	whole := p.IsSingleIP() && (a.IsUnspecified() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}))
	return !whole && !(a.IsMulticast() && p.Bits() >= 4) && !(a.Is4In6() && p.Bits() >= 96)
}

// saysNone reports whether a list is empty or `none`.
func saysNone(l acl.List) bool {
	return len(l) == 0 || len(l) == 1 && (l[0].Kind == acl.Any && l[0].Negated || l[0].Kind == acl.Nested && saysNone(l[0].List))
}

// IsNone reports whether a list is empty or `none`: nobody is allowed.
func IsNone(l acl.List) bool { return saysNone(l) }

// canServe reports whether a list may match the address of an interface.
func canServe(l acl.List, v6 bool) bool {
	for _, e := range l {
		some, all := covers(e, v6)
		if e.Negated && all {
			return false
		}
		if !e.Negated && some {
			return true
		}
	}
	return false
}

// covers reports whether an element, but for its negation, may match some
// address of an interface, and whether it matches all.
func covers(e acl.Element, v6 bool) (some, all bool) {
	switch e.Kind {
	case acl.Any, acl.Localhost, acl.Localnets:
		return true, true
	case acl.Nested:
		return canServe(e.List, v6), false
	case acl.Prefix:
		some = e.Prefix.Addr().Is6() == v6 && servable(e.Prefix)
		return some, some && e.Prefix.Bits() == 0
	}
	return false, false
}

// finishListen serves all addresses of a family that no listen-on names, and
// fills in the port.
func (b *builder) finishListen() {
	var have4, have6 bool
	for _, l := range b.cfg.Listen {
		have4, have6 = have4 || !l.V6, have6 || l.V6
	}
	if !have4 {
		b.cfg.Listen = append(b.cfg.Listen, Listen{Port: b.port, Match: acl.All()})
	}
	if !have6 {
		b.cfg.Listen = append(b.cfg.Listen, Listen{Port: b.port, V6: true, Match: acl.All()})
	}
}
