package faults

import (
	"context"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// badPath makes a scenario of faults between forwarder and VPC resolver: every
// query is for a cold name, and a client asks once. It must be answered, with
// the quantile 0.99 of the time within worst.
func badPath(title string, f vpcresolver.Faults, worst float64) scenario {
	answered, late := title+": answered", "the same: p99"
	return scenario{
		name: title,
		rows: []row{
			{answered, "%", atLeast(100)},
			{late, "ms", atMost(worst).give(50)},
		},
		run: func(t *testing.T, s *site) figures {
			s.start(t, "")
			s.vpc.SetFaults(".", f)
			answers := s.askCold(t)
			return figures{answered: answers.Percent(), late: milliseconds(answers.Quantile(0.99))}
		},
	}
}

var (
	loss1    = badPath("1 % loss upstream", vpcresolver.Faults{Drop: 0.01}, 60)
	loss5    = badPath("5 % loss upstream", vpcresolver.Faults{Drop: 0.05}, 60)
	loss20   = badPath("20 % loss upstream", vpcresolver.Faults{Drop: 0.2}, 106)
	slow1500 = badPath("upstream takes 1.5 s", vpcresolver.Faults{Delay: 1500 * time.Millisecond}, 1600)
	slow2500 = badPath("upstream takes 2.5 s", vpcresolver.Faults{Delay: 2500 * time.Millisecond}, 2600)
	jumbled  = badPath("answers reordered within 0.2 s, half of them twice", vpcresolver.Faults{Jitter: 200 * time.Millisecond, Duplicate: 0.5}, 210)
)

const (
	deadOneTitle = "one of two upstreams dead from the start: answered"
	deadOneLate  = "the same: p99"
	deadOneWorst = "the same: slowest"
)

// deadOne has the dead one first in its list.
var deadOne = scenario{
	name: "one upstream dead",
	rows: []row{
		{deadOneTitle, "%", atLeast(100)},
		{deadOneLate, "ms", atMost(60).give(50)},
		{deadOneWorst, "ms", limit{}},
	},
	run: func(t *testing.T, s *site) figures {
		s.Router.IP(t, "route add blackhole "+lab.ResolverAlso)
		s.ForwarderA.Serve(t, s.server, lab.Setup{Address: lab.ForwarderA, Upstreams: []string{lab.ResolverAlso, lab.Resolver}})
		answers := s.askCold(t)
		return figures{
			deadOneTitle: answers.Percent(),
			deadOneLate:  milliseconds(answers.Quantile(0.99)),
			deadOneWorst: milliseconds(answers.Quantile(1)),
		}
	},
}

// askCold asks for 2000 names in 20 s.
func (s *site) askCold(t *testing.T) lab.Answers {
	t.Helper()
	return lab.Load{
		From: s.Corporate, Servers: []string{lab.ForwarderA}, Rate: 100, For: 20 * time.Second, Name: coldName,
	}.Run(context.Background(), t)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
