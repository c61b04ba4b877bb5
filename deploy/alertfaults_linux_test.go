package deploy

import (
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/cmd/forwarder/vpcresolver"
)

// alertFault is something that goes wrong, and what it raises: that, and no other alert.
type alertFault struct {
	name   string
	alerts string // "" is none
	how    how
	happen func(*testing.T, *alertSite)
	brief  bool // it ends as soon as the alert fires: later there is another to be raised
}

// alertFaults is the table of faults and alerts.
var alertFaults = []alertFault{
	{name: "nothing but a failover, a reload and a restart", happen: usual},
	{name: "both forwarders are killed", alerts: "ForwarderPairDown", happen: func(t *testing.T, s *alertSite) {
		s.a.Kill()
		s.b.Kill()
	}},
	{name: "one forwarder is killed", alerts: "ForwarderDown", happen: func(t *testing.T, s *alertSite) { s.b.Kill() }},
	{name: "one forwarder's AZ is cut off", alerts: "ForwarderDown", happen: func(t *testing.T, s *alertSite) {
		s.Router.IP(t, "link set forwarderB down")
	}},
	{name: "upstream is silent", alerts: "ForwarderUpstreamDown", happen: func(t *testing.T, s *alertSite) {
		s.vpc.SetFaults(".", vpcresolver.Faults{Drop: 1})
	}},
	{name: "upstream is silent, and stale answers are on", alerts: "ForwarderUpstreamDown", how: how{options: staleOn}, happen: func(t *testing.T, s *alertSite) {
		s.load(t, s.Corporate, lab.ForwarderA, 5, shortName)
		time.Sleep(2 * time.Second)
		s.vpc.SetFaults(".", vpcresolver.Faults{Drop: 1})
	}},
	{name: "upstream has failures for what is not cached", alerts: "ForwarderQueriesFail", happen: func(t *testing.T, s *alertSite) {
		s.vpc.SetFaults("cold.awslab.mycompany.corp.", vpcresolver.Faults{Rcode: 2})
	}},
	{name: "many names", alerts: "ForwarderBudgetNearLimit", how: how{flags: []string{"--upstream-pps", "50"}, cached: 60, new: 43},
		happen: func(*testing.T, *alertSite) {}},
	{name: "resolvers of the two differ", alerts: "ForwarderPairDisagrees", how: how{otherB: true}, happen: func(t *testing.T, s *alertSite) {
		s.set(t, s.also, newData)
	}},
	{name: "an override at one forwarder", alerts: "ForwarderPairDisagrees", brief: true, happen: func(t *testing.T, s *alertSite) {
		if err := s.rndc(t, lab.ForwarderA, "override", "add", watchedName, "A", newData); err != nil {
			t.Error(err)
		}
	}},
	{name: "the two cannot ask each other", alerts: "ForwarderPeerDown", happen: func(t *testing.T, s *alertSite) {
		s.ForwarderB.IP(t, "route add blackhole "+lab.ForwarderA)
	}},
	{name: "upstream's caches flap after a change", alerts: "ForwarderOldAnswerAfterNew", happen: flap},
	{name: "an override that upstream does not follow", alerts: "ForwarderOverrideActive", happen: func(t *testing.T, s *alertSite) {
		s.both(t, "override add "+watchedName+" A "+newData)
	}},
	{name: "an override that is about to end", alerts: "ForwarderOverrideExpires", happen: func(t *testing.T, s *alertSite) {
		s.both(t, "override add "+watchedName+" A "+newData+" for 30m")
	}},
	{name: "a change that does not come", alerts: "ForwarderVerifyLong", happen: func(t *testing.T, s *alertSite) {
		s.both(t, "verify "+watchedName+" A "+newData)
	}},
	{name: "a configuration with an error", alerts: "ForwarderReloadFailed", happen: func(t *testing.T, s *alertSite) {
		s.breakConf(t)
		if err := s.rndc(t, lab.ForwarderA, "reload"); err == nil {
			t.Error("a broken configuration is loaded")
		}
	}},
	{name: "upstream is silent about some names, and stale answers are on", alerts: "ForwarderStaleServed", how: how{options: staleOn}, happen: func(t *testing.T, s *alertSite) {
		s.load(t, s.Corporate, lab.ForwarderA, 5, shortName)
		time.Sleep(2 * time.Second)
		s.vpc.SetFaults("hot.awslab.mycompany.corp.", vpcresolver.Faults{Drop: 1})
	}},
	{name: "all that is asked is new", alerts: "ForwarderHitRatioFalls", happen: askNew},
	{name: "a network that may not ask", alerts: "ForwarderRefusalsRise", happen: func(t *testing.T, s *alertSite) {
		s.load(t, s.Guest, lab.ForwarderA, 10, func(int) string { return watchedName })
	}},
	{name: "a record without a TTL", alerts: "ForwarderZeroTTLBurst", happen: func(t *testing.T, s *alertSite) {
		if err := s.vpc.Set("zero.awslab.mycompany.corp. 0 IN A " + oldData); err != nil {
			t.Fatal(err)
		}
		s.load(t, s.Corporate, lab.ForwarderA, 9, func(int) string { return "zero.awslab.mycompany.corp." })
	}},
}

// usual is what happens on any day: it wakes nobody.
func usual(t *testing.T, s *alertSite) {
	s.both(t, "override add "+watchedName+" A "+newData)
	s.both(t, "verify "+watchedName+" A "+newData)
	time.Sleep(time.Second)
	s.set(t, s.vpc, newData)
	s.both(t, "reload")
	s.b.End(t)
	s.startB()
}

// flap lets both learn of a change before the resolver's caches give the old data again:
// else one may hear of it long after the other, and they do differ.
func flap(t *testing.T, s *alertSite) {
	for _, address := range []string{oldData, newData} {
		s.setFor(t, s.vpc, address, 10) // the guard lasts for twice that
		s.vpc.FlushCache()
		s.both(t, "flushname "+watchedName)
		s.untilGiven(t, address)
	}
	s.vpc.SetFaults(watchedName, vpcresolver.Faults{Flap: 10 * time.Minute})
}

const staleOn = "stale-cache-enable yes; stale-answer-enable yes; max-stale-ttl 1h; stale-answer-client-timeout 1800;"

// shortName is one of a few with a TTL of 10 s.
func shortName(i int) string { return string(rune('a'+i%4)) + ".hot.awslab.mycompany.corp." }

// askNew ends what asked for cached names: nobody asks for anything twice.
func askNew(t *testing.T, s *alertSite) {
	s.stopCached()
	s.load(t, s.Corporate, lab.ForwarderA, 20, newName)
}
