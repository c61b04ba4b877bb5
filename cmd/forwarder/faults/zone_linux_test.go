package faults

import (
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
)

const (
	zoneTitle        = "a forwarder's AZ cut for 8 s, later its process killed: lookups failed behind corporate DNS"
	zoneStubTitle    = "the same: lookups failed with both in resolv.conf"
	zoneStubTime     = "the same: the slowest of these (glibc's own timeout is 5 s)"
	zoneLinkTitle    = "the same: it answers again after its link is back within"
	zoneProcessTitle = "the same: after its process is started again within"
)

func slowestBehind(corporate string) string {
	return "the same: slowest lookup behind a corporate " + corporate
}

// An Availability Zone is cut off: packets to forwarder a vanish. It comes back,
// and dies: the network refuses packets. It is started again. Meanwhile three
// corporate DNS servers are asked 510 times a second.
var zoneLost = scenario{
	name: "zone",
	rows: []row{
		{zoneTitle, "", atMost(0)},
		{slowestBehind("named"), "s", limit{}},
		{slowestBehind("unbound"), "s", limit{}},
		{slowestBehind("dnsmasq"), "s", limit{}},
		{zoneStubTitle, "", atMost(0)},
		{zoneStubTime, "s", atMost(5.1).give(1)},
		{zoneLinkTitle, "s", atMost(0.5).give(2)},
		{zoneProcessTitle, "s", atMost(0.5).give(4)},
	},
	run: func(t *testing.T, s *site) figures {
		a, _ := s.startPair(t, "")
		behind := map[string]func() lab.Answers{}
		for _, c := range lab.CorporateDNS {
			s.StartCorporate(t, c)
			behind[c.Name] = s.lookups(t, 170, 2, c.Address)
		}
		stub := s.lookups(t, 100, 4, lab.ForwarderA, lab.ForwarderB)
		probe, _ := lab.Load{
			From: s.Corporate, Servers: []string{lab.ForwarderA}, Rate: 50, For: zoneTime, Timeout: time.Second, Name: mixedName,
		}.Start(t)

		time.Sleep(2 * time.Second)
		linked := s.cut(t, "forwarderA", lab.ForwarderA, 8*time.Second)
		time.Sleep(3 * time.Second)
		a.Kill()
		time.Sleep(4 * time.Second)
		started := time.Now()
		s.start(t, "")

		got := figures{zoneTitle: 0}
		for name, wait := range behind {
			answers := wait()
			got[slowestBehind(name)] = answers.Quantile(1).Seconds()
			got[zoneTitle] += float64(len(answers.Failed()))
		}
		direct := stub()
		got[zoneStubTitle], got[zoneStubTime] = float64(len(direct.Failed())), direct.Quantile(1).Seconds()
		probes := probe()
		got[zoneLinkTitle], got[zoneProcessTitle] = firstAfter(probes, linked), firstAfter(probes, started)
		return got
	},
}

// zoneTime is for how long lookups begin.
const zoneTime = 20 * time.Second

// mixedName is a name with a TTL of 10 s, or each fifth time one that nobody
// has asked for.
func mixedName(i int) string {
	if i%5 == 0 {
		return coldName(i)
	}
	return hotName(i % 100)
}

// lookups asks as glibc does, but that many times in all.
func (s *site) lookups(t *testing.T, rate, tries int, servers ...string) (wait func() lab.Answers) {
	t.Helper()
	wait, _ = lab.Load{From: s.Corporate, Servers: servers, Rate: rate, For: zoneTime, Tries: tries, Name: mixedName}.Start(t)
	return wait
}

// cut makes packets to and from the address behind a cable vanish for a while, and
// returns the time at which that ends.
func (s *site) cut(t *testing.T, cable, address string, d time.Duration) time.Time {
	t.Helper()
	s.Router.IP(t, "link set "+cable+" down", "route add blackhole "+address)
	time.Sleep(d)
	s.Router.IP(t, "link set "+cable+" up", "route del blackhole "+address)
	return time.Now()
}

// firstAfter returns the seconds from begin to the first good answer.
func firstAfter(answers lab.Answers, begin time.Time) float64 {
	first := never
	for _, a := range answers {
		if a.OK() && a.At().After(begin) {
			first = min(first, a.At().Sub(begin).Seconds())
		}
	}
	return first
}
