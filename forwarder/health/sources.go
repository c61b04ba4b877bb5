package health

import (
	"fmt"
	"net/netip"
	"time"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/trouble"
	"vpcdns/forwarder/upstream"
)

// sourceEvent tells of an address that upstream cannot be asked from, and of the end of
// that.
func (m *Monitor) sourceEvent(e *upstream.Event, zones []Zone) {
	key := trouble.Key{Kind: trouble.Source, Subject: e.Source.String()}
	text := sourceText(e, m.cfg.Leaves, m.cfg.Owner)
	m.Change(func(t *trouble.Table, now time.Duration) {
		if e.Kind == upstream.SourceTakenBack {
			t.End(key, "upstream is asked from "+key.Subject+" again", now)
			return
		}
		t.Begin(trouble.Start{Key: key, Text: text, Since: now - e.Duration, Zones: zonesAsking(zones, e.Server)}, now)
	})
}

// sourceText says why a source is left out, and what to do.
func sourceText(e *upstream.Event, leaves func(server, source netip.Addr) string, owner func(netip.Addr) string) string {
	from, server := e.Source, host.Address(e.Server)
	owned := owner(from)
	switch {
	case owned == "":
		return fmt.Sprintf("upstream is not asked from %s: no interface has this address; give it to one, or take it out of --query-source", from)
	case e.Err != nil:
		return fmt.Sprintf("upstream %s cannot be asked from %s (%s): %v; look at: %s", server, from, owned, e.Err, routeGet(e.Server.Addr(), from))
	}
	by := leaves(e.Server.Addr(), from)
	if by == owned || by == "" {
		return fmt.Sprintf("upstream %s does not answer to %s (%s), while it answers to another source address: see security groups, network ACLs and the routes back", server, from, owned)
	}
	return fmt.Sprintf("upstream %s does not answer to %s: %s has the address, but its packets leave by %s; give it routes of its own: %s",
		server, from, owned, by, host.RouteCommands(from, owned))
}

func routeGet(server, from netip.Addr) string {
	return fmt.Sprintf("ip route get %s from %s", server, from)
}

// sourcesLeftOut are the addresses that some server is not asked from.
func sourcesLeftOut(servers []upstream.ServerState) map[string]bool {
	list := make(map[string]bool)
	for _, s := range servers {
		for _, f := range s.Sources {
			if f.LeftOut {
				list[f.Addr.String()] = true
			}
		}
	}
	return list
}
