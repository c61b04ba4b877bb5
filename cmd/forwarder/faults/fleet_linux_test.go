package faults

import (
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
)

// fleet is three members behind a balancer, of which one is replaced, one is stopped by
// hand, and one dies.
var fleet = scenario{name: "fleet", rows: fleetRows, run: runFleet, steady: true}

var fleetRows = []row{
	{"one of three members behind a balancer is replaced at 1000 q/s: lost over UDP, from ports that stay and from fresh ones", "", atMost(0)},
	{"the same: lost over TCP, of 200 q/s on 40 connections", "", atMost(0)},
	{"the same, a name was overridden before, one while the newcomer starts: not answered with the new address", "", atMost(0)},
	{"another is told to drain by rndc, and stopped: lost over UDP and TCP", "", atMost(0)},
	{"`failover override add` for the members' name: members without it, and dead ones that are not named", "", atMost(0)},
}

// Names that are overridden at the members: before the newcomer starts, while it starts,
// and when a member is dead.
const (
	beforeName = "before.awslab.mycompany.corp."
	duringName = "during.awslab.mycompany.corp."
	afterName  = "after.awslab.mycompany.corp."
)

// drainTime stands for the deregistration delay.
const drainTime = 2 * time.Second

func runFleet(t *testing.T, s *site) figures {
	if !s.ours() {
		return nil
	}
	f := s.newFleet(t, beforeName, duringName, afterName)
	for i := range 3 {
		f.launch(t, i)
	}
	f.waitHealthy(t, 3)
	f.publish(t, 0, 1, 2)
	f.override(t, beforeName, 0)
	begun := time.Now()
	load, overridden := f.startLoad(t), f.watchName(t, beforeName)
	time.Sleep(time.Second)
	overriddenLate := f.replaceFirst(t)
	replaced := time.Now()
	f.drainSecond(t)
	time.Sleep(time.Second)

	udp, tcp := load()
	ended := time.Now()
	other := without(newAddress, overridden(), overriddenLate())
	f.checkShares(t)
	drained := append(udp.Between(replaced, ended), tcp.Between(replaced, ended)...)
	t.Logf("%d over UDP and %d over TCP, %d of them after the first was replaced", len(udp), len(tcp), len(drained))
	return inOrder(fleetRows, lost(udp.Between(begun, replaced)), lost(tcp.Between(begun, replaced)), other, lost(drained), f.overrideBeside(t))
}

func lost(answers lab.Answers) float64 { return float64(len(answers.Failed())) }

// replaceFirst launches a newcomer, to which an override is told only by the others, and
// takes the first member away when the newcomer is ready. It returns what is answered
// for the overridden name.
func (f *fleetSite) replaceFirst(t *testing.T) func() lab.Answers {
	t.Helper()
	ready := f.launchBeside(t, 3)
	f.override(t, duringName, 0)
	answers := f.watchName(t, duringName)
	ready()
	f.waitHealthy(t, 4)
	f.publish(t, 0, 1, 2, 3)
	time.Sleep(time.Second)
	old := f.members[0]
	f.deregister(t, old.address, drainTime)
	time.Sleep(time.Second) // the rest of the lifecycle hook's time
	old.asked = f.queries(t, old)
	old.End(t)
	f.publish(t, 1, 2, 3)
	return answers
}

// drainSecond stops a member that the balancer has not been told of.
func (f *fleetSite) drainSecond(t *testing.T) {
	t.Helper()
	m := f.members[1]
	f.rndc(t, m, "drain")
	f.waitHealthy(t, 2)
	m.asked = f.queries(t, m)
	m.End(t)
}

// overrideBeside overrides a name while one of the members in the members' name is dead,
// and counts what of it is not as it should be.
func (f *fleetSite) overrideBeside(t *testing.T) (wrong float64) {
	t.Helper()
	dead := f.members[1].address
	if said := f.override(t, afterName, exitUnreachable); !namesDead(said, dead) {
		t.Logf("failover does not name %s:\n%s", dead, said)
		wrong++
	}
	for _, m := range f.members[2:] {
		if got := f.address(t, m.address, afterName); got != newAddress {
			t.Logf("%s has %v for %s, want %v", m.address, got, afterName, newAddress)
			wrong++
		}
	}
	return wrong
}
