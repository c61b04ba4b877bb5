package faults

import (
	"testing"
	"time"
)

// switched is what all of this is for: failover changes the record, tells both
// forwarders, and stays until Route 53 and the VPC resolver have followed.
var switched = scenario{name: "switch", rows: switchedRows, run: runSwitched, steady: true}

var switchedRows = arrival("`failover switch`, Route 53 takes 40 s, the resolver flaps for 30", 0.3, 0.5)

func runSwitched(t *testing.T, s *site) figures {
	names := phasedNames()
	w := s.newSwitching(t, s.startCloud(t, names...))
	s.startWatching(t, names...)
	time.Sleep(time.Second)
	audience := s.gather(t, names...)
	turns := audience.switchEach(w.change(t))
	time.Sleep(followed())
	if n := w.endedOtherwise(t, nil); n > 0 {
		t.Errorf("%v runs of failover did not end well", n)
	}
	all := sightsOf(ended(turns), audience.leave())
	all.log(t)
	return all.arrival(switchedRows)
}

// switchedBack is thereAndBack with Route 53 behind, where each change is on its way
// still.
var switchedBack = scenario{name: "switched there and back", rows: switchedBackRows, run: runSwitchedBack, steady: true}

var switchedBackRows = arrival("`failover switch`, after 4 s to a third address, after 8 s back, while Route 53 takes 40 s for each", 0.3, 0.5)

func runSwitchedBack(t *testing.T, s *site) figures {
	if !s.ours() {
		return nil
	}
	w := s.newSwitching(t, s.startCloud(t, wanderer))
	s.startWatching(t, wanderer)
	time.Sleep(time.Second)
	w.flags = []string{"--timeout", "30s"}
	all := s.wander(t, w.change(t), followed())
	for _, o := range w.outcomes() { // the first two were overtaken
		t.Logf("failover switch --address %v = %d", o.to, o.code)
	}
	return all.arrival(switchedBackRows)
}
