package config

import (
	"net/netip"

	"vpcdns/forwarder/namedconf"
)

// closeFamily keeps the servers of an address family from being asked.
func (b *builder) closeFamily(s namedconf.Statement) {
	b.closed = append(b.closed, s)
	if len(b.closed) > 1 {
		b.errorf(s.Pos(), "query-source and query-source-v6 cannot both be none: no server could be asked")
	}
}

// finishServers makes a family that is closed one of bogus servers.
func (b *builder) finishServers() {
	for _, s := range b.closed {
		family := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if s.Name() == "query-source-v6" {
			family = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		for i := range b.cfg.Servers {
			if c := &b.cfg.Servers[i]; c.Prefix.Addr().Is4() == family.Addr().Is4() {
				c.Bogus = true
			}
		}
		b.cfg.Servers = append(b.cfg.Servers, Server{Prefix: family, Bogus: true})
	}
}

// serverClause reads `server PREFIX { … }`.
func (b *builder) serverClause(s namedconf.Statement) {
	it := s.Items[1]
	b.server = &Server{Prefix: prefixOf(it.Text)}
	for _, c := range b.cfg.Servers {
		if c.Prefix == b.server.Prefix {
			b.errorf(it.Pos, "server '%s': already exists", it)
			return
		}
	}
	b.run(s.Items[2].Body, inServer)
	b.cfg.Servers = append(b.cfg.Servers, *b.server)
}

func (b *builder) bogus(s namedconf.Statement)   { b.server.Bogus = value(s, 1) == "yes" }
func (b *builder) tcpOnly(s namedconf.Statement) { b.server.TCPOnly = value(s, 1) == "yes" }

func (b *builder) serverEDNS(s namedconf.Statement) {
	v := value(s, 1) == "yes"
	b.server.EDNS = &v
}

func (b *builder) serverCookie(s namedconf.Statement) {
	v := value(s, 1) == "yes"
	b.server.SendCookie = &v
}

func (b *builder) serverUDPSize(s namedconf.Statement) {
	b.server.UDPSize = uint16(b.clamp(s, intOf(value(s, 1)), 512, 4096))
}

// querySource reads query-source and query-source-v6. A port is not taken: one
// port for all queries is half of what a forger has to guess.
func (b *builder) querySource(s namedconf.Statement) {
	if value(s, 1) == "none" {
		b.closeFamily(s)
		return
	}
	for _, it := range s.Items[1:] {
		if a, err := netip.ParseAddr(it.Text); err == nil && !a.IsUnspecified() {
			b.cfg.Sources = append(b.cfg.Sources, a)
		}
	}
	it, _ := after("port", s.Items)
	switch port, ok := namedconf.ParsePort(it.Text); {
	case !ok || port == 0:
	case port == b.port:
		b.errorf(it.Pos, "'%s' cannot specify the DNS listener port (%d)", s.Name(), port)
	default:
		b.changef(it.Pos, "'%s': port %d is ignored: each query has a random port", s.Name(), port)
	}
}
