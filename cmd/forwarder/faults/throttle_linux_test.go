package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// vpcLimit is how many packets a second the VPC resolver takes from one network
// interface.
const vpcLimit = 1024

var throttle = scenario{name: "throttle", rows: throttleRows, run: runThrottle}

var throttleRows = []row{
	{"upstream takes 1024 packets/s, 3000 q/s for 5000 names of TTL 10: answered in the first 5 s", "%", atLeast(97).give(2)},
	{"the same: answered later", "%", atLeast(100).give(0.5)},
	{"the same: hot names answered", "%", atLeast(100).give(0.5)},
	{"the same: packets to upstream in 25 s", "", atMost(13_200)},
	{"the same: most packets in any second", "", atMost(vpcLimit).give(600)}, // a busy machine has the resolver read, and count, in bursts
}

func runThrottle(t *testing.T, s *site) figures {
	const length, start = 25 * time.Second, 5 * time.Second
	s.vpc.SetFaults(".", vpcresolver.Faults{PPS: vpcLimit})
	s.start(t, "")
	hot, _ := s.hotNames(length + time.Second).Start(t)
	time.Sleep(time.Second)
	s.vpc.Record()
	begun := time.Now()
	all := lab.Load{
		From: s.Corporate, Servers: []string{lab.ForwarderA}, Rate: 3000, For: length,
		Name: func(int) string { return fmt.Sprintf("name%d.hot.awslab.mycompany.corp.", rand.IntN(5000)) },
	}.Run(context.Background(), t)
	packets := vpcresolver.Between(s.vpc.Recorded(), begun, begun.Add(length))
	return inOrder(throttleRows,
		all.Between(begun, begun.Add(start)).Percent(),
		all.Between(begun.Add(start), begun.Add(length)).Percent(),
		hot().Percent(),
		float64(len(packets)),
		float64(vpcresolver.Peak(packets, time.Second)),
	)
}

// hotNames asks for 20 names of TTL 10, each ten times a second.
func (s *site) hotNames(length time.Duration) lab.Load {
	return lab.Load{
		From: s.Corporate, Servers: []string{lab.ForwarderA}, Rate: 200, For: length,
		Name: func(i int) string { return fmt.Sprintf("well-known%d.hot.awslab.mycompany.corp.", i%20) },
	}
}

// inOrder gives the rows their values.
func inOrder(rows []row, values ...float64) figures {
	f := figures{}
	for i, v := range values {
		f[rows[i].title] = v
	}
	return f
}
