package health

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/trouble"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// upstreamWatch is what upstream servers did since the last look.
type upstreamWatch struct {
	client  *upstream.Client // that was looked at
	servers map[netip.AddrPort]*serverWatch
	budgets []upstream.BudgetStats    // Refused of this second
	links   []upstream.InterfaceStats // Sent of this second
	former  upstream.Stats            // Budgets and Interfaces as last read
}

// serverWatch is one of them.
type serverWatch struct {
	last     upstream.ServerStats // as last read
	now      upstream.ServerStats // what this second brought, and the state
	failures trouble.Detector
	pace     trouble.Pace
}

// read takes a reading.
func (u *upstreamWatch) read(c *upstream.Client, st *upstream.Stats) {
	if u.client != c {
		u.client, u.former = c, upstream.Stats{}
		for _, w := range u.servers {
			w.last = upstream.ServerStats{}
		}
	}
	u.readBudgets(st)
	seen := make(map[netip.AddrPort]bool, len(st.Servers))
	for i := range st.Servers {
		now := &st.Servers[i]
		seen[now.Addr] = true
		w := u.servers[now.Addr]
		if w == nil {
			w = new(serverWatch)
			u.servers[now.Addr] = w
		}
		w.read(now)
	}
	for a := range u.servers {
		if !seen[a] {
			delete(u.servers, a)
		}
	}
}

func (u *upstreamWatch) readBudgets(st *upstream.Stats) {
	former := u.former
	u.former = upstream.Stats{Budgets: slices.Clone(st.Budgets), Interfaces: slices.Clone(st.Interfaces)}
	u.budgets, u.links = st.Budgets, st.Interfaces
	for i := range u.budgets {
		if b := &u.budgets[i]; i < len(former.Budgets) {
			b.Refused = trouble.Growth(b.Refused, former.Budgets[i].Refused)
		}
	}
	for i := range u.links {
		if l := &u.links[i]; i < len(former.Interfaces) {
			l.Sent = trouble.Growth(l.Sent, former.Interfaces[i].Sent)
		} else {
			l.Sent = 0 // shared with a former client
		}
	}
}

// linksOf are the interfaces of a budget.
func (u *upstreamWatch) linksOf(b *upstream.BudgetStats) []upstream.InterfaceStats {
	return slices.DeleteFunc(slices.Clone(u.links), func(l upstream.InterfaceStats) bool { return !slices.Contains(b.Interfaces, l.Interface) })
}

// limitOf is how many packets a second a budget has, 0 without a limit.
func (u *upstreamWatch) limitOf(b *upstream.BudgetStats) (pps int) {
	for _, l := range u.linksOf(b) {
		pps += l.PPS
	}
	return pps
}

func (w *serverWatch) read(s *upstream.ServerStats) {
	w.now = *s
	w.now.Answered = trouble.Growth(s.Answered, w.last.Answered)
	w.now.Failed = trouble.Growth(s.Failed, w.last.Failed)
	w.now.Unsound = trouble.Growth(s.Unsound, w.last.Unsound)
	for i, n := range s.RTT.Buckets {
		w.now.RTT.Buckets[i] = trouble.Growth(n, w.last.RTT.Buckets[i])
	}
	w.now.RTT.Sum = s.RTT.Sum - w.last.RTT.Sum
	w.last = *s
}

// allDown reports whether none of the servers answers.
func (u *upstreamWatch) allDown(servers []netip.AddrPort) bool {
	return !slices.ContainsFunc(servers, func(a netip.AddrPort) bool {
		w := u.servers[a]
		return w != nil && !w.now.Down
	})
}

// observeServers looks at each server. mu is held.
func (m *Monitor) observeServers(zones []Zone, now time.Duration) {
	for a, w := range m.up.servers {
		if !w.now.Down && w.now.Answered > 0 { // a former client may have been told that it was down
			m.serverAnswers(a, now)
		}
		m.observePace(zones, a, w, now)
		m.observeFailures(zones, a, w, now)
	}
}

// serverAnswers ends the outage of a server, if there is one.
func (m *Monitor) serverAnswers(a netip.AddrPort, now time.Duration) {
	t, subject := &m.table, host.Address(a)
	t.End(trouble.Key{Kind: trouble.Outage, Subject: subject}, "upstream "+subject+" answers again", now)
	t.End(trouble.Key{Kind: trouble.Local, Subject: subject}, "upstream "+subject+" can be asked again", now)
}

func (m *Monitor) observePace(zones []Zone, a netip.AddrPort, w *serverWatch, now time.Duration) {
	t, key := &m.table, trouble.Key{Kind: trouble.Slow, Subject: host.Address(a)}
	if !w.pace.Second(w.now.RTT.Buckets[:], upstream.RTTBounds[:], w.now.RTT.Sum) {
		t.End(key, "upstream "+key.Subject+" is as fast as usual again", now)
		return
	}
	if t.Has(key) {
		return
	}
	text := fmt.Sprintf("upstream %s is slow: an answer takes %s", key.Subject, millis(w.pace.Now))
	if w.pace.Usual > 0 {
		text += fmt.Sprintf(", %s is usual", millis(w.pace.Usual))
	}
	t.Begin(trouble.Start{Key: key, Text: text, Since: now, Zones: zonesAsking(zones, a)}, now)
}

// millis is a round trip time for people.
func millis(d time.Duration) string {
	if d >= time.Second {
		return fmt.Sprintf("%.3g s", d.Seconds())
	}
	return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
}

// observeFailures finds a server whose failures clients do not notice, as others of
// the same zones answer.
func (m *Monitor) observeFailures(zones []Zone, a netip.AddrPort, w *serverWatch, now time.Duration) {
	t, key := &m.table, trouble.Key{Kind: trouble.FailingServer, Subject: host.Address(a)}
	bad := w.failures.Second(w.now.Answered, min(w.now.Answered, w.now.Failed+w.now.Unsound))
	switch {
	case bad && w.failures.Unasked():
		w.failures = trouble.Detector{}
		t.Drop(now, "nobody has asked it lately", func(k trouble.Key) bool { return k == key })
	case !bad:
		t.End(key, "upstream "+key.Subject+" answers without failures again", now)
	case !t.Has(key) && m.isMasked(zones, a):
		t.Begin(trouble.Start{Key: key, Text: fmt.Sprintf("upstream %s answers with failures; others are asked", key.Subject),
			Since: now, Zones: zonesAsking(zones, a)}, now)
	}
}

// isMasked reports whether a server has others beside it in all of its zones, and
// none of them is known to fail.
func (m *Monitor) isMasked(zones []Zone, a netip.AddrPort) bool {
	for _, z := range zones {
		if slices.Contains(z.Servers, a) &&
			(len(z.Servers) == 1 || m.table.Has(trouble.Key{Kind: trouble.Failing, Subject: wire.TrimDot(z.Name)})) {
			return false
		}
	}
	return true
}

// zonesAsking lists the zones that a server is asked for, the root last.
func zonesAsking(zones []Zone, a netip.AddrPort) []string {
	list := []string{}
	for _, z := range zones {
		if slices.Contains(z.Servers, a) {
			list = append(list, wire.TrimDot(z.Name))
		}
	}
	slices.Sort(list)
	if len(list) > 1 && list[0] == "." {
		list = append(list[1:], ".")
	}
	return list
}

// Upstream notes what happens to servers, and to the addresses that they are asked from.
func (m *Monitor) Upstream(event *upstream.Event, zones []Zone) {
	if event.Kind == upstream.SourceLeftOut || event.Kind == upstream.SourceTakenBack {
		m.sourceEvent(event, zones)
		return
	}
	m.Change(func(t *trouble.Table, now time.Duration) {
		addr := host.Address(event.Server)
		start := func(k trouble.Kind, text string) trouble.Start {
			return trouble.Start{Key: trouble.Key{Kind: k, Subject: addr}, Text: text, Since: now, Zones: zonesAsking(zones, event.Server)}
		}
		switch event.Kind {
		case upstream.OutageBegan:
			begin := start(trouble.Outage, "upstream "+addr+" does not answer")
			begin.Since = now - event.Duration
			t.Begin(begin, now)
		case upstream.LocalErrorBegan:
			t.Begin(start(trouble.Local, fmt.Sprintf("upstream %s cannot be asked, for a reason on this host: %v", addr, event.Err)), now)
		case upstream.OutageEnded, upstream.LocalErrorEnded:
			m.serverAnswers(event.Server, now)
		case upstream.CookiesOff:
			t.Sign(start(trouble.Cookies, fmt.Sprintf("upstream %s answers with cookies that are not ours: it is sent none", addr)),
				event.Duration, "upstream "+addr+" is sent cookies again", now)
		case upstream.Forgery:
			t.Sign(start(trouble.Forgery, "forged answers for upstream "+addr+": asking from new ports"),
				time.Minute, "no more forged answers for upstream "+addr, now)
		}
	})
}
