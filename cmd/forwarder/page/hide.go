package page

import (
	"strings"

	"vpcdns/forwarder/watch"
)

// hide takes clients' addresses out of the document, unless they are to be shown: out
// of the lists, and of who has set an override. No trouble names a client.
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
	hideSetters(d.Overrides, d.Changes)
	for i := range d.Names {
		n := &d.Names[i]
		for j := range n.Ledger {
			n.Ledger[j].Names = nil
		}
		hideSetters(n.Overrides, n.History)
	}
}

func hideSetters(overrides []watch.OverrideStatus, changes []watch.Change) {
	for i := range overrides {
		overrides[i].By = hideSetter(overrides[i].By)
	}
	for i := range changes {
		if c := &changes[i]; c.Source == watch.Operator && !strings.HasPrefix(c.By, "ended: ") { // else it has data or a member
			c.By = hideSetter(c.By)
		}
	}
}

// hideSetter leaves the key of "key 'ops' at 192.0.2.7#4711". A text of another form,
// which a member may tell, is left only if it can have no address.
func hideSetter(by string) string {
	key, _, found := strings.Cut(by, " at ")
	if strings.ContainsAny(key, ":#") || !found && strings.Contains(key, ".") {
		return "a client"
	}
	if found {
		return key + " at a client"
	}
	return by
}
