package health

import (
	"fmt"
	"net/netip"
	"time"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/trouble"
)

// lostFor is how long an address is waited for that an interface had and that
// listen-on does not name by itself: a container's comes and goes.
const lostFor = 10 * time.Minute

// addressWatch is an address that is served, or ought to be.
type addressWatch struct {
	served bool          // lately
	named  bool          // listen-on names it by itself
	lost   time.Duration // when it was, if it is not named
}

func addressKey(a netip.AddrPort) trouble.Key {
	return trouble.Key{Kind: trouble.Address, Subject: host.Address(a)}
}

// Addresses are those that are to be served.
type Addresses struct {
	Named  []netip.AddrPort          // that are to be served whether or not an interface has them
	Open   []netip.AddrPort          // that are served
	Failed map[netip.AddrPort]error  // that cannot be had, as the log has said already
	Wanted func(netip.AddrPort) bool // whether an address is to be served if an interface has it
}

// Addresses finds out which ought to be served and are not. It is to be called after
// anything that concerns them has changed.
func (m *Monitor) Addresses(l *Addresses) {
	m.Change(func(t *trouble.Table, now time.Duration) {
		known := m.addresses
		for _, a := range l.Named {
			known.of(a).named = true
		}
		for _, a := range l.Open {
			t.End(addressKey(a), host.Address(a)+" is served", now)
			known.of(a).served = true
		}
		for a, err := range l.Failed {
			t.Begin(trouble.Start{Key: addressKey(a), Text: fmt.Sprintf("%s is not served: %v", host.Address(a), err),
				Since: now, Zones: []string{}, Told: true}, now)
			known.of(a).served = false
		}
		isHere := make(map[netip.AddrPort]bool)
		for _, a := range l.Open {
			isHere[a] = true
		}
		for a, w := range known {
			if !isHere[a] && l.Failed[a] == nil {
				m.noteMissing(a, w, l.Wanted(a), now)
			}
		}
	})
}

// addressWatches are all of them.
type addressWatches map[netip.AddrPort]*addressWatch

func (l addressWatches) of(a netip.AddrPort) *addressWatch {
	if l[a] == nil {
		l[a] = new(addressWatch)
	}
	return l[a]
}

// noteMissing tells of an address that no interface has. mu is held.
func (m *Monitor) noteMissing(a netip.AddrPort, w *addressWatch, wanted bool, now time.Duration) {
	t, key := &m.table, addressKey(a)
	why := " is not served: no interface has this address"
	if w.served {
		why = " is lost: no interface has this address any more"
	}
	switch {
	case !wanted:
		t.Drop(now, "it is no longer to be served", func(k trouble.Key) bool { return k == key })
		delete(m.addresses, a)
		return
	case !w.named && a.Addr().IsLinkLocalUnicast(): // of a container, as a rule
		delete(m.addresses, a)
		return
	case w.served && !w.named:
		w.lost = now
	}
	w.served = false
	t.Begin(trouble.Start{Key: key, Text: host.Address(a) + why, Since: now, Zones: []string{}}, now)
}

// forgetLost ends the waiting for addresses that do not come back. m.mu is held.
func (m *Monitor) forgetLost(now time.Duration) {
	for a, w := range m.addresses {
		if w.lost > 0 && !w.served && now-w.lost >= lostFor {
			m.table.Drop(now, "it is no longer waited for", func(k trouble.Key) bool { return k == addressKey(a) })
			delete(m.addresses, a)
		}
	}
}
