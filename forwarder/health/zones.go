package health

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/trouble"
	"vpcdns/forwarder/wire"
)

// zoneWatch is what became of a zone's queries lately.
type zoneWatch struct {
	recent   trouble.Recent   // replies to clients
	failures trouble.Detector // what upstream said
	answered uint64           // as last read
	id       uint16
	err      error // the last failure's
}

// observeReplies counts the replies to clients since the last look.
func (m *Monitor) observeReplies(s *Second, h *harms) {
	for id, name := range s.Counted {
		all, failed := m.before.of(id)
		n := trouble.Harm{Queries: trouble.Growth(s.All[id], all), Failed: trouble.Growth(s.Failed[id], failed)}
		if z := h.zones[uint16(id)]; z != nil {
			n.Queries += z.lost
			n.Failed += z.lost
			n.Clients = z.clients
		}
		w := m.zones[name]
		if w == nil && (name == "" || n.Queries == 0) {
			continue
		}
		if w == nil {
			w = &zoneWatch{}
			m.zones[name] = w
		}
		w.id = uint16(id)
		w.recent.Add(&n)
		m.table.Add(wire.TrimDot(name), &n)
	}
	m.before = replies{s.All, s.Failed}
}

// observeZones looks at what upstream says of each zone. Silence of servers that are
// down is their trouble, not the zone's.
func (m *Monitor) observeZones(zones []Zone, h *harms, now time.Duration) {
	for name, w := range m.zones {
		i := slices.IndexFunc(zones, func(z Zone) bool { return z.Name == name })
		if i < 0 {
			delete(m.zones, name)
			continue
		}
		all := m.damage.answered[w.id].Load()
		answered, failed := trouble.Growth(all, w.answered), uint64(0)
		w.answered = all
		if z := h.zones[w.id]; z != nil {
			if failed = z.failed; !m.up.allDown(zones[i].Servers) {
				failed += z.silent
			}
			if failed > 0 {
				w.err = z.err
			}
		}
		m.observeZone(&zones[i], w, w.failures.Second(answered+failed, failed), now)
	}
}

func (m *Monitor) observeZone(z *Zone, w *zoneWatch, failing bool, now time.Duration) {
	t, name := &m.table, wire.TrimDot(z.Name)
	key := trouble.Key{Kind: trouble.Failing, Subject: name}
	switch {
	case failing && w.failures.Unasked():
		w.failures = trouble.Detector{}
		t.Drop(now, "nobody has asked for it lately", func(k trouble.Key) bool { return k == key })
	case failing && !t.Has(key):
		harm := w.recent.Last(60)
		t.Begin(trouble.Start{
			Key:   key,
			Text:  fmt.Sprintf("upstream %s fails for %s: %v", serversText(z.Servers), name, w.err),
			Since: now, Zones: []string{name}, Harm: harm, Note: harm.String() + " in the last minute",
		}, now)
	case !failing:
		t.End(key, "upstream "+serversText(z.Servers)+" answers for "+name+" again", now)
	}
}

// serversText names the servers of a zone, the first ones.
func serversText(list []netip.AddrPort) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return host.Address(list[0])
	}
	return fmt.Sprintf("%s and %d more", host.Address(list[0]), len(list)-1)
}

// observeLimits looks at what was turned away.
func (m *Monitor) observeLimits(s *Second, h *harms, now time.Duration) {
	const hold = 5 * time.Second
	sign := func(k trouble.Kind, subject, text, how string, zones ...string) {
		m.table.Sign(trouble.Start{Key: trouble.Key{Kind: k, Subject: subject}, Text: text, Since: now, Zones: zones}, hold, how, now)
	}
	short := false
	for _, b := range m.up.budgets {
		if pps := m.up.limitOf(&b); pps > 0 && (b.Refused > 0 && h.busy > 0 || b.Depth >= pps) {
			short = true
			sign(trouble.Budget, b.Name(), fmt.Sprintf("the budget of %d packets a second to upstream%s is exhausted", pps, by(b.Name())),
				"the packet budget to upstream"+by(b.Name())+" is enough again")
		}
	}
	if h.busy > 0 && !short {
		sign(trouble.Clients, "", fmt.Sprintf("recursive-clients (%d) is reached: so many questions are being asked upstream", s.Clients),
			"recursive-clients is no longer reached")
	}
	if s.Overflow > m.overflow {
		m.overflow = s.Overflow
		sign(trouble.Queue, "", fmt.Sprintf("the queue of questions to upstream is full: more than %d wait", s.Queue),
			"the queue of questions to upstream has room again")
	}
	for id := range h.full {
		name, ok := s.zone(id)
		if !ok {
			continue
		}
		sign(trouble.Fetches, name, "fetches-per-zone or fetches-per-server is reached: so many questions for "+name+" are being asked",
			"fetches-per-zone and fetches-per-server are no longer reached for "+name, name)
	}
}

func by(name string) string {
	if name == "" {
		return ""
	}
	return " by " + name
}

// zone is the name of a zone by its number. One of a reload that came after the counts
// were taken is not known yet.
func (s *Second) zone(id uint16) (name string, ok bool) {
	if int(id) >= len(s.Counted) {
		return "", false
	}
	return wire.TrimDot(s.Counted[id]), true
}

// observeLoops tells of questions that came back.
func (m *Monitor) observeLoops(s *Second, loops map[uint16]netip.Addr, now time.Duration) {
	const hold = time.Minute
	for id, from := range loops {
		name, ok := s.zone(id)
		if !ok {
			continue
		}
		text := fmt.Sprintf("forwarding loop: %s, which is asked for %s, asks this server the same", from, name)
		if !from.IsValid() {
			text = fmt.Sprintf("forwarding loop: what this server asks for %s comes back to it from another address", name)
		}
		m.table.Sign(trouble.Start{
			Key:   trouble.Key{Kind: trouble.Loop, Subject: name},
			Text:  text,
			Since: now, Zones: []string{name},
		}, hold, "forwarding loop for "+name+" is no longer seen", now)
	}
}
