// Package health finds out what is wrong with what a server depends on, and says so once
// and when it is over: servers that are silent, slow or fail, zones whose queries fail,
// limits that are reached, addresses that are not served or cannot be asked from. It is
// told what was counted, once a second, and of events as they come; what is wrong is kept
// by package trouble.
package health

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"vpcdns/forwarder/host"
	"vpcdns/forwarder/trouble"
	"vpcdns/forwarder/upstream"
	"vpcdns/forwarder/wire"
)

// Config is what a Monitor works with. All of it must be there.
type Config struct {
	Now    func() time.Duration                   // the server's clock
	Log    func(trouble.Kind) *slog.Logger        // for lines about a kind of trouble
	Leaves func(server, source netip.Addr) string // the interface by which packets leave, "" if that is not known
	Owner  func(netip.Addr) string                // the interface that has an address, "" for none
	PPS    int                                    // packets a second that may be sent upstream, 0: no limit
}

// Monitor watches. All methods may be called concurrently; only the log is written with
// its lock held, so that lines are in order.
type Monitor struct {
	cfg        Config
	damage     *Damage
	allowances allowances

	mu        sync.Mutex
	table     trouble.Table
	zones     map[string]*zoneWatch // that were asked for, by canonical name
	up        upstreamWatch
	before    replies // as last read
	overflow  uint64  // likewise
	addresses addressWatches
}

// New returns a Monitor that takes what went wrong with questions from d.
func New(cfg Config, d *Damage) *Monitor {
	return &Monitor{
		cfg: cfg, damage: d, allowances: allowances{throttle: upstream.NewThrottle(cfg.PPS)},
		zones: make(map[string]*zoneWatch), addresses: make(addressWatches),
		up: upstreamWatch{servers: make(map[netip.AddrPort]*serverWatch)},
	}
}

// Zone is a forward zone.
type Zone struct {
	Name    string           // canonical
	Servers []netip.AddrPort // that may be asked
}

// Second is what a Monitor is told once a second. Counters only grow, but for those of a
// number that is given to another zone.
type Second struct {
	Zones []Zone // that are forwarded

	Counted     []string // names of the zones that are counted, by number; "": none has it
	All, Failed []uint64 // replies to clients, by number of the zone: Failed are those with SERVFAIL

	Client   *upstream.Client // the same as long as its counters go on
	Upstream *upstream.Stats  // which is the Monitor's from now on

	Clients  int    // how many questions may be asked upstream at a time (recursive-clients)
	Queue    int    // how many may wait to be asked
	Overflow uint64 // questions that were too many for that
}

// replies are those to clients, by number of the zone.
type replies struct{ all, failed []uint64 }

// of returns the counts of a zone, 0 where there are none.
func (r *replies) of(zone int) (all, failed uint64) {
	if zone >= len(r.all) {
		return 0, 0
	}
	return r.all[zone], r.failed[zone]
}

// Observe looks at what the last second brought.
func (m *Monitor) Observe(s *Second) {
	harms, now := m.damage.take(), m.cfg.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.up.read(s.Client, s.Upstream)
	m.observeReplies(s, &harms)
	m.observeZones(s.Zones, &harms, now)
	m.observeServers(s.Zones, now)
	m.observeLimits(s, &harms, now)
	m.observeLoops(s, harms.loops, now)
	m.forgetLost(now)
	m.table.Tick(now)
	m.write()
}

// Change lets f change what is wrong, with the time that it is, and writes what there is
// to tell. f must call nothing of the Monitor.
func (m *Monitor) Change(f func(t *trouble.Table, now time.Duration)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.table, m.cfg.Now())
	m.write()
}

// Close tells of what is wrong still when the server ends.
func (m *Monitor) Close() { m.Change((*trouble.Table).Close) }

// write writes the lines that are due. mu is held.
func (m *Monitor) write() {
	for _, line := range m.table.Lines() {
		m.cfg.Log(line.Kind).Log(context.Background(), slog.LevelWarn, line.Text)
	}
}

// Forget ends the troubles of servers and zones that are no longer asked, after a reload.
// Zones and servers are those that there are now.
func (m *Monitor) Forget(zones []Zone, servers []upstream.ServerState) {
	m.Change(func(t *trouble.Table, now time.Duration) {
		asked := func(server string) bool {
			return slices.ContainsFunc(zones, func(z Zone) bool {
				return slices.ContainsFunc(z.Servers, func(a netip.AddrPort) bool { return host.Address(a) == server })
			})
		}
		forwarded := func(zone string) bool {
			return slices.ContainsFunc(zones, func(z Zone) bool { return wire.TrimDot(z.Name) == zone })
		}
		leftOut := sourcesLeftOut(servers)
		t.Drop(now, "upstream is no longer asked from it", func(k trouble.Key) bool { return k.Kind == trouble.Source && !leftOut[k.Subject] })
		t.Drop(now, "it is no longer asked", func(k trouble.Key) bool { return k.Kind.OfServer() && !asked(k.Subject) })
		t.Drop(now, "it is no longer forwarded", func(k trouble.Key) bool { return k.Kind.OfZone() && !forwarded(k.Subject) })
	})
}
