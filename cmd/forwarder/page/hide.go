package page

import (
	"net/netip"
	"regexp"
	"strings"

	"vpcdns/forwarder/trouble"
)

// addressText finds what may be an address in a text, with its port in BIND's way.
var addressText = regexp.MustCompile(`[0-9a-fA-F:.]*[0-9a-fA-F:][:.][0-9a-fA-F:.]*(%\w+)?(#\d+)?`)

// hide takes clients' addresses out of the document, unless they are to be shown: out
// of the lists, and out of texts, in which only servers and own addresses stay.
func (p *Page) hide(d *Document) {
	if p.showClients {
		return
	}
	for i := range d.Clients.Busiest {
		d.Clients.Busiest[i].Client = ""
	}
	for i := range d.Clients.Refused.Clients {
		d.Clients.Refused.Clients[i].Client = ""
	}
	known := p.known(d)
	for i := range d.Troubles {
		t := &d.Troubles[i]
		switch trouble.Kind(t.Kind) {
		case trouble.Peer, trouble.Pair, trouble.Address:
			continue // they have data or an own address, and no client
		}
		t.Text, t.Subject = known.hide(t.Text), known.hide(t.Subject)
	}
	for i := range d.Overrides {
		d.Overrides[i].By = known.hide(d.Overrides[i].By)
	}
	for i := range d.Changes {
		d.Changes[i].By = known.hide(d.Changes[i].By)
	}
	for i := range d.Names {
		known.hideName(&d.Names[i])
	}
}

func (k knownAddrs) hideName(n *Name) {
	for i := range n.Ledger {
		n.Ledger[i].Names = nil
	}
	for i := range n.Overrides {
		n.Overrides[i].By = k.hide(n.Overrides[i].By)
	}
	for i := range n.History {
		n.History[i].By = k.hide(n.History[i].By)
	}
}

// knownAddrs are those of servers and of this one.
type knownAddrs map[netip.Addr]bool

func (p *Page) known(d *Document) knownAddrs {
	k := make(knownAddrs)
	add := func(text string) {
		if a, ok := addrOf(text); ok {
			k[a] = true
		}
	}
	for i := range d.Upstreams {
		add(d.Upstreams[i].Server)
	}
	for i := range d.Peers {
		add(d.Peers[i].Address)
	}
	for _, text := range d.Server.Served {
		add(text)
	}
	for _, text := range d.Server.Unserved {
		add(text)
	}
	for _, s := range p.server.Config().Zones {
		for _, a := range s.Forwarders {
			k[a.Addr()] = true
		}
	}
	states, _ := p.server.Upstreams()
	for i := range states {
		for _, source := range states[i].Sources {
			k[source.Addr] = true
		}
	}
	return k
}

// addrOf reads an address with or without a port.
func addrOf(text string) (netip.Addr, bool) {
	text, _, _ = strings.Cut(text, "#")
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr().Unmap(), true
	}
	a, err := netip.ParseAddr(strings.Trim(text, "."))
	return a.Unmap(), err == nil
}

// hide puts "a client" in the place of each address that is not known.
func (k knownAddrs) hide(text string) string {
	return addressText.ReplaceAllStringFunc(text, func(s string) string {
		bare := strings.TrimRight(s, ".:")
		if a, ok := addrOf(bare); !ok || k[a] {
			return s
		}
		return "a client" + s[len(bare):]
	})
}
