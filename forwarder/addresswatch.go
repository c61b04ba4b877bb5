package forwarder

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

// noteAddresses finds out which addresses ought to be served and are not, after
// anything that concerns them has changed.
func (s *Server) noteAddresses(st *state) {
	open, failed := s.listeners.Outcome()
	s.change(func(t *trouble.Table, now time.Duration) {
		known := s.troubles.addresses
		for _, a := range named(st, &s.opts) {
			known.of(a).named = true
		}
		for _, a := range open {
			t.End(addressKey(a), host.Address(a)+" is served", now)
			known.of(a).served = true
		}
		for a, err := range failed { // which listeners has told
			t.Begin(trouble.Start{Key: addressKey(a), Text: fmt.Sprintf("%s is not served: %v", host.Address(a), err),
				Since: now, Zones: []string{}, Told: true}, now)
			known.of(a).served = false
		}
		isHere := make(map[netip.AddrPort]bool)
		for _, a := range open {
			isHere[a] = true
		}
		for a, w := range known {
			if !isHere[a] && failed[a] == nil {
				s.noteMissing(st, a, w, now)
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

// noteMissing tells of an address that no interface has. troubles.mu is held.
func (s *Server) noteMissing(st *state, a netip.AddrPort, w *addressWatch, now time.Duration) {
	t, key := &s.troubles.table, addressKey(a)
	why := " is not served: no interface has this address"
	if w.served {
		why = " is lost: no interface has this address any more"
	}
	switch {
	case !wants(st, a):
		t.Drop(now, "it is no longer to be served", func(k trouble.Key) bool { return k == key })
		delete(s.troubles.addresses, a)
		return
	case !w.named && a.Addr().IsLinkLocalUnicast(): // of a container, as a rule
		delete(s.troubles.addresses, a)
		return
	case w.served && !w.named:
		w.lost = now
	}
	w.served = false
	t.Begin(trouble.Start{Key: key, Text: host.Address(a) + why, Since: now, Zones: []string{}}, now)
}

// forgetLost ends the waiting for addresses that do not come back. troubles.mu is
// held.
func (s *Server) forgetLost(now time.Duration) {
	for a, w := range s.troubles.addresses {
		if w.lost > 0 && !w.served && now-w.lost >= lostFor {
			s.troubles.table.Drop(now, "it is no longer waited for", func(k trouble.Key) bool { return k == addressKey(a) })
			delete(s.troubles.addresses, a)
		}
	}
}

// wants reports whether listen-on matches an address, whether or not an interface
// has it.
func wants(st *state, a netip.AddrPort) bool {
	for _, l := range st.cfg.Listen {
		if l.Port == a.Port() && l.V6 != a.Addr().Is4() && l.Match.Compile(st.env).Match(a.Addr()) {
			return true
		}
	}
	return false
}

// named lists the addresses that listen-on names one by one.
func named(st *state, o *Options) (list []netip.AddrPort) {
	for _, l := range st.cfg.Listen {
		if l.V6 && o.OnlyIPv4 || !l.V6 && o.OnlyIPv6 || l.Port == 0 {
			continue
		}
		for _, a := range l.Named() {
			if at := netip.AddrPortFrom(a, l.Port); !a.IsUnspecified() && !a.IsLinkLocalUnicast() && wants(st, at) {
				list = append(list, at)
			}
		}
	}
	return list
}
