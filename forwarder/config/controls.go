package config

import (
	"net/netip"
	"slices"

	"vpcdns/acl"
	"vpcdns/forwarder/namedconf"
)

// controlPort is rndc's, which IANA has given it.
const controlPort = 953

// controls makes the channels of a controls statement.
func (b *builder) controls(s namedconf.Statement) {
	b.cfg.NoControls = false
	b.run(s.Items[1].Body, inControls)
}

// control makes `inet A [port N] allow { … } [keys { … }] [read-only B]`. Of two
// with one address the last counts, as in named.
func (b *builder) control(s namedconf.Statement) {
	addr, err := netip.ParseAddr(s.Items[1].Text)
	if err == nil && addr.Is4In6() {
		b.changef(s.Items[1].Pos, "no control channel at the IPv4-mapped address %s, as in BIND; write %s", addr, addr.Unmap())
		return
	}
	c := Control{Addr: netip.AddrPortFrom(addr, controlPort)}
	for i, it := range s.Items[:len(s.Items)-1] {
		if it.Kind == namedconf.Word {
			b.controlPart(&c, it.Text, s.Items[i+1])
		}
	}
	b.cfg.Controls = slices.DeleteFunc(b.cfg.Controls, func(o Control) bool { return o.Addr == c.Addr })
	b.cfg.Controls = append(b.cfg.Controls, c)
}

func (b *builder) controlPart(c *Control, word string, v namedconf.Item) {
	switch word {
	case "port":
		c.Addr = netip.AddrPortFrom(c.Addr.Addr(), uint16(uintOf(v.Text)))
	case "allow":
		c.Allow = b.list(v.Body)
	case "keys":
		c.Keys = b.controlKeys(v.Body)
	case "read-only":
		c.ReadOnly = v.Text == "yes"
	}
}

func (b *builder) controlKeys(body []namedconf.Statement) (keys []Key) {
	for _, s := range body {
		name, _ := canonicalName(s.Items[0].Text)
		key := b.keys[name]
		if key.Name == "" && !b.broken {
			b.errorf(s.Pos(), "unknown key '%s'", s.Items[0])
		}
		keys = append(keys, key)
	}
	return keys
}

// DefaultControls are the channels where there is no controls statement: on
// loopback, with the key of rndc.key.
func DefaultControls() (list []Control) {
	for _, a := range []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()} {
		list = append(list, Control{Addr: netip.AddrPortFrom(a, controlPort), Allow: acl.List{{Kind: acl.Any}}})
	}
	return list
}
