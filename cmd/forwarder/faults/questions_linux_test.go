package faults

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// questions is what watching costs: a name with a probe is overridden while its
// clients ask for it, and upstream must be asked on.
var questions = scenario{name: "questions", rows: questionsRows, run: runQuestions, steady: true}

var questionsRows = []row{
	{"watched name with a probe, overridden, asked for 300 times a second: packets to upstream in a second, at most", "", atMost(3)},
	{"the same, and random names at 2000 q/s, upstream takes 1024 packets/s: verification answered at least each", "s", atMost(1.1).give((busy - 1) * 1.1)},
	{"the same: another name with a probe switched, nobody tells: new address at both forwarders after", "s", atMost(1.3).give((busy - 1) * 1.3)},
}

func runQuestions(t *testing.T, s *site) figures {
	if !s.ours() {
		return nil
	}
	const name, other = "asked.awslab.mycompany.corp.", "untold.awslab.mycompany.corp."
	const before, flooded = 10 * time.Second, 8 * time.Second
	s.set(t, oldAddress, probes([]string{name, other})...)
	s.startWatching(t, name, other)
	s.vpc.SetFaults(".", vpcresolver.Faults{PPS: vpcLimit})
	time.Sleep(3 * time.Second) // a probe is trusted when it agrees
	s.vpc.Record()
	begun, audience := time.Now(), s.gather(t, name, other)
	s.overriding(t)(name, newAddress)
	time.Sleep(before)

	var flooding sync.WaitGroup
	flooding.Go(func() { s.newFlooder(t, "awslab.mycompany.corp.").run(2000, flooded) })
	time.Sleep(flooded / 4)
	audience.focus.Store(1)
	u := change(func(name string, to netip.Addr) { s.set(t, to, probes([]string{name})...) }).turn(other, newAddress)
	flooding.Wait()
	all := sightsOf(ended([]turn{u}), audience.leave())
	all.log(t)

	asked := vpcresolver.Between(s.vpc.Recorded(), begun, begun.Add(before+flooded))
	return inOrder(questionsRows,
		busiest(fromForwarderA(asked, name, "*.now."+name), 5*time.Second),
		longestGap(fromForwarderA(asked, name), begun.Add(before), begun.Add(before+flooded)),
		all.at(atForwarder).slowest())
}

// fromForwarderA are the questions for names, or below wildcards.
func fromForwarderA(all []vpcresolver.Query, names ...string) (asked []vpcresolver.Query) {
	for _, q := range all {
		_, below, _ := strings.Cut(q.Name, ".")
		if q.From.Addr().String() == lab.ForwarderA && (slices.Contains(names, q.Name) || slices.Contains(names, "*."+below)) {
			asked = append(asked, q)
		}
	}
	return asked
}

// busiest returns the most queries in a second, on average over the length.
func busiest(asked []vpcresolver.Query, length time.Duration) float64 {
	return float64(vpcresolver.Peak(asked, length)) / length.Seconds()
}

// longestGap returns the longest time, in seconds, without an answer.
func longestGap(asked []vpcresolver.Query, begin, end time.Time) (gap float64) {
	last := begin
	for _, q := range asked {
		if q.Answered.After(last) {
			gap = max(gap, q.Answered.Sub(last).Seconds())
			last = q.Answered
		}
	}
	return max(gap, end.Sub(last).Seconds())
}
