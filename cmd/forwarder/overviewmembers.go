package main

import (
	"fmt"
	"net/netip"

	"vpcdns/forwarder"
	"vpcdns/forwarder/host"
)

// memberOverview is what forwarder status shows of the other forwarders of a fleet.
type memberOverview struct {
	forwarder.MemberStats
	from     netip.AddrPort // the last that answered
	over     bool           // they are asked no more
	notReady string
}

// memberOverview returns nil where no members are asked.
func (d *daemon) memberOverview() *memberOverview {
	if len(d.flags.members) == 0 {
		return nil
	}
	m := d.members
	m.mu.Lock()
	defer m.mu.Unlock()
	return &memberOverview{m.countsLocked(), m.from, m.over, m.notReady()}
}

// membersText says who was asked, what was taken over, and whether that goes on.
func (o *overview) membersText() string {
	m := o.members
	text := "no other is found"
	if m.Known > 0 {
		text = fmt.Sprintf("%d of %s answered", m.Answered, counted(m.Known, "other"))
	}
	if !m.Last.IsZero() {
		text += fmt.Sprintf("; last fetch at %s from %s; taken over: %s, %s, %s", o.clock(m.Last), host.Address(m.from),
			counted(int(m.Overrides), "override"), counted(int(m.Watches), "watched name"), counted(int(m.Guards), "guard"))
	}
	switch {
	case m.notReady != "":
		text += "; " + m.notReady
	case m.over:
		text += "; asked no more"
	default:
		text += "; asked until " + o.clock(o.started.Add(membersFor))
	}
	return text
}
