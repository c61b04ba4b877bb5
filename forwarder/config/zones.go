package config

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"vpcdns/acl"
	"vpcdns/forwarder/local"
	"vpcdns/forwarder/namedconf"
)

// zoneDraft is a zone statement while it is read.
type zoneDraft struct {
	name       string // canonical
	shown      namedconf.Item
	pos        namedconf.Pos
	kind       string // its type, as written
	templated  bool
	file       namedconf.Item // with no text: none
	allowQuery acl.List
	checks     local.Checks
	forwarding
}

// String is the zone as messages show it.
func (z *zoneDraft) String() string { return "zone '" + nameIn(z.shown) + "'" }

// canonicalName returns a domain name in lower case, with its dot, and with
// only the escapes that it needs.
func canonicalName(s string) (string, bool) {
	if s == "" || s == "@" {
		return "", false
	}
	var buf [255]byte
	n, err := dns.PackDomainName(dns.Fqdn(s), buf[:], 0, nil, false)
	if err != nil {
		return "", false
	}
	for i, c := range buf[:n] { // a length octet is at most 63, below 'A'
		if c >= 'A' && c <= 'Z' {
			buf[i] = c | 0x20
		}
	}
	name, _, err := dns.UnpackDomainName(buf[:n], 0)
	return name, err == nil
}

func (b *builder) zoneStatement(s namedconf.Statement) {
	b.draft = zoneDraft{shown: s.Items[1], pos: s.Pos(), checks: b.checks}
	z := &b.draft
	body := s.Items[len(s.Items)-1].Body
	if !b.nameZone(z, s) {
		return
	}
	b.zone = z
	kind, _ := findOption(body, "type")
	_, z.templated = findOption(body, "template")
	z.kind = kind.Text
	in := zonePlaces[strings.ToLower(kind.Text)]
	b.run(body, in)
	b.zone = nil
	if b.duplicate(z, in) {
		return
	}
	switch in {
	case inForward:
		b.addForwardZone(z)
	case inPrimary:
		b.addPrimaryZone(z)
	case inHint:
		b.checkHint(z)
	}
}

// nameZone checks a zone's name and class.
func (b *builder) nameZone(z *zoneDraft, s namedconf.Statement) bool {
	var ok bool
	if z.name, ok = canonicalName(z.shown.Text); !ok {
		b.errorf(z.shown.Pos, "zone '%s': is not a valid name", z.shown)
		return false
	}
	if class := s.Items[2]; !isIN(class) {
		b.errorf(class.Pos, "zone '%s': class '%s' does not match view/default class", z.shown, class)
		return false
	}
	return true
}

// duplicate reports a zone whose name another one has. Hint zones are counted
// on their own: they hold no names.
func (b *builder) duplicate(z *zoneDraft, in place) bool {
	key := z.name
	if in == inHint {
		key = "hint " + key
	}
	if old, ok := b.zones[key]; ok {
		b.errorf(z.pos, "zone '%s': already exists previous definition: %v", z.shown, old.pos)
		return true
	}
	note := zoneNote{pos: z.pos}
	if in == inForward || z.given || z.policy != "" {
		note.policy = z.effective()
	}
	b.zones[key] = note
	return false
}

func (b *builder) addForwardZone(z *zoneDraft) {
	b.addForwarders(z)
	switch {
	case len(z.servers) > 0:
		b.addForwarded(z)
	case z.name != ".":
		b.unforwarded = append(b.unforwarded, zonePos{z.pos, z.shown})
	}
}

// addForwarded notes what is said of a zone with servers.
func (b *builder) addForwarded(z *zoneDraft) {
	b.forwarded.add(z.pos, nameIn(z.shown))
	if z.policy == "" {
		b.implicitFirst.add(z.pos, nameIn(z.shown))
	}
	if z.policy != "only" {
		b.belowEmptyZone(z)
	}
}

// addForwarders has the names at and below z forwarded that are not served here.
func (b *builder) addForwarders(z *zoneDraft) {
	b.checkPolicy(z.String, &z.forwarding)
	b.cfg.Zones = append(b.cfg.Zones, ForwardZone{Name: z.name, Forwarders: z.servers})
}

// noForwarders is the policy of a zone that is not forwarded.
const noForwarders = "none"

// effective returns the policy that named makes of what was written.
func (f *forwarding) effective() string {
	switch {
	case len(f.servers) == 0:
		return noForwarders
	case f.policy == "":
		return "first"
	}
	return f.policy
}

// checkPolicy reports a policy without servers, and one that is not followed.
func (b *builder) checkPolicy(whose func() string, f *forwarding) {
	switch {
	case f.policy != "" && !f.given && !b.broken:
		b.errorf(f.policyPos, "%s: no matching 'forwarders' statement", whose())
	case f.policy == "first":
		b.changef(f.policyPos, "%s: 'forward first' is treated as 'forward only': names get SERVFAIL when the forwarders fail, where named would ask the root servers; say forward only", whose())
	}
}

// checkHint reports how BIND sees hint zones; none are used.
func (b *builder) checkHint(z *zoneDraft) {
	switch {
	case z.name != ".":
		b.harmlessf(z.pos, "zone '%s': ignoring non-root hint zone", z.shown)
	case z.file.Text == "" && !b.broken:
		b.errorf(z.pos, "zone '%s': missing 'file' entry", z.shown)
	default:
		b.harmlessf(z.pos, "zone '%s': hint zone is ignored: %s", z.shown, "no root server is ever asked")
	}
}

// forwardingOf is what forward and forwarders set: the zone's or the global
// one.
func (b *builder) forwardingOf() *forwarding {
	if b.zone != nil {
		return &b.zone.forwarding
	}
	return &b.global
}

func (b *builder) forward(s namedconf.Statement) {
	f := b.forwardingOf()
	f.policy, f.policyPos = strings.ToLower(value(s, 1)), s.Pos()
}

// forwarders reads `forwarders [port N] { A [port N]; … }`. A server's own port
// comes before the list's, and that before the option port.
func (b *builder) forwarders(s namedconf.Statement) {
	f := b.forwardingOf()
	f.given, f.pos = true, s.Pos()
	port := b.port
	if it, ok := after("port", s.Items); ok {
		port = b.portNumber(it)
	}
	for _, e := range s.Items[len(s.Items)-1].Body {
		server := endpointOf(e.Items, port)
		if server.Addr().IsUnspecified() || server.Addr().IsMulticast() {
			b.errorf(e.Pos(), "forwarders: '%v' is not the address of a server", server.Addr())
			continue
		}
		f.servers = append(f.servers, server)
	}
}

// endpointOf reads an endpoint in normal form.
func endpointOf(items []namedconf.Item, port uint16) netip.AddrPort {
	a, _ := netip.ParseAddr(items[0].Text)
	if it, ok := after("port", items); ok {
		port, _ = namedconf.ParsePort(it.Text)
	}
	return netip.AddrPortFrom(a, port)
}

// allowQuery sets the zone's list or that of all.
func (b *builder) allowQuery(s namedconf.Statement) {
	l := b.list(s.Items[1].Body)
	if b.zone != nil {
		b.zone.allowQuery = l
		return
	}
	b.cfg.AllowQuery = l
}

// zoneFile reads the name of a zone's file, which with a template has tokens.
func (b *builder) zoneFile(s namedconf.Statement) {
	z := b.zone
	z.file = s.Items[1]
	if z.templated {
		z.file.Text = b.fillIn(z.file.Text, z.name, z.kind)
	}
}
