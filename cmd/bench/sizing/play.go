package sizing

import (
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// What follows plays a scenario to a real server.

// Zone is where the names of a workload are.
const Zone = "sizing.example."

// Question returns that of a key.
func (w *Workload) Question(key int) (name string, rtype uint16) {
	return fmt.Sprintf("n%d.%s", key/w.Types, Zone), [...]uint16{dns.TypeA, dns.TypeAAAA}[key%w.Types]
}

// ZoneFile returns the names with their addresses.
func (w *Workload) ZoneFile() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d IN SOA ns.%[1]s root.%[1]s 1 2 3 4 %[2]d\n", Zone, w.Negative)
	for i, ttl := range w.AddressTTLs() {
		fmt.Fprintf(&b, "n%d.%s %d IN A 10.79.252.13\n", i, Zone, ttl)
	}
	return b.String()
}

// Point is a scenario in which a real server is held against the simulation.
type Point struct {
	Name string
	Scenario
}

// Points are those of which a run in real time is measured.
func Points() []Point {
	s := Scenario{
		Workload: Workload{TTLs: []Share{{10, 1}}, Types: 1, Length: time.Minute, Seed: 1},
		Upstream: VPC(0),
		Warm:     20 * time.Second,
		PPS:      BudgetPPS,
		Prefetch: true,
	}
	few, many, zero := s, s, s
	few.Names, few.QPS = 500, 100
	many.Names, many.QPS, many.Zipf = 12_000, 3000, 0.3
	zero.Names, zero.QPS, zero.Others = 300, 1500, 0.5
	zero.TTLs = []Share{{0, 0.1}, {2, 0.4}, {10, 0.5}}
	return []Point{
		{"500 names of TTL 10, all alike, 100 queries/s", few},
		{"12 k names of TTL 10, Zipf 0.3, 3 k queries/s", many},
		{"300 names, 10 % of TTL 0 and 40 % of TTL 2, others ask too, 1.5 k queries/s", zero},
	}
}
