package sizing

import (
	"fmt"
	"math"
	"slices"
	"sync"
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

// steady is names that are each asked for once in every. They are few, so nothing is
// prefetched: to find out that it is in vain costs a packet a minute, however many.
func steady(ttl int, every time.Duration, others float64) Scenario {
	cycle := every + time.Duration(ttl)*time.Second
	names := min(200, 500*every.Seconds())
	return Scenario{
		Workload: Workload{Names: int(names), QPS: names / every.Seconds(), TTLs: []Share{{ttl, 1}}, Types: 1, Length: 25 * cycle / 2, Seed: 1},
		Upstream: VPC(others),
		Warm:     5 * cycle / 2, // between the questions of names that were all asked for at once
	}
}

// run runs scenarios, several at a time.
func run(list []Scenario) []*Result {
	results := make([]*Result, len(list))
	var wg sync.WaitGroup
	for i, s := range list {
		wg.Go(func() { results[i] = Run(s) })
	}
	wg.Wait()
	return results
}

// fresh is how many names one interface keeps fresh.
func fresh() [][]string {
	const others = 1
	every := []time.Duration{time.Second / 10, time.Second, 10 * time.Second, time.Minute}
	rows := [][]string{{"TTL, s", "asked 10 times a second", "each second", "each 10 s", "each minute", "each second, and by others in the VPC", "10 times a second, and by others"}}
	for _, ttl := range []int{5, 10, 30, 60, 300} {
		var list []Scenario
		for _, e := range every {
			list = append(list, steady(ttl, e, 0))
		}
		row := []string{fmt.Sprint(ttl)}
		list = append(list, steady(ttl, time.Second, others), steady(ttl, time.Second/10, others))
		for i, r := range run(list) {
			row = append(row, about(planned*BudgetPPS*float64(list[i].Names)/r.Mean()))
		}
		rows = append(rows, row)
	}
	return rows
}

// loads is what one forwarder asks under a load, and under parts of it.
func loads() [][]string {
	rows := [][]string{{"names", "queries/s", "hits", "packets/s: mean", "99th percentile", "peak", "interfaces", "mean with half of the queries", "with a third"}}
	for _, l := range []struct {
		names int
		qps   float64
	}{{1000, 500}, {10_000, 2000}, {100_000, 2000}, {100_000, 10_000}, {1_000_000, 2000}} {
		var list []Scenario
		for _, part := range []float64{1, 2, 3} {
			s := office(l.names, l.qps/part)
			s.PPS = 0
			list = append(list, s)
		}
		r := run(list)
		rows = append(rows, slices.Concat([]string{markdown.Count(l.names), markdown.Count(int(l.qps)), percent(r[0].HitRatio())}, seconds(r[0]),
			[]string{fmt.Sprint((r[0].Busy() + BudgetPPS - 1) / BudgetPPS), mean(r[1]), mean(r[2])}))
	}
	return rows
}

func seconds(r *Result) []string {
	return []string{mean(r), fmt.Sprint(r.Busy()), fmt.Sprint(r.Peak())}
}

func mean(r *Result) string { return fmt.Sprintf("%.0f", r.Mean()) }

// start is a flush that nobody foresaw.
type start struct {
	names, interfaces int
	qps               float64
	result            *Result
}

func starts() (list []start) {
	var scenarios []Scenario
	for _, l := range []struct {
		names int
		qps   float64
	}{{1000, 1000}, {5000, 3000}, {10_000, 3000}, {20_000, 3000}, {50_000, 3000}, {50_000, 10_000}} {
		for _, interfaces := range []int{1, 2} {
			s := office(l.names, l.qps)
			s.Flush, s.PPS, s.Length = true, interfaces*BudgetPPS, s.Warm+time.Minute
			scenarios, list = append(scenarios, s), append(list, start{l.names, interfaces, l.qps, nil})
		}
	}
	for i, r := range run(scenarios) {
		list[i].result = r
	}
	return list
}

func startRows(list []start) [][]string {
	rows := [][]string{{"names", "queries/s", "interfaces", "seconds until nothing waits", "packets until then", "questions that wait at once", "queries that fail"}}
	for _, s := range list {
		rows = append(rows, append([]string{markdown.Count(s.names), markdown.Count(int(s.qps)), fmt.Sprint(s.interfaces)}, s.result.start()...))
	}
	return rows
}

// start says how a cold start went.
func (r *Result) start() []string {
	if !r.Waited {
		return []string{"0", "–", "0", "0"}
	}
	until := fmt.Sprintf("%.1f", r.Settled.Seconds())
	if r.Settled > time.Duration(len(r.Seconds)-1)*time.Second {
		until = fmt.Sprintf("more than %d", len(r.Seconds))
	}
	return []string{until, fmt.Sprint(r.Until), fmt.Sprint(r.MostWaiting()), fmt.Sprintf("%d of %d", r.Failed, r.Queries)}
}

// extras is what other things cost that one load meets.
func extras() [][]string {
	rows := [][]string{{"10 k names, 2 k queries/s, and", "hits", "packets/s: mean", "99th percentile", "peak"}}
	changes := []struct {
		what   string
		change func(*Scenario)
	}{
		{"nothing else", func(*Scenario) {}},
		{"each address is asked for with an AAAA that is not there (for 60 s), 4 k queries/s", func(s *Scenario) { s.Types, s.Negative, s.QPS = 2, 60, 4000 }},
		{"the names are asked for by two caching servers", func(s *Scenario) { s.Clients = 2 }},
		{"the same, and the 20 first names are watched, so handed out with TTL 0", func(s *Scenario) { s.Clients, s.Watched = 2, 20 }},
		{"20 watched names have a wildcard and are probed", func(s *Scenario) { s.Probed = 20 }},
		{"20 watched names are verified, after a failover", func(s *Scenario) { s.Verifying = 20 }},
		{"others in the VPC ask for each name each second", func(s *Scenario) { s.Others = 1 }},
		{"the resolver gives no TTL 0", func(s *Scenario) { s.Zero = false }},
		{"the resolver gives whole TTLs, so names are prefetched", func(s *Scenario) { s.Instance, s.Hosts = false, 0 }},
		{"1 % of the packets are lost", func(s *Scenario) { s.Loss = 0.01 }},
		{"5 %", func(s *Scenario) { s.Loss = 0.05 }},
		{"20 %", func(s *Scenario) { s.Loss = 0.2 }},
	}
	var list []Scenario
	for _, c := range changes {
		s := office(10_000, 2000)
		c.change(&s)
		list = append(list, s)
	}
	for i, r := range run(list) {
		rows = append(rows, append([]string{changes[i].what, percent(r.HitRatio())}, seconds(r)...))
	}
	return rows
}

// about rounds to two digits.
func about(x float64) string {
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	return markdown.Count(int(math.Round(x/unit) * unit))
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
