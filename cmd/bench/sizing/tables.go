package sizing

import (
	"fmt"
	"math"
	"time"

	"vpcdns/cmd/bench/markdown"
)

// The limits of one interface, in packets a second.
const (
	InterfacePPS = 1024 // what a VPC resolver takes; it drops the rest
	BudgetPPS    = 900  // what the forwarder sends

	// planned of these are packets that are needed on average: some seconds need more.
	planned = 0.9
)

// office is a load that is typical of a corporate network: few of many names are asked
// for often, and a third of them have a short TTL.
func office(names int, qps float64) Scenario {
	return Scenario{
		Workload: Workload{Names: names, Zipf: 0.9, QPS: qps, TTLs: []Share{{10, 1}, {60, 2}}, Types: 1, Length: 190 * time.Second, Seed: 1},
		Upstream: VPC(0),
		Warm:     70 * time.Second,
		PPS:      BudgetPPS,
		Prefetch: true,
	}
}

// about rounds to two digits.
func about(x float64) string {
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	return markdown.Count(int(math.Round(x/unit) * unit))
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
