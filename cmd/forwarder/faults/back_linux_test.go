package faults

import (
	"net/netip"
	"testing"
	"time"
)

// thereAndBack is a name that is switched again and again before upstream has
// followed.
var thereAndBack = scenario{name: "there and back", rows: thereAndBackRows, run: runThereAndBack, steady: true}

var thereAndBackRows = arrival("Route 53 is down, `override add`, after 4 s of a third address, after 8 s of the first", 0.3, 0.5)

var thirdAddress = netip.MustParseAddr("10.79.254.13")

const wanderer = "moving.awslab.mycompany.corp."

func runThereAndBack(t *testing.T, s *site) figures {
	if !s.ours() {
		return nil
	}
	s.set(t, oldAddress, wanderer)
	s.startWatching(t, wanderer)
	return s.wander(t, s.overriding(t), ttl).arrival(thereAndBackRows)
}

// wander changes the name three times, and returns what was seen until the end of
// some time more.
func (s *site) wander(t *testing.T, c change, more time.Duration) sights {
	t.Helper()
	audience := s.gather(t, wanderer)
	var turns []turn
	for i, to := range []netip.Addr{newAddress, thirdAddress, oldAddress} {
		time.Sleep(3 * time.Second)
		awaitPhase(4 * i)
		turns = append(turns, c.turn(wanderer, to))
	}
	time.Sleep(more)
	all := sightsOf(ended(turns), audience.leave())
	all.log(t)
	return all
}
