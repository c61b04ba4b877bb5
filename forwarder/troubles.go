package forwarder

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"vpcdns/forwarder/config"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/trouble"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// troubles are what is wrong, and what is looked at each second to know. Its lock
// is taken last: only the log is written under it, so that lines are in order.
type troubles struct {
	mu    sync.Mutex
	table trouble.Table
	zones map[string]*zoneWatch // that were asked for, by canonical name
	up    upstreamWatch
	sums  replySums // as last read
	rates rates

	overflow  uint64 // of queue, as last read
	addresses addressWatches
}

// zoneWatch is what became of a zone's queries lately.
type zoneWatch struct {
	recent   trouble.Recent   // replies to clients
	failures trouble.Detector // what upstream said
	answered uint64           // as last read
	id       uint16
	err      error // the last failure's
}

func (t *troubles) init() {
	t.zones = make(map[string]*zoneWatch)
	t.addresses = make(addressWatches)
	t.up.servers = make(map[netip.AddrPort]*serverWatch)
}

// observe looks at what the last second brought. It is called once a second.
func (s *Server) observe() {
	st, now := s.state.Load(), s.clock.now()
	harms, up := s.damage.take(), st.upstream.Stats()
	st.probeDown(&up)
	t := &s.troubles
	t.mu.Lock()
	defer t.mu.Unlock()
	t.up.read(st.upstream, &up)
	s.observeReplies(st, &harms, now)
	s.observeZones(st, &harms, now)
	s.observeServers(st, now)
	s.observeLimits(st, &harms, now)
	s.observeLoops(st, harms.loops, now)
	s.forgetLost(now)
	t.table.Tick(now)
	s.writeTroubles()
}

// observeReplies counts the replies to clients since the last look.
func (s *Server) observeReplies(st *state, h *harms, now time.Duration) {
	t := &s.troubles
	sums := new(replySums)
	used := st.zones.used()
	s.sumReplies(sums, used)
	for id, name := range st.zones.names[:used] {
		n := trouble.Harm{Queries: trouble.Growth(sums.all[id], t.sums.all[id]), Failed: trouble.Growth(sums.failed[id], t.sums.failed[id])}
		if z := h.zones[uint16(id)]; z != nil {
			n.Queries += z.lost
			n.Failed += z.lost
			n.Clients = z.clients
		}
		w := t.zones[name]
		if w == nil && (name == "" || n.Queries == 0) {
			continue
		}
		if w == nil {
			w = &zoneWatch{}
			t.zones[name] = w
		}
		w.id = uint16(id)
		w.recent.Add(&n)
		t.table.Add(wire.TrimDot(name), &n)
	}
	t.sums = *sums
	t.rates.add(now, sums)
}

// used is how many numbers of zones there are in use, at most.
func (z *zoneNumbers) used() int {
	n := len(z.names)
	for n > 1 && z.names[n-1] == "" {
		n--
	}
	return n
}

// observeZones looks at what upstream says of each zone. Silence of servers that are
// down is their trouble, not the zone's.
func (s *Server) observeZones(st *state, h *harms, now time.Duration) {
	t := &s.troubles
	for name, w := range t.zones {
		zone := st.zoneNamed(name)
		if zone == nil {
			delete(t.zones, name)
			continue
		}
		all := s.damage.answered[w.id].Load()
		answered, failed := trouble.Growth(all, w.answered), uint64(0)
		w.answered = all
		if z := h.zones[w.id]; z != nil {
			if failed = z.failed; !t.up.allDown(zone.servers) {
				failed += z.silent
			}
			if failed > 0 {
				w.err = z.err
			}
		}
		s.observeZone(zone, w, w.failures.Second(answered+failed, failed), now)
	}
}

func (s *Server) observeZone(z *zone, w *zoneWatch, failing bool, now time.Duration) {
	t, name := &s.troubles, wire.TrimDot(z.name)
	key := trouble.Key{Kind: trouble.Failing, Subject: name}
	switch {
	case failing && w.failures.Unasked():
		w.failures = trouble.Detector{}
		t.table.Drop(now, "nobody has asked for it lately", func(k trouble.Key) bool { return k == key })
	case failing && !t.table.Has(key):
		harm := w.recent.Last(60)
		t.table.Begin(trouble.Start{
			Key:   key,
			Text:  fmt.Sprintf("upstream %s fails for %s: %v", serversText(z.servers), name, w.err),
			Since: now, Zones: []string{name}, Harm: harm, Note: harm.String() + " in the last minute",
		}, now)
	case !failing:
		t.table.End(key, "upstream "+serversText(z.servers)+" answers for "+name+" again", now)
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

// zoneNamed returns the forward zone of a canonical name, or nil.
func (st *state) zoneNamed(name string) *zone {
	if name == "" {
		return nil
	}
	return st.routes[wire.PackName(name)]
}

// observeLimits looks at what was turned away.
func (s *Server) observeLimits(st *state, h *harms, now time.Duration) {
	const hold = 5 * time.Second
	t := &s.troubles
	sign := func(k trouble.Kind, subject, text, how string, zones ...string) {
		t.table.Sign(trouble.Start{Key: trouble.Key{Kind: k, Subject: subject}, Text: text, Since: now, Zones: zones}, hold, how, now)
	}
	short := false
	for _, b := range t.up.budgets {
		if b.PPS > 0 && (b.Refused > 0 && h.busy > 0 || b.Depth >= b.PPS) {
			short = true
			sign(trouble.Budget, b.Interface, fmt.Sprintf("the budget of %d packets a second to upstream%s is exhausted", b.PPS, by(b.Interface)),
				"the packet budget to upstream"+by(b.Interface)+" is enough again")
		}
	}
	if h.busy > 0 && !short {
		sign(trouble.Clients, "", fmt.Sprintf("recursive-clients (%d) is reached: so many questions are being asked upstream", st.cfg.Limits.RecursiveClients),
			"recursive-clients is no longer reached")
	}
	if n := s.queue.overflow.Load(); n > t.overflow {
		t.overflow = n
		sign(trouble.Queue, "", fmt.Sprintf("the queue of questions to upstream is full: more than %d wait", maxQueue),
			"the queue of questions to upstream has room again")
	}
	for id := range h.full {
		name := wire.TrimDot(st.zones.names[id])
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

// observeLoops tells of questions that came back.
func (s *Server) observeLoops(st *state, loops map[uint16]netip.Addr, now time.Duration) {
	const hold = time.Minute
	for id, from := range loops {
		name := wire.TrimDot(st.zones.names[id])
		s.troubles.table.Sign(trouble.Start{
			Key:   trouble.Key{Kind: trouble.Loop, Subject: name},
			Text:  fmt.Sprintf("forwarding loop: %s, which is asked for %s, asks this server the same", from, name),
			Since: now, Zones: []string{name},
		}, hold, "forwarding loop for "+name+" is no longer seen", now)
	}
}

// change lets f change the table, and writes what there is to tell.
func (s *Server) change(f func(t *trouble.Table, now time.Duration)) {
	t := &s.troubles
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.table, s.clock.now())
	s.writeTroubles()
}

// closeTroubles tells of what is wrong still when the server ends.
func (s *Server) closeTroubles() { s.change((*trouble.Table).Close) }

// writeTroubles writes the lines that are due. troubles.mu is held.
func (s *Server) writeTroubles() {
	for _, line := range s.troubles.table.Lines() {
		s.logs.trouble(line.Kind).Log(context.Background(), slog.LevelWarn, line.Text)
	}
}

// trouble is the logger for a kind of trouble.
func (l *loggers) trouble(k trouble.Kind) *slog.Logger {
	switch k {
	case trouble.Address:
		return l.network.With(logging.NotableKey, true)
	case "":
		return l.general.With(logging.NotableKey, true)
	}
	return l.resolver.With(logging.NotableKey, true)
}

// dropGone ends the troubles of what st no longer has.
func (s *Server) dropGone(st *state) {
	s.change(func(t *trouble.Table, now time.Duration) {
		asked := func(server string) bool {
			return slices.ContainsFunc(st.servers, func(o upstream.Server) bool { return host.Address(o.Addr) == server })
		}
		forwarded := func(zone string) bool {
			return slices.ContainsFunc(st.cfg.Zones, func(z config.ForwardZone) bool { return wire.TrimDot(z.Name) == zone })
		}
		t.Drop(now, "it is no longer asked", func(k trouble.Key) bool { return k.Kind.OfServer() && !asked(k.Subject) })
		t.Drop(now, "it is no longer forwarded", func(k trouble.Key) bool { return k.Kind.OfZone() && !forwarded(k.Subject) })
	})
}
