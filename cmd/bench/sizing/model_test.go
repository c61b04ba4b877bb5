package sizing

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// uniform is a load whose misses a formula knows.
func uniform(names, ttl int, qps float64) Scenario {
	warm := 2 * time.Duration(ttl) * time.Second
	return Scenario{
		Workload: Workload{Names: names, QPS: qps, TTLs: []Share{{ttl, 1}}, Types: 1, Length: warm + 5*time.Minute, Seed: 1},
		Warm:     warm,
	}
}

// Where upstream gives whole TTLs there is a formula.
func TestFormula(t *testing.T) {
	for _, tc := range []struct {
		names, ttl int
		qps, zipf  float64
	}{
		{1000, 10, 100, 0}, {1000, 10, 1000, 0}, {1000, 60, 2000, 0}, {200, 300, 50, 0}, {5000, 10, 20000, 0},
		{10_000, 10, 2000, 0.9}, {50_000, 60, 3000, 1.2},
	} {
		s := uniform(tc.names, tc.ttl, tc.qps)
		s.Zipf = tc.zipf
		if got, want := Run(s).Mean(), s.demand().packets(tc.qps); math.Abs(got-want) > 0.03*want {
			t.Errorf("%d names, Zipf %g, TTL %d, %g q/s: %.1f packets/s, want %.1f", tc.names, tc.zipf, tc.ttl, tc.qps, got, want)
		}
	}
	one := (&Workload{Names: 1, TTLs: []Share{{10, 1}}}).demand()
	if got := one.packets(0.1); got != 0.05 {
		t.Errorf("a name of TTL 10 that is asked for each 10 s: %v packets/s, want one each 20 s", got)
	}
}

// Before servers that cache, a forwarder is asked for a name once in its TTL, unless it is
// watched: then each time. Upstream is asked as often as ever.
func TestClients(t *testing.T) {
	s := office(200, 1000)
	alone := Run(s)
	s.Clients = 1
	behind := Run(s)
	if behind.Queries > alone.Misses*11/10 || behind.HitRatio() > 0.05 {
		t.Errorf("%d of %d queries reach the forwarder, %.2f of them hits, want about the %d that were misses", behind.Queries, behind.Users, behind.HitRatio(), alone.Misses)
	}
	s.Watched = 200
	watched := Run(s)
	if watched.Queries != watched.Users {
		t.Errorf("%d of %d queries for watched names reach the forwarder, want all", watched.Queries, watched.Users)
	}
	for _, r := range []*Result{behind, watched} {
		if math.Abs(float64(r.Packets)/float64(alone.Packets)-1) > 0.1 {
			t.Errorf("%d packets, want about %d", r.Packets, alone.Packets)
		}
	}
}

// One seed gives one result, another one another.
func TestSeed(t *testing.T) {
	s := office(1000, 500)
	first, again := Run(s), Run(s)
	if !reflect.DeepEqual(first, again) {
		t.Errorf("Run = %v, and again %v", first, again)
	}
	s.Seed++
	if other := Run(s); other.Queries == first.Queries && other.Packets == first.Packets {
		t.Errorf("with another seed Run = %v, as before", other)
	}
}

// Whatever is asked, no second has more packets than a burst and the budget.
func TestBudgetHolds(t *testing.T) {
	s := office(50_000, 5000)
	s.Flush, s.Length, s.Verifying, s.Loss = true, s.Warm+20*time.Second, 10, 0.2
	r := Run(s)
	if peak := r.Peak(); peak > BudgetPPS*(burstShare+1)/burstShare || r.Mean() < 0.9*BudgetPPS {
		t.Errorf("%d packets in the busiest second, %.0f on average, want %d at most", peak, r.Mean(), BudgetPPS)
	}
	if r.Checks < 20*int(10*CheckedPackets)-1 {
		t.Errorf("%d checks in 20 s of 10 names, want %v a second each", r.Checks, CheckedPackets)
	}
}

// However long questions wait for packets, one event is planned that sends them.
func TestOneDrain(t *testing.T) {
	s := office(5000, 500)
	s.Warm, s.Length, s.PPS = 0, 20*time.Second, 100
	m := newModel(s)
	m.run()
	planned := 0
	for _, e := range m.events.heap {
		if reflect.ValueOf(e.do).Pointer() == reflect.ValueOf((*model).drain).Pointer() {
			planned++
		}
	}
	if planned != 1 || m.budget.waiting() == 0 {
		t.Errorf("after %v %d events send the %d questions that wait, want 1 and some", s.Length, planned, m.budget.waiting())
	}
}

// Events happen in order, those of one time in the order in which they were planned.
func TestEvents(t *testing.T) {
	var l events
	random := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		l.push(event{at: time.Duration(random.IntN(100))})
	}
	before := l.pop()
	for len(l.heap) > 0 {
		e := l.pop()
		if e.before(&before) {
			t.Fatalf("an event at %v, %d follows one at %v, %d", e.at, e.nth, before.at, before.nth)
		}
		before = e
	}
}

// A popular name is asked for as Zipf's law says.
func TestPopularity(t *testing.T) {
	w := Workload{Names: 100, Zipf: 1, QPS: 1000, Types: 1, Length: 100 * time.Second, Seed: 1}
	counts, n := make([]float64, w.Names), 0.0
	for q := range w.Queries() {
		counts[q.Key]++
		n++
	}
	const harmonic = 5.187 // 1 + 1/2 + … + 1/100
	for _, i := range []int{0, 1, 9} {
		if want := n / harmonic / float64(i+1); math.Abs(counts[i]/want-1) > 0.05 {
			t.Errorf("name %d was asked for %.0f times of %.0f, want %.0f", i, counts[i], n, want)
		}
	}
}
