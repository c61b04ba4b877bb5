package faults

import (
	"testing"
	"time"
)

// killed is a pair that was told, of which one is killed, and the other stopped.
var killed = scenario{name: "killed", rows: killedRows, run: runKilled, steady: true}

var killedRows = []row{
	{"name overridden, a forwarder is killed and started again: new address there after", "s", atMost(0.5).give((busy - 1) * 0.5)},
	{"the same: old addresses there after its first new one", "", atMost(0)},
	{"the same, the other is stopped and started: old addresses there after its first new one", "", atMost(0)},
	{"the same: old addresses in the end, at all places", "", atMost(0)},
}

func runKilled(t *testing.T, s *site) figures {
	if !s.ours() {
		return nil
	}
	const name = "kept.awslab.mycompany.corp."
	s.set(t, oldAddress, name)
	a, b := s.startWatching(t, name)
	audience := s.gather(t, name)
	turns := []turn{s.overriding(t).turn(name, newAddress)}
	time.Sleep(time.Second)
	a.Kill()
	started := turn{name: name, at: time.Now(), to: newAddress}
	a.start(t, s.server)
	time.Sleep(time.Second)
	b.End(t)
	b.start(t, s.server)
	time.Sleep(time.Second)
	old := s.without(t, newAddress, name)
	started.until = time.Now()
	answers := audience.leave()
	all := sightsOf(ended(turns), answers)
	all.log(t)
	again := sightsOf([]turn{started}, answers)
	return inOrder(killedRows, again.of("forwarder a").slowest(), all.of("forwarder a").others(), all.of("forwarder b").others(), old)
}
