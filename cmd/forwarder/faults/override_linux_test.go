package faults

import (
	"testing"
	"time"
)

// overridden is without a control plane: the forwarders are told, and upstream
// gives the old address for ever.
var overridden = scenario{name: "override", rows: overriddenRows, run: runOverridden, steady: true}

var overriddenRows = arrival("Route 53 is down, `override add` at both forwarders", 0.3, 0.5)

func runOverridden(t *testing.T, s *site) figures {
	if !s.ours() {
		return nil
	}
	names := phasedNames()
	s.set(t, oldAddress, names...)
	s.startWatching(t, names...)
	audience := s.gather(t, names...)
	turns := audience.switchEach(s.overriding(t))
	time.Sleep(ttl)
	all := sightsOf(ended(turns), audience.leave())
	all.log(t)
	return all.arrival(overriddenRows)
}
