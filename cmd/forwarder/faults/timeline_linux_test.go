package faults

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"vpcdns/cmd/failover/timeline"
	"vpcdns/cmd/forwarder/lab"
)

// told is what failover says in the end, beside what clients saw.
var told = scenario{name: "timeline", rows: toldRows, run: runTold, steady: true}

var toldRows = []row{
	{"`failover switch --json`: first new answers of five servers, beside those that clients saw, off by", "s", atMost(0.1).give(0.9)},
	{"the same: last old answers", "s", atMost(0.1).give(0.9)},
	{"the same: forwarders of which it and the clients do not agree whether an old answer came back", "", atMost(0)},
}

func runTold(t *testing.T, s *site) figures {
	if !s.ours() {
		return nil
	}
	const name = "told.awslab.mycompany.corp."
	w := s.newSwitching(t, s.startCloud(t, name))
	s.startWatching(t, name)
	time.Sleep(time.Second)
	audience := s.gather(t, name)
	time.Sleep(time.Second)
	for _, c := range lab.CorporateDNS {
		w.flags = append(w.flags, "--verify", c.Address)
	}
	turns := []turn{w.change(t).turn(name, newAddress)}
	o := w.outcomes()[0]
	answers := audience.leave()
	all := sightsOf(ended(turns), answers)
	all.log(t)
	return inOrder(toldRows, s.compare(t, o, all, answers)...)
}

// compare returns by how many seconds failover and the clients differ about the
// first new and the last old answer of a server, and the forwarders of which they
// differ about old ones that came back.
func (s *site) compare(t *testing.T, o outcome, all sights, answers map[*place]lab.Answers) []float64 {
	t.Helper()
	var document timeline.Document
	if err := json.Unmarshal([]byte(o.stdout), &document); err != nil || o.code != 0 {
		t.Fatalf("failover switch = %d, %v:\n%s%s", o.code, err, o.stdout, o.stderr)
	}
	if len(document.Servers) != len(servers()) {
		t.Errorf("failover tells of %d servers, want %d", len(document.Servers), len(servers()))
	}
	var first, last, back float64
	for _, lane := range document.Servers {
		host, _, _ := strings.Cut(lane.Server, "#")
		saw := all.where(func(s seen) bool { return s.address == host })
		if len(saw) != 1 {
			t.Fatalf("failover tells of %q, which is no server here", lane.Server)
		}
		first = max(first, apart(time.Time(lane.FirstNew), saw[0].newAt))
		if old := time.Time(lane.LastOld); !old.IsZero() { // it began to ask when the override was there
			last = max(last, apart(old, lastOld(answers[saw[0].place])))
		}
		if saw[0].kind == atForwarder && (lane.CameBack > 0) != (saw[0].other > 0) {
			back++
		}
	}
	return []float64{first, last, back}
}

// apart is how many seconds are between two moments.
func apart(a, b time.Time) float64 { return math.Abs(a.Sub(b).Seconds()) }

// lastOld is when the last old answer came.
func lastOld(answers lab.Answers) (last time.Time) {
	for _, a := range answers {
		if a.Address == oldAddress {
			last = later(last, a.At())
		}
	}
	return last
}
