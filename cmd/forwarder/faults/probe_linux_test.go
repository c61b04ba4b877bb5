package faults

import (
	"net/netip"
	"testing"
	"time"
)

// probed is when nobody tells the forwarders, but the zone has a probe.
var probed = scenario{name: "probe", rows: probedRows, run: runProbed, steady: true}

var probedRows = append(arrival("name with a probe switched, nobody tells", 1.3, 1.3),
	row{mixedTitle, "s", atMost(0.2).give(2)})

const mixedTitle = "the same: old and new addresses mixed at clients for"

func runProbed(t *testing.T, s *site) figures {
	names := phasedNames()
	s.set(t, oldAddress, probes(names)...)
	s.startWatching(t, names...)
	time.Sleep(3 * time.Second) // a probe is trusted when it agrees
	audience := s.gather(t, names...)
	turns := audience.switchEach(func(name string, to netip.Addr) { s.set(t, to, probes([]string{name})...) })
	time.Sleep(ttl + 2*time.Second)
	all := sightsOf(ended(turns), audience.leave())
	all.log(t)
	got := all.arrival(probedRows[:len(probedRows)-1])
	got[mixedTitle] = all.where(func(s seen) bool { return s.kind != atForwarder }).mixed()
	return got
}

// probes are the names with the wildcards beside them that no cache has.
func probes(names []string) (all []string) {
	for _, name := range names {
		all = append(all, name, "*.now."+name)
	}
	return all
}

// spreading is a probe that Route 53's servers answer differently while the change
// goes from one to the next.
var spreading = scenario{name: "spread", rows: spreadingRows, run: runSpreading, steady: true}

var spreadingRows = []row{
	{"name with a probe switched, Route 53's servers change after 10, 20, 30, 40 s: old addresses after the first new one, at the forwarders", "", atMost(0)},
	{"the same: new address at both forwarders after", "s", limit{}},
}

func runSpreading(t *testing.T, s *site) figures {
	const name = "spreading.awslab.mycompany.corp."
	c := s.startCloud(t, probes([]string{name})...)
	s.startWatching(t, name)
	time.Sleep(3 * time.Second) // a probe is trusted when it agrees
	audience := s.gather(t, name)
	c.upsert(t, newAddress, probes([]string{name})...)
	turns := []turn{{name: name, at: time.Now(), to: newAddress}}
	time.Sleep(followed())
	all := sightsOf(ended(turns), audience.leave())
	all.log(t)
	return inOrder(spreadingRows, all.at(atForwarder).others(), all.at(atForwarder).slowest())
}
