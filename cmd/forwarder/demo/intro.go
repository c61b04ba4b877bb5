package demo

import "vpcdns/forwarder/host"

// greet is there at once. What it takes to start the servers comes after it.
func (s *story) greet() {
	s.line("A pair of DNS forwarders in one minute: failover, lost zone, silent upstream.")
}

// introduce says who is who, and where.
func (s *story) introduce() {
	a, b := s.site.pair[0], s.site.pair[1]
	s.line("")
	s.line("    client --> corporate DNS --> forwarder a, forwarder b --> VPC resolver")
	s.line("")
	s.who("client", "", "asks up to %d times a second, waits for %.0f s", perSecond, stubWaits.Seconds())
	s.who("corporate DNS", host.Address(s.site.corporate.addr), "a third forwarder; forwards to a and b")
	s.who("forwarder a", host.Address(a.addr), "its status page: %s", a.page.url())
	s.who("forwarder b", host.Address(b.addr), "its status page: %s", b.page.url())
	s.who("VPC resolver", host.Address(s.site.upstream), "a stand-in, also for Route 53")
	s.line("")
	s.line("All of it runs here, on loopback. What is shown is measured in this run, but for")
	s.line("the lines 'named': they are from cmd/forwarder/faults/README.md (named %s).", table().Version)
	s.line("")
	s.line("Open a page, or ask in another terminal:")
	s.line("    dig @%s -p %d %s", a.addr.Addr(), a.addr.Port(), plainName)
	s.line("    dig @%s -p %d %s", b.addr.Addr(), b.addr.Port(), watchedName)
}

func (s *story) who(name, addr, format string, args ...any) {
	s.line("  %-14s  %-15s  "+format, append([]any{name, addr}, args...)...)
}
