package config

import (
	"net/netip"
	"slices"

	"vpcdns/acl"
	"vpcdns/forwarder/namedconf"
)

// statisticsPort is that of HTTP, as in BIND.
const statisticsPort = 80

// statistics makes the channels of a statistics-channels statement.
func (b *builder) statistics(s namedconf.Statement) { b.run(s.Items[1].Body, inStatistics) }

// statisticsChannel makes `inet A [port N] [allow { … }]`. Without allow everybody may
// read it. Of two with one address the last counts, as in named.
func (b *builder) statisticsChannel(s namedconf.Statement) {
	addr, err := netip.ParseAddr(s.Items[1].Text)
	if err == nil && addr.Is4In6() {
		b.changef(s.Items[1].Pos, "no statistics channel at the IPv4-mapped address %s, as in BIND; write %s", addr, addr.Unmap())
		return
	}
	c := StatisticsChannel{Addr: netip.AddrPortFrom(addr, statisticsPort), Allow: acl.List{{Kind: acl.Any}}}
	before := len(b.findings)
	for i, it := range s.Items[:len(s.Items)-1] {
		switch {
		case it.Kind != namedconf.Word:
		case it.Text == "port":
			c.Addr = netip.AddrPortFrom(addr, uint16(uintOf(s.Items[i+1].Text)))
		case it.Text == "allow":
			c.Allow = b.list(s.Items[i+1].Body)
		}
	}
	if b.soften(before) {
		b.changef(s.Pos(), "no statistics channel at %s: who may read it is not known", addr)
		return
	}
	b.cfg.Statistics = slices.DeleteFunc(b.cfg.Statistics, func(o StatisticsChannel) bool { return o.Addr == c.Addr })
	b.cfg.Statistics = append(b.cfg.Statistics, c)
}

// soften makes changes of the errors found since there were n findings, and reports
// whether there were such: named starts without the channel that they are about.
func (b *builder) soften(n int) (some bool) {
	for i := n; i < len(b.findings); i++ {
		if b.findings[i].Severity == namedconf.Error {
			b.findings[i].Severity, some = namedconf.Change, true
		}
	}
	return some
}
