package forwarder

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"vpcdns/forwarder/counts"
	"vpcdns/forwarder/health"
	"vpcdns/forwarder/logging"
	"vpcdns/forwarder/selfcheck"
	"vpcdns/forwarder/trouble"
	"vpcdns/forwarder/upstream"
)

// Trouble is something that is wrong, in words; TroubleStats is it without them.
// ZoneFailures is how many queries of a forward zone failed in the last minute.
// ThrottleStats is about the packet budget.
type (
	Trouble       = health.Trouble
	TroubleStats  = health.TroubleStats
	ZoneFailures  = health.ZoneFailures
	ThrottleStats = health.ThrottleStats
)

// UpstreamState and BudgetState are how a server and a packet budget are now, and
// SourceState and InterfaceState how their parts are.
type (
	UpstreamState  = upstream.ServerState
	SourceState    = upstream.SourceState
	BudgetState    = upstream.BudgetState
	InterfaceState = upstream.InterfaceState
)

// Upstreams returns how the servers are that are asked, and the packet budgets of the
// interfaces to them.
func (s *Server) Upstreams() ([]UpstreamState, []BudgetState) {
	return s.state.Load().upstream.Now()
}

// KindOfLog is the Kind of a Trouble of who has the logs.
const KindOfLog = string(trouble.Log)

// Troubles lists what is wrong, what began first at the front.
func (s *Server) Troubles() []Trouble { return s.health.Troubles() }

// Failures lists the zones of which queries failed in the last minute, by name.
func (s *Server) Failures() []ZoneFailures { return s.health.Failures() }

// LastBudgets are the packet budgets, with what was sent and refused in the last
// full second.
func (s *Server) LastBudgets() []BudgetState { return s.health.Budgets() }

func (s *Server) newHealth() *health.Monitor {
	return health.New(health.Config{
		Now: s.clock.now, Log: s.logs.trouble, Leaves: s.net.leaves, Owner: s.net.owner, PPS: s.opts.UpstreamPPS,
	}, s.damage)
}

// trouble is the logger for a kind of trouble.
func (l *loggers) trouble(k trouble.Kind) *slog.Logger {
	switch k {
	case trouble.Dnstap:
		return l.dnstap.With(logging.NotableKey, true)
	case trouble.Address:
		return l.network.With(logging.NotableKey, true)
	case "":
		return l.general.With(logging.NotableKey, true)
	}
	return l.resolver.With(logging.NotableKey, true)
}

// observe looks at what the last second brought. It is called once a second.
func (s *Server) observe() {
	st, sums := s.state.Load(), new(counts.ReplySums)
	up := st.upstream.Stats()
	st.probeDown(&up)
	used := st.zones.used()
	sums.Sum(used, s.udp, s.tcp, s.inProcess)
	s.rates.Add(s.clock.now(), sums)
	s.health.Change(s.tap.Observe)
	s.health.Observe(&health.Second{
		Zones:   st.forwarded(),
		Counted: st.zones.names[:used], All: sums.All[:used], Failed: sums.Failed[:used],
		Client: st.upstream, Upstream: &up,
		Clients: st.cfg.Limits.RecursiveClients, Queue: maxQueue, Overflow: s.queue.overflow.Load(),
	})
}

// used is how many numbers of zones there are in use, at most.
func (z *zoneNumbers) used() int {
	n := len(z.names)
	for n > 1 && z.names[n-1] == "" {
		n--
	}
	return n
}

// forwarded lists the forward zones.
func (st *state) forwarded() []health.Zone {
	list := make([]health.Zone, 0, len(st.routes))
	for _, z := range st.routes {
		list = append(list, health.Zone{Name: z.name, Servers: z.servers})
	}
	return list
}

// forgetTroubles ends those of what st no longer has.
func (s *Server) forgetTroubles(st *state) {
	servers, _ := st.upstream.Now()
	s.health.Forget(st.forwarded(), servers)
}

// Check asks the server a question over UDP and another over TCP, each through
// the sockets that clients use, and returns nil when both are answered before
// ctx ends; else the error says which was not. It tries several times. A server
// that is too busy to hear the question, but answers others meanwhile, is well.
//
// The question is known to the server alone. No upstream hears of it, and it
// appears neither in the query log nor among the replies of Stats. No access
// list and no rate limit stands in its way; addresses that are blackholed are
// left out, and a server that has no others is taken at its word. Check blocks
// when the server is stuck with a lock held.
func (s *Server) Check(ctx context.Context) error {
	s.Stats() // takes the locks that readers and resolvers take
	addrs := slices.DeleteFunc(s.Addrs(), func(a netip.AddrPort) bool {
		return s.state.Load().sets.blackhole.Match(a.Addr())
	})
	return selfcheck.Check(ctx, &selfcheck.Server{Addrs: addrs, Question: s.probe, UDP: s.listeners.Sent, TCP: s.tcp.Total})
}

// allowancesEvery is how often the interfaces' counters are read.
const allowancesEvery = time.Second

// watchAllowances follows what the host's interfaces say of allowances.
func (s *Server) watchAllowances() {
	tick := time.NewTicker(allowancesEvery)
	defer tick.Stop()
	for {
		if list, err := s.net.exceeded(); err == nil { // else out of descriptors, say: the next look may tell
			s.health.Allowances(list, s.setPPS)
		}
		select {
		case <-tick.C:
		case <-s.quit:
			return
		}
	}
}

// setPPS holds for upstream's clients before and after this one too.
func (s *Server) setPPS(pps int) { s.state.Load().upstream.SetPPS(pps) }

// upstreamEvent tells and writes what happens to servers.
func (s *Server) upstreamEvent(event upstream.Event) {
	if s.events.Upstream != nil {
		s.events.Upstream(event)
	}
	if st := s.state.Load(); st != nil { // else it is being made
		s.health.Upstream(&event, st.forwarded())
	}
}

// idleDown is how long a server that is down is left alone where nobody asks it.
const idleDown = 10 * time.Second

// probeDown asks servers that are down and that nobody asks for the SOA of a zone of
// theirs: else they would be said to be down until somebody asks. Where others
// answer for all of its zones, what they are asked finds it out. The same holds for
// source addresses that do not work.
func (st *state) probeDown(up *upstream.Stats) {
	down, leftOut := make(map[netip.AddrPort]bool), make(map[netip.AddrPort]bool)
	for i := range up.Servers {
		s := &up.Servers[i]
		down[s.Addr] = s.Down
		leftOut[s.Addr] = slices.ContainsFunc(s.Sources, func(f upstream.SourceStats) bool { return f.LeftOut })
	}
	for name, z := range st.routes {
		allDown := !slices.ContainsFunc(z.servers, func(a netip.AddrPort) bool { return !down[a] })
		for _, a := range z.servers {
			if allDown || leftOut[a] {
				st.upstream.Probe(a, soaQuestion(name), idleDown)
			}
		}
	}
}

// soaQuestion is one for the SOA of a name, all in wire form.
func soaQuestion(name string) []byte {
	q := binary.BigEndian.AppendUint16([]byte(name), dns.TypeSOA)
	return binary.BigEndian.AppendUint16(q, dns.ClassINET)
}
