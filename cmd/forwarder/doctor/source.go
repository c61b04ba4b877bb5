package doctor

import (
	"context"
	"net"
	"net/netip"
	"slices"

	"vpcdns/acl"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/host"
)

// sourced is a server and an address to ask it from; the zero value is any.
type sourced struct{ server, from netip.AddrPort }

// sourcedServers are all servers, each with all addresses that it is asked from.
func sourcedServers(cfg *config.Config) (list []sourced) {
	for _, a := range servers(cfg) {
		for _, from := range sourcesFor(cfg, a) {
			list = append(list, sourced{a, netip.AddrPortFrom(from, 0)})
		}
	}
	return list
}

// sourcedServer is a server with one address to ask it from: the first whose packets
// leave by the interface that has it.
func sourcedServer(cfg *config.Config, a netip.AddrPort) sourced {
	list := sourcesFor(cfg, a)
	for _, from := range list {
		if name := host.InterfaceWith(from); name != "" && name == host.InterfaceTo(a.Addr(), from) {
			return sourced{a, netip.AddrPortFrom(from, 0)}
		}
	}
	return sourced{a, netip.AddrPortFrom(list[0], 0)}
}

// sourcesFor are the addresses that a server is asked from, one at least.
func sourcesFor(cfg *config.Config, server netip.AddrPort) []netip.Addr {
	if list := cfg.SourcesFor(server.Addr()); len(list) > 0 {
		return list
	}
	return []netip.Addr{{}}
}

// text is the server, and from where it is asked if that is set.
func (s sourced) text() string {
	if !s.from.IsValid() {
		return host.Address(s.server)
	}
	return host.Address(s.server) + " from " + s.from.Addr().String()
}

// checkSource tells from which address each server is asked.
func checkSource(_ context.Context, m *Machine, r *report) {
	env, err := acl.HostEnv()
	if err != nil {
		r.add(Unseen, "", "the addresses of this host: %v", err)
		return
	}
	for _, a := range m.Config.Sources {
		if !slices.Contains(env.Localhost, a) {
			r.add(Problem, "correct --query-source or query-source, or leave it out", "query-source %s is no address of this host", a)
		}
	}
	list := sourcedServers(m.Config)
	for _, s := range list[:min(most, len(list))] {
		checkRoute(s, r)
	}
}

// checkRoute tells by which interface packets leave. Those of an address that another
// one has are dropped by a VPC.
func checkRoute(s sourced, r *report) {
	c, err := (&net.Dialer{LocalAddr: localAddr("udp", s.from)}).Dial("udp", s.server.String()) // sends nothing
	if err != nil {
		r.add(Problem, "see ip route get "+s.server.Addr().String(), "%s: %s", s.text(), why(err))
		return
	}
	from := netip.MustParseAddrPort(c.LocalAddr().String()).Addr()
	c.Close()
	by, owner := host.InterfaceTo(s.server.Addr(), s.from.Addr()), host.InterfaceWith(from)
	if s.from.IsValid() && by != owner && !s.server.Addr().IsLoopback() {
		r.add(Warning, host.RouteCommands(from, owner), "%s is asked from %s of %s, but the packets leave by %s: a VPC drops them", host.Address(s.server), from, owner, by)
		return
	}
	r.ok("%s is asked from %s (%s)", host.Address(s.server), from, by)
}
