package faults

import (
	"flag"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

var (
	peersFlag  = flag.String("peers", "", "`names` of peers to measure too, with commas between them")
	updateFlag = flag.Bool("update", false, "write testdata/faults.json and the table in README.md")
)

// atOnce is how many scenarios run at the same time: most of them wait.
const atOnce = "12"

func TestMain(m *testing.M) {
	workbench.ForgetManager()
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// mostLate is how much the machine may add before nothing can be said: packets
// are lost then that nobody had the time to read.
const mostLate = 500 * time.Millisecond

// TestFaults runs heavy scenarios one by one, and then all others together.
func TestFaults(t *testing.T) {
	workbench.NeedRoot(t)
	servers := append([]lab.Server{lab.Forwarder(t, lab.BuildForwarder(t))}, chosenPeers(t)...)
	failover := sync.OnceValue(func() string { return lab.BuildFailover(t) })
	found := loadResults(t)
	t.Cleanup(func() { found.finish(t, servers) })
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) { s.test(t, servers, failover, found) })
	}
}

func chosenPeers(t *testing.T) []lab.Server {
	t.Helper()
	var servers []lab.Server
	for _, name := range strings.FieldsFunc(*peersFlag, func(r rune) bool { return r == ',' }) {
		if p := lab.Peer(t, name); p.Installed() {
			servers = append(servers, p)
		} else {
			t.Logf("%s is not installed", name)
		}
	}
	return servers
}

// test runs the scenario for each of the servers. failover builds that program, once.
func (sc scenario) test(t *testing.T, servers []lab.Server, failover func() string, found *results) {
	sc.beside(t)
	for _, server := range servers {
		t.Run(server.Name, func(t *testing.T) {
			sc.beside(t)
			s := newSite(t, server)
			s.failover = failover
			late := lab.WatchMachine()
			got, busy := sc.run(t, s), late.Allowance()
			if busy > mostLate && !sc.steady {
				t.Skipf("this machine added up to %v: its figures say nothing; run it when the machine is idle", busy)
			}
			sc.check(t, s, got, busy)
			found.add(sc, server.Name, got)
		})
	}
}

// beside lets others run at the same time, if that does not matter.
func (sc scenario) beside(t *testing.T) {
	if !sc.heavy {
		t.Parallel()
	}
}

// check holds the forwarder's figures against their limits, which are not those
// of the race detector. A time may be longer by what the machine added.
func (sc scenario) check(t *testing.T, s *site, got figures, late time.Duration) {
	t.Helper()
	rows := slices.Concat(sc.rows, sc.apart)
	for _, row := range rows {
		v, ok := got[row.title]
		if ok {
			t.Logf("%s: %.4g %s", row.title, v, row.unit)
		}
		switch {
		case !s.ours():
		case !ok:
			t.Errorf("%s: no figure", row.title)
		case !lab.RaceEnabled() && !row.limit.holds(v-row.inUnit(late)):
			t.Errorf("%s = %v %s, want %s %v, and %v for a busy machine", row.title, v, row.unit, row.limit.sign, row.limit.value, late)
		}
	}
	for title := range got {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.title == title }) {
			t.Errorf("%s is in no row of the table", title)
		}
	}
}
