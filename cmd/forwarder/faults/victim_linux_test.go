package faults

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// portsBeside is of silent names, which are asked for again and again: each port
// that they hold is not another's.
var portsBeside = scenario{name: "ports beside silent names", rows: portsBesideRows, run: runPortsBeside}

var portsBesideRows = []row{
	{"source ports in 2000 cold queries at 200 q/s, beside 60 names/s about which upstream is silent", "", atLeast(1900)},
}

func runPortsBeside(t *testing.T, s *site) figures {
	const length = 10 * time.Second
	w := tap(t, s.Network, s.vpc)
	s.ForwarderA.Serve(t, s.server, throughTap)
	s.vpc.SetFaults(silentDomain, vpcresolver.Faults{Drop: 1})
	quiet := s.load(60, length+4*time.Second, func(i int) string { return strings.Replace(coldName(i), "cold.", "silent.", 1) })
	_, stop := quiet.Start(t)
	time.Sleep(4 * time.Second) // as many are under way as will be
	begun := time.Now()
	s.newNames("ports", 200, length).Run(t.Context(), t)
	stop()
	return inOrder(portsBesideRows, float64(distinctPorts(firstTries(w.since(begun), isCold))))
}

// firstTries returns the first sighting of each name that is wanted.
func firstTries(seen []sighting, wanted func(name string) bool) (first []sighting) {
	known := map[string]bool{}
	for _, s := range seen {
		if wanted(s.name) && !known[s.name] {
			known[s.name] = true
			first = append(first, s)
		}
	}
	return first
}

// wrongAnswers is of an upstream whose answers over UDP all have wrong IDs.
var wrongAnswers = scenario{name: "wrong answers", rows: wrongAnswersRows, run: runWrongAnswers}

var wrongAnswersRows = slices.Concat(wrongRows("three answers with wrong IDs"), wrongRows("one answer with a wrong ID"))

func wrongRows(title string) []row {
	return []row{
		{title + " to each query, no other over UDP: answered", "%", atLeast(100)},
		{title + " to each query: most packets for a name", "", atMost(8)},
		{title + " to each query: p50", "ms", limit{}},
	}
}

func runWrongAnswers(t *testing.T, s *site) figures {
	o := newOddServer(s.Network)
	var wrong atomic.Int32 // answers to each query; 0 while the server starts, which may ask
	o.overUDP(t, func(query *dns.Msg) (packets [][]byte) {
		o.count(query)
		n := uint16(wrong.Load())
		if n == 0 {
			return [][]byte{packed(sound(query))}
		}
		for i := range n {
			packets = append(packets, withID(packed(sound(query)), query.Id+1+i))
		}
		return packets
	})
	o.overTCP(t, inTurn(func(query *dns.Msg) []byte {
		o.count(query)
		return packed(sound(query))
	}))
	var values []float64
	for _, n := range []int32{3, 1} {
		wrong.Store(0)
		p := s.ForwarderA.Serve(t, s.server, throughTap)
		wrong.Store(n)
		all := s.newNames(fmt.Sprintf("wrong%d-", n), 10, 3*time.Second).Run(t.Context(), t)
		values = append(values, all.Percent(), o.most(), milliseconds(all.Quantile(0.5)))
		p.Kill()
	}
	return inOrder(wrongAnswersRows, values...)
}

// victim is of a forger who knows the ports of some questions.
var victim = scenario{name: "victim", rows: victimRows, run: runVictim, heavy: true}

var victimRows = []row{
	{"60 k forged answers/s at names whose ports are known, upstream takes 500 ms, one TCP answer at a time: these answered rightly", "%", atLeast(100)},
	{"the same: others answered", "%", atLeast(100)},
	{"the same: p50 of these", "ms", limit{}},
	{"the same: taken", "", atMost(0)},
}

func runVictim(t *testing.T, s *site) figures {
	const delay = 500 * time.Millisecond
	s.vpc.SetFaults(".", vpcresolver.Faults{Delay: delay})
	a := &attack{site: s, tap: tap(t, s.Network, s.vpc), forger: newForger(t, s.Resolver, lab.ResolverAlso)}
	a.tap.inTurn()
	s.ForwarderA.Serve(t, s.server, throughTap)
	s.newNames("calm", 20, 2*time.Second).Run(t.Context(), t) // the round trip time is learned
	victims, _ := s.newNames("victim", 1, silence).Start(t)
	others, _ := s.newNames("other", 50, silence).Start(t)
	isVictim := func(s sighting) bool { return !s.tcp && strings.HasPrefix(s.name, "victim") }
	a.forge(t, func(s sighting) uint16 { return s.from.Port() }, isVictim)
	forgedOn, alone := victims(), others()
	taken := len(forgedOn.Where(isForged)) + len(alone.Where(isForged))
	rightly := percent(forgedOn, func(a lab.Answer) bool { return a.OK() && !isForged(a) })
	return inOrder(victimRows, rightly, alone.Percent(), milliseconds(alone.Quantile(0.5)), float64(taken))
}
