package faults

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

const (
	switchedTitle = "TTL 10 name switched: new address at both forwarders after"
	keptTitle     = "the same: old address kept past the TTL that upstream gave"
	beyondTitle   = "the same: TTL handed out beyond the one that upstream gave"
	getentTitle   = "the same: new address at a glibc client after"
)

func behind(corporate string) string {
	return "the same: new address behind a corporate " + corporate + " after"
}

// A name with a TTL of 10 s moves in Route 53. Each corporate DNS rounds up by
// a second of its own.
var failover = scenario{
	name: "failover",
	rows: []row{
		{switchedTitle, "s", atMost(10.0).give(1)},
		{keptTitle, "s", atMost(0.1).give(0.4)},
		{beyondTitle, "s", atMost(0.1).give(0.4)},
		{getentTitle, "s", atMost(10.1).give(1)},
		{behind("named"), "s", atMost(11.1).give(1)},
		{behind("unbound"), "s", atMost(11.1).give(1)},
		{behind("dnsmasq"), "s", atMost(11.1).give(1)},
	},
	run: func(t *testing.T, s *site) figures {
		s.startPair(t, "")
		for _, c := range lab.CorporateDNS {
			s.StartCorporate(t, c)
		}
		m := s.move(t, "10.20.0.11", "10.20.0.12", "10.20.0.13")
		got := figures{getentTitle: s.glibcSees(t, m.at)}
		m.wait()
		for _, c := range lab.CorporateDNS {
			got[behind(c.Name)] = m.seenAt(c.Address)
		}
		got[switchedTitle] = m.seenByPair()
		got[keptTitle], got[beyondTitle] = m.excess()
		return got
	},
}

const (
	eagerTitle       = "TTL 10 name switched, with prefetch and stale answers on: new address after"
	eagerKeptTitle   = "the same: old address kept past the TTL that upstream gave"
	eagerBeyondTitle = "the same: TTL handed out beyond the one that upstream gave"
)

// eagerFailover is with all of BIND's options that keep answers longer.
var eagerFailover = scenario{
	name: "failover, eager",
	rows: []row{
		{eagerTitle, "s", atMost(10.0).give(1)},
		{eagerKeptTitle, "s", atMost(0.1).give(0.4)},
		{eagerBeyondTitle, "s", atMost(0.1).give(0.4)},
	},
	run: func(t *testing.T, s *site) figures {
		if !s.readsNamedConf() {
			return nil
		}
		s.startPair(t, "prefetch 4 10; stale-cache-enable yes; stale-answer-enable yes; max-stale-ttl 1h; stale-answer-client-timeout 1800;")
		m := s.move(t)
		m.wait()
		got := figures{eagerTitle: m.seenByPair()}
		got[eagerKeptTitle], got[eagerBeyondTitle] = m.excess()
		return got
	},
}

// movingNames are switched at once. The first is asked for just before, the
// others have been in the VPC resolver's cache for different times by then.
const movingNames = 10

func movingName(i int) string { return fmt.Sprintf("moving%d.awslab.mycompany.corp.", i) }

var (
	oldAddress = netip.MustParseAddr("10.79.252.13")
	newAddress = netip.MustParseAddr("10.79.253.13")
)

// moved is a switch and what clients see of it.
type moved struct {
	at      time.Time
	wait    func()
	answers map[string]lab.Answers // by server, after wait
	fetches []vpcresolver.Query
}

// move switches the names, and asks the pair and other servers until the last
// copy must have ended.
func (s *site) move(t *testing.T, others ...string) *moved {
	t.Helper()
	const watch = 13 * time.Second
	s.vpc.Record()
	s.point(t, oldAddress)
	s.spread(t)
	m := &moved{answers: map[string]lab.Answers{}}
	load := lab.Load{From: s.Corporate, Rate: 200, For: watch, Clients: 1, Timeout: time.Second, Tries: 2}
	load.Name = func(i int) string { return movingName(i % 2 * (i / 2 % movingNames)) }
	ending := map[string]func() lab.Answers{}
	for _, server := range append([]string{lab.ForwarderA, lab.ForwarderB}, others...) {
		s.Corporate.Ask(t, "udp", server, new(dns.Msg).SetQuestion(movingName(0), dns.TypeA))
		load.Servers = []string{server}
		ending[server], _ = load.Start(t)
	}
	m.at = time.Now()
	s.point(t, newAddress)
	m.wait = func() {
		for server, wait := range ending {
			m.answers[server] = wait()
		}
		m.fetches = s.vpc.Recorded()
	}
	return m
}

func (s *site) point(t *testing.T, address netip.Addr) {
	t.Helper()
	for i := range movingNames {
		if err := s.vpc.Set(fmt.Sprintf("%s 10 IN A %v", movingName(i), address)); err != nil {
			t.Fatal(err)
		}
	}
}

// spread makes the VPC resolver know the names but the first, each for a
// different part of a second longer.
func (s *site) spread(t *testing.T) {
	t.Helper()
	for i := 1; i < movingNames; i++ {
		s.Guest.Ask(t, "udp", lab.Resolver, new(dns.Msg).SetQuestion(movingName(i), dns.TypeA))
		time.Sleep(370 * time.Millisecond)
	}
}

// seenAt returns the seconds from the switch until the first name is new at a
// server for good.
func (m *moved) seenAt(server string) float64 {
	seen := never
	for _, a := range m.answers[server] {
		if a.Name != movingName(0) {
			continue
		}
		switch a.Address {
		case newAddress:
			seen = min(seen, a.At().Sub(m.at).Seconds())
		case oldAddress:
			seen = never
		}
	}
	return seen
}

func (m *moved) seenByPair() float64 {
	return max(m.seenAt(lab.ForwarderA), m.seenAt(lab.ForwarderB))
}

// excess returns for how many seconds a forwarder gave the old address after
// its last copy ended, and by how many the TTL in any answer ended later than
// that of its copy.
func (m *moved) excess() (kept, beyond float64) {
	for _, server := range []string{lab.ForwarderA, lab.ForwarderB} {
		for _, a := range m.answers[server] {
			if !a.OK() {
				continue
			}
			end := m.end(server, a)
			beyond = max(beyond, a.Sent.Add(a.TTL).Sub(end).Seconds())
			if a.Address == oldAddress {
				kept = max(kept, a.Sent.Sub(end).Seconds())
			}
		}
	}
	return kept, beyond
}

// end returns when the last copy ended that the answer may be from.
func (m *moved) end(server string, a lab.Answer) time.Time {
	var end time.Time
	for _, f := range m.fetches {
		same := f.From.Addr() == netip.MustParseAddr(server) && f.Name == a.Name && f.Address == a.Address
		if same && !f.Answered.After(a.At()) && f.Answered.Add(f.TTL).After(end) {
			end = f.Answered.Add(f.TTL)
		}
	}
	return end
}

// glibcSees returns the seconds after which a client with both forwarders in
// its resolv.conf, and no cache, sees the new address.
func (s *site) glibcSees(t *testing.T, switched time.Time) float64 {
	t.Helper()
	const resolvConf = "nameserver " + lab.ForwarderA + "\nnameserver " + lab.ForwarderB + "\n"
	for time.Since(switched) < 13*time.Second {
		out, _ := s.Corporate.Getent(t, resolvConf, strings.TrimSuffix(movingName(0), "."))
		if strings.Contains(out, newAddress.String()) {
			return time.Since(switched).Seconds()
		}
		time.Sleep(100 * time.Millisecond)
	}
	return never
}
