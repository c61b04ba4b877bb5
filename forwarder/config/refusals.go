package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpcdns/acl"
	"vpcdns/forwarder/namedconf"
)

// zoneList names some zones, and counts the rest.
type zoneList struct {
	pos   namedconf.Pos // of the first
	names []string
	count int
}

// zonePos is a zone and where it stands.
type zonePos struct {
	pos   namedconf.Pos
	shown namedconf.Item
}

// maxNamed zones are named in a message: more than most files have.
const maxNamed = 12

func (l *zoneList) add(pos namedconf.Pos, name string) {
	if l.count++; l.count == 1 {
		l.pos = pos
	}
	if l.count <= maxNamed {
		l.names = append(l.names, "'"+name+"'")
	}
}

// String is `zone 'a'`, or `zones 'a', 'b' and 3 more`.
func (l *zoneList) String() string {
	s := "zone " + strings.Join(l.names, ", ")
	if l.count > 1 {
		s = "zones " + strings.Join(l.names, ", ")
	}
	if more := l.count - len(l.names); more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

// warnRefused tells which names are REFUSED or forwarded only, where named would
// ask the root servers: nothing here recurses.
func (b *builder) warnRefused() {
	switch c := b.cfg; {
	case b.broken: // what is missing may be what was wrong
	case !c.Recursion || saysNone(c.AllowRecurse):
		b.warnNobodyRecurses()
	default:
		b.warnNoForwarders()
		b.warnEmptyForwarders()
		b.warnBogusForwarders()
		b.warnImplicitFirst()
	}
}

// warnNobodyRecurses is about forwarders that no client may cause to be asked.
func (b *builder) warnNobodyRecurses() {
	pos := b.global.pos
	if len(b.global.servers) == 0 {
		pos = b.forwarded.pos
	}
	if len(b.global.servers) > 0 || b.forwarded.count > 0 {
		b.changef(pos, "no client may recurse: what is forwarded is REFUSED, as by named; say recursion yes, and in allow-recursion who may")
	}
}

// warnNoForwarders is about names that no zone has.
func (b *builder) warnNoForwarders() {
	for _, z := range b.cfg.Zones {
		if z.Name == "." && len(z.Forwarders) > 0 {
			return
		}
	}
	have, stock := b.forwarded, false
	for _, z := range b.cfg.Local {
		switch {
		case z.Empty:
		case stockZones[z.Name] != "":
			stock = true
		default:
			have.add(namedconf.Pos{}, trimmed(z.Name))
		}
	}
	which := "all names"
	switch {
	case have.count > 0:
		which = "names outside of " + have.String()
	case stock:
		which = "all names but localhost and its like"
	}
	b.changef(b.optionsPos, "%s are REFUSED: options has no forwarders; named would ask the root servers; say which servers to ask", which)
}

// warnEmptyForwarders is about zones that are not forwarded. The root is that of
// warnNoForwarders.
func (b *builder) warnEmptyForwarders() {
	for _, z := range b.unforwarded {
		b.changef(z.pos, "zone '%s': its names are REFUSED: it has no forwarders; named would ask the root servers; leave the zone out to forward them as others", z.shown)
	}
}

// warnBogusForwarders is about zones that are forwarded to servers which may not
// be asked. What the host's interfaces add to blackhole is not looked at.
func (b *builder) warnBogusForwarders() {
	blackhole := b.cfg.Blackhole.Compile(acl.Env{})
	bogus := func(a netip.AddrPort) bool {
		return b.cfg.ServerFor(a.Addr()).Bogus || blackhole.Match(a.Addr())
	}
	for _, z := range b.cfg.Zones {
		if len(z.Forwarders) > 0 && all(z.Forwarders, bogus) {
			b.changef(b.zones[z.Name].pos, "zone '%s': its names get SERVFAIL: no forwarder of it may be asked, as server clauses, blackhole or query-source say", trimmed(z.Name))
		}
	}
}

func all[T any](list []T, is func(T) bool) bool {
	return !slices.ContainsFunc(list, func(v T) bool { return !is(v) })
}

// warnImplicitFirst is about BIND's default, which zones do not inherit.
func (b *builder) warnImplicitFirst() {
	first := &b.implicitFirst
	whose, pos := first.String(), first.pos
	if g := &b.global; g.policy == "" && len(g.servers) > 0 {
		pos = g.pos
		if whose = b.globalIn; first.count > 0 {
			whose += ", " + first.String()
		}
	} else if first.count == 0 {
		return
	}
	b.changef(pos, "%s: without 'forward' it is 'forward only' here: names get SERVFAIL when the forwarders fail, where named would ask the root servers; say forward only", whose)
}
