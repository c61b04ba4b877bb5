package page

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"vpcdns/forwarder"
	"vpcdns/forwarder/config"
	"vpcdns/forwarder/host"
	"vpcdns/forwarder/version"
	"vpcdns/forwarder/watch"
)

// Most entries of the document's lists.
const (
	maxNames   = 50  // of the failover view
	maxList    = 100 // of others
	maxHot     = 20  // hottest names, and clients
	maxText    = 500 // octets of a text
	maxZonesOf = 10  // zones of an upstream
)

// document makes the document of now; st are the counters.
func (p *Page) document(st forwarder.Stats) *Document {
	s := p.server
	d := &Document{
		Version:   Version,
		Now:       ms(time.Now()),
		Server:    p.process(),
		Queries:   queriesOf(s, &st),
		Latency:   latencyOf(s.Latencies()),
		Upstreams: p.upstreams(&st),
		Budgets:   budgetsOf(s.LastBudgets()),
		Cache:     Cache{st.Cache.Entries, st.Cache.Bytes, st.Cache.MaxBytes, st.Cache.Evictions},
		Watch:     watchOf(s, &st.Watch),
		Peers:     []Peer{},
		Config:    configOf(&st.Reload),
		Clients:   p.clients(&st),
		Hot:       hotOf(s.HotNames(maxHot)),
		Troubles:  TroublesOf(s.Troubles()),
		Failing:   failingOf(st.Failures),
		Logs:      logsOf(&st),
		Viewers:   p.hub.viewers(),
		Point:     p.sampler.latest(),
	}
	d.Names, d.NamesMore = p.names()
	d.Changes = p.changes()
	d.Overrides, d.OverridesMore = firstOf(s.Overrides(), maxNames)
	boundOverrides(d.Overrides)
	if p.fill != nil {
		p.fill(d)
	}
	p.hide(d)
	return d
}

// ms is a time as the document has it. The zero time stays, which it leaves out.
func ms(t time.Time) time.Time { return t.Round(time.Millisecond).UTC() }

// trimDot leaves the root alone.
func trimDot(name string) string {
	if len(name) > 1 {
		name = strings.TrimSuffix(name, ".")
	}
	return name
}

// firstOf returns at most so many, and how many more there are.
func firstOf[T any](list []T, most int) ([]T, int) {
	if len(list) <= most {
		return append([]T{}, list...), 0
	}
	return list[:most:most], len(list) - most
}

// process is what a Server knows of its process.
func (p *Page) process() Server {
	name, err := os.Hostname()
	if err != nil {
		name = "" // the page says which addresses are served
	}
	d := Server{
		Name: name, Version: version.Number, PID: os.Getpid(), Started: ms(p.server.Started()), State: "serving",
		Reasons: []string{}, Served: addresses(p.server.Addrs()), Unserved: []string{},
	}
	for _, u := range p.server.Unserved() {
		d.Unserved = append(d.Unserved, host.Address(u.Addr))
	}
	d.Served, _ = firstOf(d.Served, maxList)
	d.Unserved, _ = firstOf(d.Unserved, maxList)
	select {
	case <-p.server.Ready():
	default:
		d.State = "starting"
	}
	return d
}

func addresses(list []netip.AddrPort) []string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = host.Address(a)
	}
	return texts
}

// usualRcodes are there from the start, as in the metrics.
var usualRcodes = []string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}

func queriesOf(s *forwarder.Server, st *forwarder.Stats) Queries {
	minute := s.Rate(60)
	q := Queries{
		PerSecond: PerSecond{s.Rate(1).PerSecond(), s.Rate(10).PerSecond(), minute.PerSecond()},
		HitRatio:  minute.HitRatio(),
		BySource:  make(map[string]uint64), ByRcode: make(map[string]uint64),
		Refused: st.Refused, Malformed: st.Bad, Dropped: st.Dropped, Limited: st.Limited, Slipped: st.Slipped,
		Overflowed: st.Overflow, Lost: st.UDP.ReceiveFull, Pending: st.Pending,
	}
	for source := range forwarder.NumSources {
		q.BySource[source.String()] = 0
	}
	for i := range st.Queries {
		q.BySource[st.Queries[i].Source.String()] += st.Queries[i].Count
		q.Total += st.Queries[i].Count
	}
	for _, rcode := range usualRcodes {
		q.ByRcode[rcode] = 0
	}
	for rcode, n := range st.Rcodes {
		q.ByRcode[rcode] = n
	}
	return q
}

func latencyOf(list [forwarder.NumSources]forwarder.Latency) Latency {
	l := Latency{Clients: make(map[string]Quantiles)}
	for source, q := range list {
		l.Clients[forwarder.Source(source).String()] = Quantiles{q.P50.Seconds(), q.P90.Seconds(), q.P99.Seconds(), q.Samples}
	}
	return l
}

func hotOf(names []forwarder.HotName) []Hot {
	list := []Hot{}
	for _, n := range names {
		list = append(list, Hot{cut(trimDot(n.Name)), n.Type, rounded(n.PerSecond), rounded(n.Share)})
	}
	return list
}

func (p *Page) clients(st *forwarder.Stats) Clients {
	return Clients{
		Shown: p.showClients, Distinct: p.server.DistinctClients(), TCP: st.TCPOpen,
		Refused: RefusedClients{st.Refused, clientsOf(p.server.RefusedClients(maxHot))},
		Busiest: clientsOf(p.server.BusyClients(maxHot)),
	}
}

func clientsOf(counts []forwarder.ClientCount) []Client {
	list := []Client{}
	for _, c := range counts {
		list = append(list, Client{c.Client.String(), c.Count, ms(c.Last)})
	}
	return list
}

// upstreams lists the servers of the configuration in force.
func (p *Page) upstreams(st *forwarder.Stats) []Upstream {
	list := []Upstream{}
	states, _ := p.server.Upstreams()
	states, _ = firstOf(states, maxList)
	zones, now := zonesOf(p.server.Config()), time.Now()
	for i := range states {
		u := &states[i]
		d := Upstream{
			Server: host.Address(u.Addr), Zones: zones[u.Addr], State: u.State.String(), Since: ms(now.Add(-u.For)),
			RTT: u.SRTT.Seconds(), Sent: u.Sent, Answered: u.Answered, Timeouts: u.TimedOut, Pending: u.Pending,
		}
		for j := range st.Upstream.Servers {
			if s := &st.Upstream.Servers[j]; s.Addr == u.Addr { // both at the same moment, as the metrics are
				d.Sent, d.Answered, d.Timeouts, d.Failures, d.RTT = s.Sent, s.Answered, s.TimedOut, s.Failed, s.SRTT.Seconds()
			}
		}
		d.Latency = p.sampler.upstreamLatency(u.Addr)
		list = append(list, d)
	}
	return list
}

// zonesOf lists the zones that each server is asked for, the first ones.
func zonesOf(cfg *config.Config) map[netip.AddrPort][]string {
	zones := make(map[netip.AddrPort][]string)
	for i := range cfg.Zones {
		name := trimDot(cfg.Zones[i].Name)
		for _, f := range cfg.Zones[i].Forwarders {
			if list := zones[f]; len(list) < maxZonesOf && !slices.Contains(list, name) {
				zones[f] = append(list, name)
			}
		}
	}
	return zones
}

func budgetsOf(states []forwarder.BudgetState) []Budget {
	list := []Budget{}
	for _, b := range states {
		list = append(list, Budget{b.Interface, b.PPS, b.Sent, b.Waiting, b.Refused})
	}
	list, _ = firstOf(list, maxList)
	return list
}

func watchOf(s *forwarder.Server, st *forwarder.WatchStats) Watch {
	w := Watch{
		Watched: st.Watched, Names: st.Names, Overrides: st.Overrides, Guards: st.Guards, Verifications: st.Verifies,
		Probes: st.Probes, CameBack: st.CameBack, Changes: st.Changes, Refused: st.Refused,
	}
	w.Watching, w.WatchingMore = firstOf(s.Watching(), maxList)
	return w
}

func configOf(r *forwarder.ReloadStats) Config {
	return Config{OK: r.OK, Loaded: ms(r.At), Succeeded: r.Succeeded, Failed: r.Failed, Warnings: []string{}, Errors: []string{}}
}

// Warn and Fail bound what a file was found to have.
func (c *Config) Warn(findings []string) { c.Warnings, c.WarningsMore = textsOf(findings) }

func (c *Config) Fail(findings []string) { c.Errors, c.ErrorsMore = textsOf(findings) }

func textsOf(list []string) ([]string, int) {
	shown, more := firstOf(list, maxList)
	texts := make([]string, len(shown))
	for i := range shown {
		texts[i] = cut(shown[i])
	}
	return texts, more
}

// TroublesOf is how the document has what is wrong, the oldest first.
func TroublesOf(troubles []forwarder.Trouble) []Trouble {
	list := []Trouble{}
	for _, t := range troubles[:min(len(troubles), maxList)] {
		list = append(list, Trouble{t.Kind, t.Subject, ms(t.Since), t.Now, cut(t.Text), t.Queries, t.Failed, t.Clients})
	}
	return list
}

// cut bounds a text, at the end of a character.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

func failingOf(failures []forwarder.ZoneFailures) []Failing {
	list := []Failing{}
	for _, f := range failures[:min(len(failures), maxList)] {
		list = append(list, Failing{trimDot(f.Zone), f.Queries, f.Failed, f.Clients})
	}
	return list
}

func logsOf(st *forwarder.Stats) []Log {
	list := []Log{}
	for _, l := range st.LostLines[:min(len(st.LostLines), maxList)] {
		list = append(list, Log{l.Channel, l.Lines})
	}
	return list
}

// changes are the latest, the newest first.
func (p *Page) changes() []watch.Change {
	changes, _ := p.server.History("") // it fails for a bad name only
	slices.Reverse(changes)
	changes, _ = firstOf(changes, maxNames)
	boundChanges(changes)
	return changes
}
