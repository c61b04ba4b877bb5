package faults

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

var herd = scenario{name: "herd", rows: herdRows, run: runHerd}

var herdRows = []row{
	{"2000 clients ask for one expired name, upstream takes 150 ms: answered", "", atLeast(2000)},
	{"the same: queries to upstream", "", atMost(1).give(mostTries - 1)},
	{"the same, upstream was fast before: answered", "", atLeast(2000)},
	{"the same, upstream was fast before: queries to upstream", "", atMost(4).give(mostTries - 4)}, // with retries that follow the round trip time
}

// mostTries is how often the forwarder asks one question at most, when the
// machine is so busy that the answer is never in time: at 50, 100 and 150 ms,
// then at doubling distances, up to a second, for 4.5 s. A question that clients
// do not share is asked hundreds of times.
const mostTries = 10

func runHerd(t *testing.T, s *site) figures {
	s.start(t, "")
	surprised, queries := s.stampede(t, "surprise", 0)
	answered, queriesSlow := s.stampede(t, "slow", stampedeDelay)
	return inOrder(herdRows, answered, queriesSlow, surprised, queries)
}

const stampedeDelay = 150 * time.Millisecond

// stampede has 2000 clients ask for a name that has just expired. Upstream had
// the other delay before.
func (s *site) stampede(t *testing.T, label string, before time.Duration) (answered, queries float64) {
	t.Helper()
	const ttl, rounding = 10 * time.Second, 1200 * time.Millisecond
	name := label + ".hot.awslab.mycompany.corp."
	s.vpc.SetFaults(".", vpcresolver.Faults{Delay: before})
	learn := s.newNames("before-"+label, 20, time.Second)
	learn.Run(context.Background(), t)
	if _, err := s.Corporate.Ask(t, "udp", lab.ForwarderA, new(dns.Msg).SetQuestion(name, dns.TypeA)); err != nil {
		t.Fatalf("asking for %s: %v", name, err)
	}
	time.Sleep(ttl + rounding)
	s.vpc.SetFaults(".", vpcresolver.Faults{Delay: stampedeDelay})
	asked := s.vpc.Queries(name)
	all := lab.Load{
		From: s.Corporate, Servers: []string{lab.ForwarderA}, Clients: 2000, Rate: 40_000, For: 50 * time.Millisecond,
		Timeout: 15 * time.Second, // what counts is who gets an answer at all
		Name:    func(int) string { return name },
	}.Run(context.Background(), t)
	return float64(len(all) - len(all.Failed())), float64(s.vpc.Queries(name) - asked)
}

// newNames asks for names that nobody has asked for.
func (s *site) newNames(label string, rate int, length time.Duration) lab.Load {
	return lab.Load{
		From: s.Corporate, Servers: []string{lab.ForwarderA}, Rate: rate, For: length,
		Name: func(i int) string { return fmt.Sprintf("%s%d.cold.awslab.mycompany.corp.", label, i) },
	}
}
