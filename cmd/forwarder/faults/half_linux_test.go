package faults

import (
	"strings"
	"testing"
	"time"
)

// half is a pair of which one is not there when a name is switched, or goes.
var half = scenario{name: "half a pair", rows: halfRows, run: runHalf, steady: true}

var halfRows = []row{
	{"`failover switch`, one forwarder is dead: new address at the other after", "s", atMost(0.3).give((busy - 1) * 0.3)},
	{"the same: at glibc behind named, unbound, dnsmasq and behind the pair after", "s", limit{}},
	{"the same, the dead one is started 2 s later: new address there after its start", "s", atMost(2).give(20)},
	{"the same, one is killed 1 s later and started again: old addresses there after its first new one", "", atMost(0)},
	{"all three: old addresses in the end, at all places", "", atMost(0)},
	{"all three: runs of failover with another exit status than what happened has", "", atMost(0)},
}

func runHalf(t *testing.T, s *site) figures {
	if !s.ours() {
		return nil
	}
	names := []string{"lone.awslab.mycompany.corp.", "late.awslab.mycompany.corp.", "killed.awslab.mycompany.corp."}
	w := s.newSwitching(t, s.startCloud(t, names...))
	a, b := s.startWatching(t, names...)
	time.Sleep(time.Second)
	audience, change := s.gather(t, names...), w.change(t)

	b.Kill()
	turns := []turn{change.turn(names[0], newAddress)}
	w.running.Wait()

	audience.focus.Store(1)
	turns = append(turns, change.turn(names[1], newAddress))
	time.Sleep(2 * time.Second)
	started := time.Now()
	b.start(t, s.server)
	w.running.Wait()

	audience.focus.Store(2)
	turns = append(turns, change.turn(names[2], newAddress))
	time.Sleep(time.Second)
	a.Kill()
	a.start(t, s.server)
	w.running.Wait()

	old := s.without(t, newAddress, names...)
	all := sightsOf(ended(turns), audience.leave())
	all.log(t)
	of := func(i int, place string) sights {
		return all.where(func(s seen) bool { return s.turn.name == names[i] && strings.HasPrefix(s.place.name, place) })
	}
	wrong := w.endedOtherwise(t, map[string]int{names[0]: exitUnreachable, names[1]: 0, names[2]: 0})
	return inOrder(halfRows,
		of(0, "forwarder a").slowest(), of(0, "glibc").slowest(),
		of(1, "forwarder b").slowest()-started.Sub(turns[1].at).Seconds(),
		of(2, "forwarder a").others(), old, wrong)
}

// exitUnreachable is failover's exit status when a server could not be reached and
// all else is right.
const exitUnreachable = 7

// endedOtherwise counts the runs of failover that did not end with these statuses.
func (w *switching) endedOtherwise(t *testing.T, want map[string]int) (n float64) {
	t.Helper()
	for _, o := range w.outcomes() {
		if o.code != want[o.name] {
			t.Logf("failover switch --name %s = %d, want %d:\n%s%s", o.name, o.code, want[o.name], o.stdout, o.stderr)
			n++
		}
	}
	return n
}
